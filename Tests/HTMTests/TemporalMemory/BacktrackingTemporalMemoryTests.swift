// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

@Suite struct BacktrackingTemporalMemoryTests {
    /// Columns of a repeating sequence with noise: `count` of `columnCount`, ascending.
    private func columns(_ index: Int, of columnCount: Int, count: Int, _ random: inout RandomGenerator) -> [UInt16] {
        var pattern = RandomGenerator(seed: UInt64(index % 7 + 1))
        var chosen: Set<UInt16> = []
        while chosen.count < count {
            let isNoise = random.uint32(below: 10) == 0
            let bound = UInt32(columnCount)
            chosen.insert(UInt16(isNoise ? random.uint32(below: bound) : pattern.uint32(below: bound)))
        }
        return chosen.sorted()
    }

    /// Columns by chance: `count` of `columnCount`, ascending.
    private func noise(_ count: Int, of columnCount: UInt32, _ random: inout RandomGenerator) -> [UInt16] {
        var chosen: Set<UInt16> = []
        while chosen.count < count {
            chosen.insert(UInt16(random.uint32(below: columnCount)))
        }
        return chosen.sorted()
    }

    /// Columns with two cells that learn, which may have two segments each: they are soon full.
    private func parametersOfSmallColumns(
        _ columnCount: Int,
        activationThreshold: Int,
        minThreshold: Int,
        newSynapseCount: Int
    ) -> BacktrackingParameters {
        var parameters = BacktrackingParameters()
        parameters.columnCount = columnCount
        parameters.cellsPerColumn = 3
        parameters.maxSegmentsPerCell = 2
        parameters.activationThreshold = activationThreshold
        parameters.minThreshold = minThreshold
        parameters.newSynapseCount = newSynapseCount
        return parameters
    }

    /// Shapes that kernels handle and shapes that they leave to plain code.
    @Test(
        arguments: [(2048, 32, 40), (2048, 32, 80), (512, 16, 20), (300, 12, 12), (1024, 40, 25)],
        KernelLevel.available
    )
    func allLayoutsAndKernelsGiveTheSameBits(shape: (Int, Int, Int), level: KernelLevel) throws {
        var parameters = BacktrackingParameters()
        parameters.columnCount = shape.0
        parameters.cellsPerColumn = shape.1
        if shape.2 < 20 {
            parameters.activationThreshold = 6
            parameters.minThreshold = 5
            parameters.newSynapseCount = 10
        }
        var fast = try BacktrackingTemporalMemory(parameters: parameters, level: level)
        var wide = try BacktrackingTemporalMemory(parameters: parameters, level: .baseline, usesWideLayout: true)
        var random = RandomGenerator(seed: 23)
        for index in 0..<260 {
            let columns = columns(index, of: shape.0, count: shape.2, &random)
            let learn = index % 20 != 19
            if index % 90 == 89 {
                fast.reset()
                wide.reset()
            }
            fast.compute(activeColumns: columns, learn: learn)
            wide.compute(activeColumns: columns, learn: learn)
            try #require(fast.predictedColumns == wide.predictedColumns, "record \(index)")
            try #require(fast.activeCells == wide.activeCells, "record \(index)")
        }
        #expect(fast.segmentCount == wide.segmentCount)
        #expect(fast.synapseCount == wide.synapseCount)
        #expect(fast.segmentCount > 100)
        var restored = try BacktrackingTemporalMemory(parameters: parameters, level: level)
        let state = encoded(fast)
        try restore(&restored, from: state)
        #expect(encoded(restored) == state)
        for index in 260..<300 {
            let columns = columns(index, of: shape.0, count: shape.2, &random)
            restored.compute(activeColumns: columns, learn: true)
            wide.compute(activeColumns: columns, learn: true)
            try #require(restored.predictedColumns == wide.predictedColumns, "record \(index)")
        }
        #expect(restored.synapseCount == wide.synapseCount)
    }

    /// Scratch space goes from memory to memory, of other shapes and with other segments.
    @Test func memoriesInTurnLearnAsEachAlone() throws {
        let shapes = [(2048, 32, 40), (2048, 32, 40), (512, 16, 20), (2048, 32, 80)]
        let inputs = shapes.indices.map { number in
            var random = RandomGenerator(seed: UInt64(number + 1))
            return (0..<150).map { columns($0 + number, of: shapes[number].0, count: shapes[number].2, &random) }
        }
        func memory(_ number: Int) throws -> BacktrackingTemporalMemory {
            var parameters = BacktrackingParameters()
            parameters.columnCount = shapes[number].0
            parameters.cellsPerColumn = shapes[number].1
            return try BacktrackingTemporalMemory(parameters: parameters, usesWideLayout: number == 3)
        }
        var inTurn = try shapes.indices.map(memory)
        for record in 0..<150 {
            for number in shapes.indices {
                inTurn[number].compute(activeColumns: inputs[number][record], learn: record % 30 != 29)
            }
        }
        for number in shapes.indices {
            var alone = try memory(number)
            for record in 0..<150 {
                alone.compute(activeColumns: inputs[number][record], learn: record % 30 != 29)
            }
            #expect(alone.segmentCount > 100)
            #expect(encoded(inTurn[number]) == encoded(alone), "memory \(number)")
        }
    }

