// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTM

/// What `detect` writes about a record.
package struct SeriesScore: Equatable, Sendable {
    /// Share of the active columns that weren't predicted, 0...1.
    package var raw: Double
    /// 1 minus the tail probability, 0...1.
    package var likelihood: Double
    /// The log likelihood, or 1 where the value left the range seen before.
    package var anomaly: Double
}

/// A model with likelihood and range trick, as the options of `detect` ask for them.
package struct SeriesScorer: Sendable {
    /// The choices that don't depend on the data.
    package struct Options: Equatable, Sendable {
        package var temporalMemory = TemporalMemoryParameters.backtracking(BacktrackingParameters())
        /// Whether the likelihood follows NAB's schedule, else the engine's.
        package var usesNABSchedule = true
        /// Whether values far outside the range seen score 1 (spec htm.md 8.3).
        package var usesSpatialTrick = true
        /// Given range of the values; nil: estimated from the data, padded by 20 %.
        package var range: ClosedRange<Double>?

        package init() {}
    }

    private let options: Options
    private var model: AnomalyModel
    private var likelihood: AnomalyLikelihood
    private var trick = SpatialRangeTrick()

    /// - Parameters:
    ///   - observed: Smallest and largest value known; ignored when the options give a range.
    ///   - recordCount: Records of the whole series, for NAB's schedule.
    /// - Throws: ParameterError when no model can have this range.
    package init(options: Options, observed: ClosedRange<Double>?, recordCount: Int) throws {
        self.options = options
        var bounds = (minimum: 0.0, maximum: 1.0)
        if let range = options.range {
            bounds = (range.lowerBound, range.upperBound)
        } else if let observed {
            bounds = ModelParameters.padded(minimum: observed.lowerBound, maximum: observed.upperBound)
        }
        var parameters = ModelParameters(minimum: bounds.minimum, maximum: bounds.maximum)
        parameters.temporalMemory = options.temporalMemory
        model = try AnomalyModel(parameters: parameters)
        likelihood = AnomalyLikelihood(schedule: options.usesNABSchedule ? .nab(recordCount: recordCount) : .engine())
    }

    package mutating func score(_ record: SeriesRecord) -> SeriesScore {
        var raw = model.process(ModelInput(timestamp: record.timestamp, value: record.value)).rawScore
        if options.usesNABSchedule {
            // As NAB's result files hold it, and NuPIC's reference likelihoods were computed from it.
            raw = AnomalyLikelihood.nineDigits(raw)
        }
        let likelihood = likelihood.update(value: record.value, rawScore: raw)
        let isOutside = trick.isOutside(record.value) && options.usesSpatialTrick
        let anomaly = isOutside ? 1 : AnomalyLikelihood.logLikelihood(likelihood)
        return SeriesScore(raw: raw, likelihood: likelihood, anomaly: anomaly)
    }

    /// A line of the output, every number so that parsing it gives the same double back.
    package static func line(_ record: SeriesRecord, _ score: SeriesScore) -> String {
        "\(record.timestampText),\(record.valueText),\(NumberFormat.shortest(score.raw)),"
            + "\(NumberFormat.shortest(score.likelihood)),\(NumberFormat.shortest(score.anomaly))\n"
    }

    /// The header of the output.
    package static let header = "timestamp,value,raw_anomaly_score,anomaly_likelihood,anomaly_score\n"
}
