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
    /// Why; nil for a value that isn't anomalous.
    package var explanation: AnomalyExplanation?
}

/// Scores a series as the options of `detect` ask for it.
package struct SeriesScorer: Sendable {
    /// The choices that don't depend on the data.
    package struct Options: Equatable, Sendable {
        package var mode = DetectionMode.parity
        package var temporalMemory = TemporalMemoryParameters.backtracking(BacktrackingParameters())
        /// Whether the likelihood follows NAB's schedule, else the engine's.
        package var usesNABSchedule = true
        /// Whether values far outside the range seen score 1 (spec htm.md 8.3).
        package var usesSpatialTrick = true
        /// Given range of the values; nil: estimated from the data, padded by 20 %.
        package var range: ClosedRange<Double>?
        /// Whether a column says why.
        package var explains = false

        package init() {}
    }

    private let explains: Bool
    /// One of the two is there.
    private var parity: ParityScorer?
    private var evidence: EvidenceDetector?

    /// - Parameters:
    ///   - observed: Smallest and largest value known; ignored when the options give a range, and in mode evidence.
    ///   - recordCount: Records of the whole series, for NAB's schedule.
    /// - Throws: ParameterError when no model can have this range.
    package init(options: Options, observed: ClosedRange<Double>?, recordCount: Int) throws {
        explains = options.explains
        switch options.mode {
        case .parity:
            parity = try ParityScorer(options: options, observed: observed, recordCount: recordCount)
        case .evidence:
            let parameters = try options.range.map {
                try EvidenceParameters(minimum: $0.lowerBound, maximum: $0.upperBound)
            }
            evidence = try EvidenceDetector(parameters: parameters ?? EvidenceParameters(), factory: ModelFactory())
        }
    }

    package mutating func score(_ record: SeriesRecord) -> SeriesScore {
        if parity != nil { return parity!.score(record) }
        let output = evidence!.process(ModelInput(timestamp: record.timestamp, value: record.value))
        return SeriesScore(
            raw: output.rawScore ?? 0,
            likelihood: output.likelihood,
            anomaly: output.anomalyScore,
            explanation: output.explanation
        )
    }

    /// A line of the output, every number so that parsing it gives the same double back.
    package func line(_ record: SeriesRecord, _ score: SeriesScore) -> String {
        let line =
            "\(record.timestampText),\(record.valueText),\(NumberFormat.shortest(score.raw)),"
            + "\(NumberFormat.shortest(score.likelihood)),\(NumberFormat.shortest(score.anomaly))"
        guard explains else { return line + "\n" }
        // The sentence has commas.
        return line + "," + (score.explanation.map { "\"\($0.text)\"" } ?? "") + "\n"
    }

    /// The header of the output.
    package static func header(explains: Bool) -> String {
        "timestamp,value,raw_anomaly_score,anomaly_likelihood,anomaly_score" + (explains ? ",explanation\n" : "\n")
    }
}

/// NuPIC's model with its likelihood and NAB's range trick.
private struct ParityScorer: Sendable {
    private let options: SeriesScorer.Options
    private var model: AnomalyModel
    private var likelihood: AnomalyLikelihood
    private var trick = SpatialRangeTrick()

    init(options: SeriesScorer.Options, observed: ClosedRange<Double>?, recordCount: Int) throws {
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

    mutating func score(_ record: SeriesRecord) -> SeriesScore {
        var raw = model.process(ModelInput(timestamp: record.timestamp, value: record.value)).rawScore
        if options.usesNABSchedule {
            // As NAB's result files hold it, and NuPIC's reference likelihoods were computed from it.
            raw = AnomalyLikelihood.nineDigits(raw)
        }
        let likelihood = likelihood.update(value: record.value, rawScore: raw)
        let seen = trick.range
        let isOutside = trick.isOutside(record.value) && options.usesSpatialTrick
        let anomaly = isOutside ? 1 : AnomalyLikelihood.logLikelihood(likelihood)
        var score = SeriesScore(raw: raw, likelihood: likelihood, anomaly: anomaly)
        if isOutside {
            score.explanation = AnomalyExplanation(
                channel: .range,
                expected: seen,
                actual: record.value,
                oneIn: nil,
                modelAge: model.recordCount
            )
        } else {
            score.explanation = AnomalyExplanation(
                likelihood: likelihood,
                actual: record.value,
                modelAge: model.recordCount
            )
        }
        return score
    }
}
