// SPDX-License-Identifier: Apache-2.0

import Dispatch
import HTM
import Synchronization
import Testing

/// The model "M0" of the specification: range 0...100 padded, a value every five minutes that repeats after five records.
enum PeriodicSeries {
    static var parameters: ModelParameters {
        let range = ModelParameters.padded(minimum: 0, maximum: 100)
        return ModelParameters(minimum: range.minimum, maximum: range.maximum)
    }

    static func input(_ index: Int) -> ModelInput {
        ModelInput(timestamp: 1_420_070_400 + 300 * Int64(index), value: 10 + 10 * Double(index % 5))
    }
}

@Suite struct AnomalyModelTests {
    @Test func rawScoresOfThePeriodicSeriesEqualTheOriginals() throws {
        var model = try AnomalyModel(parameters: PeriodicSeries.parameters)
        let scores = (0..<400).map { UInt8(model.process(PeriodicSeries.input($0)).rawScore * 40 + 0.5) }
        #expect(
            scores.prefix(60) == [
                40, 40, 40, 40, 40, 40, 7, 6, 7, 7, 8, 3, 8, 7, 5, 10, 4, 5, 5, 3, 6, 2, 5, 5, 6, 3, 3, 2, 2, 3, 3, 2,
                2, 4, 1, 3,
                5, 0, 6, 5, 3, 2, 0, 1, 2, 4, 3, 2, 4, 5, 4, 4, 4, 0, 1, 2, 5, 13, 4, 3,
            ]
        )
        #expect(sha256(scores) == "4673d1047bba023e8521ccea82ee01d204e051750243a6a69813c5716a908811")
        #expect(model.segmentCount == 3825)
        #expect(model.synapseCount == 93_288)
    }

    @Test func rawScoresOfThePeriodicSeriesWithThePlainMemoryEqualTheOriginals() throws {
        var parameters = PeriodicSeries.parameters
        parameters.temporalMemory = .plain(.init())
        var model = try AnomalyModel(parameters: parameters)
        let scores = (0..<400).map { UInt8(model.process(PeriodicSeries.input($0)).rawScore * 40 + 0.5) }
        #expect(scores.prefix(24).allSatisfy { $0 == 40 })
        #expect(
            scores[24..<60] == [
                39, 40, 40, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 40, 37, 34, 37, 38, 40, 31, 22, 36, 39,
                38, 27, 18, 38, 30, 39, 19, 21, 27, 36,
            ]
        )
        #expect(sha256(scores) == "a7ff28864a4e31a0e2fd8c2be3cf5cb2daf62720250db0278113aefc15930bcc")
    }

    @Test func learnedStructureOfThePeriodicSeriesEqualsTheOriginals() throws {
        var encoder = try RecordEncoder(PeriodicSeries.parameters.encoders)
        #expect(encoder.width == 454)
        var pooler = try SpatialPooler(parameters: .init(), inputCount: 454)
        var memory = try BacktrackingTemporalMemory(parameters: .init())
        for index in 0..<400 {
            #expect(encoder.encode(PeriodicSeries.input(index), learn: true) != nil)
            let columns = pooler.compute(encoder.bits, learn: true)
            if index == 0 {
                #expect(
                    columns == [
                        0, 47, 99, 133, 153, 390, 464, 645, 666, 814, 870, 981, 1070, 1093, 1117, 1122, 1138, 1148,
                        1180, 1229,
                        1267, 1303, 1314, 1389, 1434, 1439, 1485, 1552, 1626, 1630, 1682, 1684, 1760, 1793, 1813, 1874,
                        1941,
                        1992, 2001, 2042,
                    ]
                )
            } else if index == 1 {
                #expect(
                    columns == [
                        21, 47, 99, 124, 133, 161, 407, 666, 682, 751, 821, 848, 877, 1012, 1064, 1066, 1085, 1090,
                        1117, 1122,
                        1148, 1208, 1303, 1344, 1391, 1421, 1439, 1448, 1552, 1596, 1611, 1626, 1684, 1755, 1760, 1777,
                        1793,
                        1815, 1879, 1917,
                    ]
                )
            }
            memory.compute(activeColumns: columns, learn: true)
        }
        #expect(abs(memory.averageLearnedSequenceLength - 25.8208599) < 0.00001)
    }

    @Test func hashOfTheInitialPermanencesEqualsTheOriginals() throws {
        let pooler = try SpatialPooler(parameters: .init(), inputCount: 454)
        var bytes: [UInt8] = []
        for column in 0..<2048 {
            var row = [UInt32](repeating: 0, count: 454)
            for synapse in pooler.synapses(of: column) {
                row[synapse.input] = UInt32((Double(synapse.permanence) * 100_000).rounded())
            }
            bytes += row.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        }
        #expect(sha256(bytes) == "489880b6888a1e0fbe36842a88b5eff0f686bfd4cbbc34e630dc1a026e0c805c")
    }

    @Test func constantInputIsExpectedFromTheFourthRecordOn() throws {
        var model = try AnomalyModel(parameters: PeriodicSeries.parameters)
        let scores = (0..<8).map { _ in model.process(ModelInput(timestamp: 1_420_070_400, value: 5)).rawScore }
        #expect(scores == [1, 1, 1, 0, 0, 0, 0, 0])
    }

    @Test func recordAfterAResetIsUnexpected() throws {
        var model = try AnomalyModel(parameters: PeriodicSeries.parameters)
        for index in 0..<100 {
            _ = model.process(PeriodicSeries.input(index))
        }
        var uninterrupted = model
        #expect(uninterrupted.process(PeriodicSeries.input(100)).rawScore < 1)
        model.reset()
        #expect(model.process(PeriodicSeries.input(100)).rawScore == 1)
        #expect(model.process(PeriodicSeries.input(101)).rawScore < 1)
    }

    @Test func withoutLearningNothingChangesButTheContext() throws {
        var model = try AnomalyModel(parameters: PeriodicSeries.parameters)
        for index in 0..<200 {
            _ = model.process(PeriodicSeries.input(index))
        }
        let (segments, synapses) = (model.segmentCount, model.synapseCount)
        for index in 200..<260 {
            _ = model.process(PeriodicSeries.input(index), learn: false)
        }
        #expect(model.segmentCount == segments)
        #expect(model.synapseCount == synapses)
        #expect(model.process(PeriodicSeries.input(260)).rawScore < 0.5)
    }

    @Test func copiesGoOnByThemselves() throws {
        var model = try AnomalyModel(parameters: PeriodicSeries.parameters)
        for index in 0..<150 {
            _ = model.process(PeriodicSeries.input(index))
        }
        var copy = model
        for index in 0..<50 {
            _ = copy.process(ModelInput(timestamp: Int64(index) * 977, value: Double(index * index % 91)))
        }
        var fresh = try AnomalyModel(parameters: PeriodicSeries.parameters)
        for index in 0..<150 {
            _ = fresh.process(PeriodicSeries.input(index))
        }
        for index in 150..<300 {
            let (output, expected) = (
                model.process(PeriodicSeries.input(index)), fresh.process(PeriodicSeries.input(index))
            )
            #expect(output.rawScore == expected.rawScore)
            #expect(output.likelihood == expected.likelihood)
        }
    }

    /// Models that come from one factory share tables; they run on as many threads as there are, in whatever order.
    @Test(arguments: [2, 3, 8])
    func anyNumberOfThreadsGivesTheSameScores(threads: Int) throws {
        let factory = ModelFactory()
        let makeScores = { @Sendable (number: Int) throws -> [Double] in
            var parameters = PeriodicSeries.parameters
            if number % 3 == 2 {
                parameters.temporalMemory = .plain(PlainTemporalMemory.Parameters())
            }
            var model = try factory.makeModel(parameters)
            return (0..<250).map { index in
                let value = 50 + 40 * Double((index * (number + 3)) % 11) / 11
                return model.process(ModelInput(timestamp: 300 * Int64(index), value: value)).rawScore
            }
        }
        let expected = try (0..<8).map(makeScores)
        let state = Mutex((next: 0, scores: [[Double]](repeating: [], count: expected.count)))
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            while true {
                let number = state.withLock { state in
                    defer { state.next += 1 }
                    return state.next
                }
                guard number < expected.count, let scores = try? makeScores(number) else { return }
                state.withLock { $0.scores[number] = scores }
            }
        }
        #expect(state.withLock { $0.scores } == expected)
        #expect(Set(expected).count > 1)
    }

    @Test func missingValuesAreScored() throws {
        var model = try AnomalyModel(parameters: PeriodicSeries.parameters)
        for index in 0..<100 {
            let value = index % 7 == 3 ? (index % 2 == 0 ? nil : Double.nan) : PeriodicSeries.input(index).value
            let output = model.process(ModelInput(timestamp: index % 11 == 0 ? nil : Int64(index) * 300, value: value))
            #expect(output.rawScore >= 0 && output.rawScore <= 1)
        }
    }
}