    private func encoded(_ memory: BacktrackingTemporalMemory) -> [UInt8] {
        var encoder = StateEncoder()
        memory.encode(into: &encoder)
        return encoder.bytes
    }

    private func restore(_ memory: inout BacktrackingTemporalMemory, from state: [UInt8]) throws {
        var decoder = StateDecoder(state)
        try memory.restore(from: &decoder)
        try decoder.requireEnd()
    }

    /// More segments than a bank of the presynaptic index has.
    @Test func severalBanksComeBack() throws {
        var memory = try BacktrackingTemporalMemory(parameters: .init())
        var random = RandomGenerator(seed: 6)
        while memory.segmentCount < 34_000 {
            memory.compute(activeColumns: noise(40, of: 2048, &random), learn: true)
        }
        let state = encoded(memory)
        var restored = try BacktrackingTemporalMemory(parameters: .init())
        try restore(&restored, from: state)
        #expect(encoded(restored) == state)
        for _ in 0..<50 {
            let columns = noise(40, of: 2048, &random)
            memory.compute(activeColumns: columns, learn: true)
            restored.compute(activeColumns: columns, learn: true)
            try #require(memory.predictedColumns == restored.predictedColumns)
        }
        #expect(encoded(restored) == encoded(memory))
    }

    @Test func fullColumnsMakeRoom() throws {
        let parameters = parametersOfSmallColumns(256, activationThreshold: 8, minThreshold: 6, newSynapseCount: 10)
        var memory = try BacktrackingTemporalMemory(parameters: parameters)
        var wide = try BacktrackingTemporalMemory(parameters: parameters, usesWideLayout: true)
        var random = RandomGenerator(seed: 4)
        for _ in 0..<600 {
            let columns = noise(12, of: 256, &random)
            memory.compute(activeColumns: columns, learn: true)
            wide.compute(activeColumns: columns, learn: true)
            try #require(memory.predictedColumns == wide.predictedColumns)
        }
        // Two learning cells a column, two segments each.
        #expect(memory.segmentCount <= 256 * 2 * 2)
        #expect(memory.segmentCount > 900)
    }

    /// Up to record 100 a duty cycle is a share of the records, of which activations are told; columns are full from record 40 on.
    @Test(arguments: [1, 30, 60, 99, 100, 101]) func memoryRestoredEarlyGoesOnWithTheSameBits(at record: Int) throws {
        let parameters = parametersOfSmallColumns(64, activationThreshold: 5, minThreshold: 4, newSynapseCount: 6)
        var memory = try BacktrackingTemporalMemory(parameters: parameters)
        var random = RandomGenerator(seed: 5)
        for _ in 0..<record {
            memory.compute(activeColumns: noise(8, of: 64, &random), learn: true)
        }
        #expect(record < 60 || memory.segmentCount > 200)
        let state = encoded(memory)
        var restored = try BacktrackingTemporalMemory(parameters: parameters)
        try restore(&restored, from: state)
        #expect(encoded(restored) == state)
        for index in record..<record + 150 {
            let columns = noise(8, of: 64, &random)
            memory.compute(activeColumns: columns, learn: true)
            restored.compute(activeColumns: columns, learn: true)
            try #require(encoded(restored) == encoded(memory), "record \(index)")
        }
    }

    @Test func noActiveColumnsAreNoError() throws {
        var memory = try BacktrackingTemporalMemory(parameters: .init())
        for _ in 0..<5 {
            memory.compute(activeColumns: [], learn: true)
        }
        memory.compute(activeColumns: Array(0..<40), learn: true)
        #expect(memory.segmentCount == 0)
    }

    @Test func wrongParametersAreRefused() {
        let changes: [(inout BacktrackingParameters) -> Void] = [
            { $0.columnCount = 0 }, { $0.cellsPerColumn = 0 }, { $0.maxSegmentsPerCell = nil },
            { $0.maxSynapsesPerSegment = 10 }, { $0.globalDecay = 0.1 }, { $0.connectedPerm = .nan },
            { $0.seed = 0 }, { $0.segmentLimit = 0 }, { $0.cellsPerColumn = 1 },
        ]
        for (index, change) in changes.enumerated() {
            var parameters = BacktrackingParameters()
            change(&parameters)
            #expect(throws: ParameterError.self, "change \(index)") {
                try BacktrackingTemporalMemory(parameters: parameters)
            }
        }
    }
}
