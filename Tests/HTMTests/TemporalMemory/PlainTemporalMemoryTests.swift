// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

@Suite struct PlainTemporalMemoryTests {
    /// Patterns of 40 columns that repeat with the given period; every seventh record is another one.
    private func columns(_ index: Int, period: Int, disturbed: Bool = true) -> [UInt16] {
        let pattern = disturbed && index % 7 == 6 ? 1000 + index : index % period
        var random = RandomGenerator(seed: UInt64(pattern + 1))
        return random.sample(Array(0..<2048), count: 40).map(UInt16.init)
    }

    @Test func predictsARepeatedSequenceAfterSomeRepetitions() throws {
        var memory = try PlainTemporalMemory()
        var predicted: [Int] = []
        for index in 0..<2000 {
            let columns = columns(index, period: 10, disturbed: false)
            predicted.append(memory.predictedCount(among: columns))
            memory.compute(activeColumns: columns, learn: true)
        }
        #expect(predicted[0] == 0)
        // An endless loop has no beginning: now and then it meets a context it hasn't seen, and is surprised once.
        #expect(predicted[1900...].count { $0 == 40 } >= 90)
        #expect(memory.activeCells.count < 200)
    }

    @Test func withoutLearningNothingIsRemembered() throws {
        var memory = try PlainTemporalMemory()
        for index in 0..<50 {
            memory.compute(activeColumns: columns(index, period: 5), learn: false)
        }
        #expect(memory.segmentCount == 0)
        #expect(memory.activeCells.count == 40 * 32)
        #expect(memory.winnerCells.count == 40)
    }

    @Test func resetForgetsWhatWasActiveOnly() throws {
        var memory = try PlainTemporalMemory()
        for index in 0..<400 {
            memory.compute(activeColumns: columns(index, period: 10, disturbed: false), learn: true)
        }
        let segments = memory.segmentCount
        memory.reset()
        #expect(memory.predictedColumns.allSatisfy { $0 == 0 })
        #expect(memory.activeCells.isEmpty)
        #expect(memory.segmentCount == segments)
    }

    /// Small limits, so that segments and synapses are given up all the time.
    private var crowded: PlainTemporalMemory.Parameters {
        var parameters = PlainTemporalMemory.Parameters()
        parameters.maxSegmentsPerCell = 2
        parameters.maxSynapsesPerSegment = 32
        parameters.cellsPerColumn = 4
        parameters.predictedSegmentDecrement = 0.1
        return parameters
    }

    @Test func limitsHold() throws {
        let parameters = crowded
        var memory = try PlainTemporalMemory(parameters: parameters)
        for index in 0..<1500 {
            memory.compute(activeColumns: columns(index, period: 40), learn: true)
        }
        #expect(memory.segmentCount <= 2048 * 4 * 2)
        #expect(memory.segmentCount > 0)
        #expect(memory.synapseCount <= memory.segmentCount * 32)
    }

    @Test(arguments: KernelLevel.available)
    func everyKernelLevelLearnsTheSame(level: KernelLevel) throws {
        let parameters = crowded
        var best = try PlainTemporalMemory(parameters: parameters)
        var memory = try PlainTemporalMemory(parameters: parameters, level: level)
        for index in 0..<300 {
            let columns = columns(index, period: 11)
            best.compute(activeColumns: columns, learn: true)
            memory.compute(activeColumns: columns, learn: true)
        }
        #expect(encoded(memory) == encoded(best))
    }

    @Test(arguments: [true, false])
    func decodedMemoryContinuesBitForBit(crowd: Bool) throws {
        let parameters = crowd ? crowded : PlainTemporalMemory.Parameters()
        var original = try PlainTemporalMemory(parameters: parameters)
        var restored = original
        for index in 0..<500 {
            let columns = columns(index, period: 11)
            original.compute(activeColumns: columns, learn: true)
            restored.compute(activeColumns: columns, learn: true)
            #expect(restored.predictedColumns == original.predictedColumns, "record \(index)")
            #expect(restored.winnerCells == original.winnerCells, "record \(index)")
            if index % 10 == 0 {
                restored = try decoded(encoded(original), parameters)
            }
        }
        #expect(encoded(original) == encoded(restored))
    }

    private func encoded(_ memory: PlainTemporalMemory) -> [UInt8] {
        var encoder = StateEncoder()
        memory.encode(into: &encoder)
        return encoder.bytes
    }

    private func decoded(
        _ bytes: [UInt8],
        _ parameters: PlainTemporalMemory.Parameters
    ) throws -> PlainTemporalMemory {
        var decoder = StateDecoder(bytes)
        let memory = try PlainTemporalMemory(parameters: parameters, from: &decoder)
        try decoder.requireEnd()
        return memory
    }

    @Test func damagedStateIsRefused() throws {
        var memory = try PlainTemporalMemory()
        for index in 0..<60 {
            memory.compute(activeColumns: columns(index, period: 5), learn: true)
        }
        let bytes = encoded(memory)
        for length in stride(from: 0, to: bytes.count, by: 211) {
            #expect(throws: CheckpointError.self) {
                try decoded(Array(bytes[..<length]), PlainTemporalMemory.Parameters())
            }
        }
    }
}
