// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

/// Every raw score of NuPIC 1.0.5 on the development half of NAB.
@Suite(.enabled(if: GoldenData.isPresent, "golden files absent: set HTMENGINE_GOLDEN"))
struct GoldenModelTests {
    @Test(arguments: GoldenData.seriesNames)
    func rawScoresEqualTheOriginals(name: String) throws {
        let series = try GoldenSeries(name)
        var model = try AnomalyModel(parameters: series.parameters)
        #expect(series.firstDifference { model.process($0).rawScore } == nil)
    }

    @Test(arguments: GoldenData.names(in: "plain_tm"))
    func plainMemorysRawScoresEqualTheOriginals(name: String) throws {
        let series = try GoldenSeries(name)
        var parameters = series.parameters
        parameters.temporalMemory = .plain(PlainTemporalMemory.Parameters())
        var model = try AnomalyModel(parameters: parameters)
        #expect(series.firstDifference { model.process($0).rawScore } == nil)
    }

    @Test(arguments: GoldenData.names(in: "classifier"))
    func bestPredictionsEqualTheOriginals(name: String) throws {
        let series = try GoldenSeries(name)
        let rows = try GoldenData.rows(name)
        var parameters = series.parameters
        parameters.classifier = SDRClassifier.Parameters(steps: [1, 5])
        var model = try AnomalyModel(parameters: parameters)
        for (index, input) in series.inputs.enumerated() {
            let output = model.process(input)
            try #require(output.rawScore == series.scores[index], "record \(index)")
            for (column, step) in [(3, 1), (4, 5)] {
                let (best, expected) = (try #require(output.bestPredictions[step]), Double(rows[index][column])!)
                // The files print twelve digits or so.
                try #require(abs(best - expected) <= 1e-7 * max(1, abs(expected)), "record \(index), step \(step)")
            }
        }
    }

    @Test(arguments: KernelLevel.available)
    func everyKernelLevelGivesTheSameScores(level: KernelLevel) throws {
        let series = try GoldenSeries("realTraffic/occupancy_6005.csv")
        var model = try AnomalyModel(parameters: series.parameters, level: level)
        #expect(series.firstDifference { model.process($0).rawScore } == nil)
    }

    @Test func wideLayoutGivesTheSameScores() throws {
        let series = try GoldenSeries("realTraffic/occupancy_6005.csv")
        var encoder = try RecordEncoder(series.parameters.encoders)
        var pooler = try SpatialPooler(parameters: series.parameters.spatialPooler, inputCount: encoder.width)
        var memory = try BacktrackingTemporalMemory(parameters: .init(), usesWideLayout: true)
        let difference = series.firstDifference { input in
            _ = encoder.encode(input, learn: true)
            let columns = pooler.compute(encoder.bits, learn: true)
            let expected = memory.predictedCount(among: columns)
            memory.compute(activeColumns: columns, learn: true)
            return Double(Float(40 - expected) / 40)
        }
        #expect(difference == nil)
    }
}

/// One golden file with the model that made it.
struct GoldenSeries {
    let inputs: [ModelInput]
    let scores: [Double]
    let parameters: ModelParameters

    init(_ name: String) throws {
        let rows = try GoldenData.rows(name)
        inputs = rows.map { ModelInput(timestamp: Self.seconds($0[0]), value: Double($0[1])) }
        scores = rows.map { GoldenData.rawScore($0[2]) }
        let values = inputs.compactMap(\.value)
        let range = ModelParameters.padded(minimum: values.min()!, maximum: values.max()!)
        parameters = ModelParameters(minimum: range.minimum, maximum: range.maximum)
    }

    /// The first record whose score differs from the golden one.
    func firstDifference(_ score: (ModelInput) -> Double) -> Int? {
        for (index, input) in inputs.enumerated() where score(input) != scores[index] {
            return index
        }
        return nil
    }

    private static func seconds(_ text: Substring) -> Int64 {
        let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
        let days = CivilTime.days(year: numbers[0], month: numbers[1], day: numbers[2])
        return Int64(days * 86_400 + numbers[3] * 3_600 + numbers[4] * 60 + numbers[5])
    }
}
