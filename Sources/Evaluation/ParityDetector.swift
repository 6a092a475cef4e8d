// SPDX-License-Identifier: Apache-2.0

import HTM

/// NAB's 'numenta' detector: NuPIC's model, its likelihood on a log scale, and 1 for values outside the range so far.
///
/// Source: spec htm.md 8.3.
package struct ParityDetector: SeriesDetector {
    /// Whether range and length of the whole file set the encoder and the periods, as they do in NAB.
    private let knowsFile: Bool
    /// Most segments of a model; the original has no such bound.
    private let segmentLimit: Int

    /// Records whose range sets the encoder where the file's isn't known: a day at five minutes, as the engine waits.
    private static let rangeRecords = 288

    package init(knowsFile: Bool, segmentLimit: Int = BacktrackingParameters().segmentLimit) {
        self.knowsFile = knowsFile
        self.segmentLimit = segmentLimit
    }

    package var name: String { knowsFile ? "htmengine_parity" : "htmengine_parity_causal" }

    package func scores(of series: LabelledSeries) throws -> ScoredSeries {
        let seen = (knowsFile ? series.values[...] : series.values.prefix(Self.rangeRecords)).filter { !$0.isNaN }
        let range = ModelParameters.padded(minimum: seen.min() ?? 0, maximum: seen.max() ?? 1)
        var parameters = ModelParameters(minimum: range.minimum, maximum: range.maximum)
        var memory = BacktrackingParameters()
        memory.segmentLimit = segmentLimit
        parameters.temporalMemory = .backtracking(memory)
        var model = try AnomalyModel(parameters: parameters)
        var likelihood = AnomalyLikelihood(schedule: knowsFile ? .nab(recordCount: series.count) : .nab())
        var spatial = SpatialRangeTrick()
        var result = ScoredSeries(anomalyScores: [])
        for (timestamp, value) in zip(series.timestamps, series.values) {
            let raw = model.process(ModelInput(timestamp: Int64(timestamp), value: value)).rawScore
            let isOutside = spatial.isOutside(value)
            let score = AnomalyLikelihood.logLikelihood(
                likelihood.update(value: value, rawScore: AnomalyLikelihood.nineDigits(raw))
            )
            result.rawScores.append(raw)
            result.anomalyScores.append(isOutside ? 1 : score)
            if isOutside { result.explanations[result.rawScores.count - 1] = "outside the range so far" }
        }
        return result
    }
}
