// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

/// Parameters away from the defaults, held to what an earlier and very different storage of segments gave: a synapse each for itself,
/// listed by its source.
@Suite struct UnusualShapesTests {
    struct Shape: Sendable, CustomTestStringConvertible {
        var name: String
        var activeCount = 20
        var records = 400
        var change: @Sendable (inout BacktrackingParameters) -> Void
        var expected: UInt64

        var testDescription: String { name }
    }

    private static func small(_ parameters: inout BacktrackingParameters) {
        parameters.columnCount = 256
        parameters.cellsPerColumn = 8
        parameters.activationThreshold = 8
        parameters.minThreshold = 6
        parameters.newSynapseCount = 10
    }

    static let shapes = [
        Shape(
            name: "more learning cells than a word has bits",
            activeCount: 70,
            change: { small(&$0) },
            expected: 11939134164969129078
        ),
        Shape(
            name: "few segments in all",
            records: 900,
            change: {
                small(&$0)
                $0.segmentLimit = 1500
            },
            expected: 14741400774567000632
        ),
        Shape(
            name: "full columns",
            change: {
                small(&$0)
                $0.cellsPerColumn = 3
                $0.maxSegmentsPerCell = 2
            },
            expected: 5776041538235123206
        ),
        Shape(
            name: "many synapses",
            activeCount: 60,
            change: {
                small(&$0)
                $0.maxSynapsesPerSegment = 120
                $0.newSynapseCount = 40
            },
            expected: 935685015028316307
        ),
        Shape(
            name: "decay and no fixed size",
            activeCount: 30,
            change: {
                small(&$0)
                $0.maxSegmentsPerCell = nil
                $0.maxSynapsesPerSegment = nil
                $0.globalDecay = 0.05
                $0.maxAge = 20
            },
            expected: 6940631889591588613
        ),
        Shape(
            name: "pooling",
            change: {
                small(&$0)
                $0.doPooling = true
            },
            expected: 4497619233495068434
        ),
        Shape(
            name: "new synapses are connected",
            change: {
                small(&$0)
                $0.initialPerm = 0.6
            },
            expected: 9505674072646806360
        ),
        Shape(
            name: "cells of two words",
            change: {
                small(&$0)
                $0.cellsPerColumn = 40
            },
            expected: 7856815853411228014
        ),
        Shape(
            name: "low thresholds",
            activeCount: 6,
            change: {
                small(&$0)
                $0.activationThreshold = 2
                $0.minThreshold = 1
                $0.newSynapseCount = 4
            },
            expected: 9080280736415286426
        ),
    ]

    @Test(arguments: shapes, [false, true])
    func bitsAreThoseOfBefore(shape: Shape, usesWideLayout: Bool) throws {
        var parameters = BacktrackingParameters()
        shape.change(&parameters)
        var memory = try BacktrackingTemporalMemory(parameters: parameters, usesWideLayout: usesWideLayout)
        var random = RandomGenerator(seed: 31)
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ value: UInt64) {
            hash = (hash ^ value) &* 0x100_0000_01B3
        }
        for record in 0..<shape.records {
            var chosen: Set<UInt16> = []
            var pattern = RandomGenerator(seed: UInt64(record % 9 + 1))
            while chosen.count < shape.activeCount {
                let isNoise = random.uint32(below: 6) == 0
                let bound = UInt32(parameters.columnCount)
                chosen.insert(UInt16(isNoise ? random.uint32(below: bound) : pattern.uint32(below: bound)))
            }
            if record % 150 == 149 {
                memory.reset()
            }
            memory.compute(activeColumns: chosen.sorted(), learn: record % 25 != 24)
            memory.predictedColumns.forEach(add)
            memory.activeCells.forEach { add(UInt64($0)) }
            add(UInt64(memory.segmentCount))
            add(UInt64(memory.synapseCount))
        }
        #expect(hash == shape.expected, "\(shape.name): \(hash)")
    }
}
