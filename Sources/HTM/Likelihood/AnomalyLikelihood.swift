// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Says how unusual the recent raw anomaly scores of a model are, compared with those it has given before.
///
/// The average of the last ten raw scores is held against a normal distribution estimated from up to 8640 earlier
/// averages; the likelihood is 1 minus the tail probability. Of a run of very unlikely records (1e-5 and below) only the
/// first keeps its value, the following are shown as 0.999.
///
/// When the distribution is estimated is a matter of the `Schedule`. Scores depend on nothing but the sequence of records.
///
/// Source: spec htm.md 8.1, 8.2, 8.4, engine.md 7.12. Missing values (NaN) are left out of the flat-metric rule; the
/// originals don't define that case.
public struct AnomalyLikelihood: Sendable {
    /// When the distribution is estimated, and from which records.
    public enum Schedule: Sendable, Hashable {
        /// NuPIC's class of the same name, as the Numenta Anomaly Benchmark uses it (spec htm.md 8.2).
        ///
        /// - `learningPeriod`: records at the start whose scores never count.
        /// - `estimationSamples`: records after these before the first likelihood; until then it is 0.5.
        /// - `historySize`: records an estimate looks back.
        /// - `reestimationPeriod`: records between estimates.
        case nab(
            learningPeriod: Int = 288,
            estimationSamples: Int = 100,
            historySize: Int = 8640,
            reestimationPeriod: Int = 100
        )

        /// The engine's, the column "batches of 1" of spec engine.md 7.12.
        ///
        /// - `minimumSamples`: records before the first likelihood; until then it is 0.
        /// - `refreshRate`: records between estimates.
        /// - `historySize`: records an estimate looks back.
        /// - `skippedSamples`: records at the start of that window which are never counted, also when it has slid.
        case engine(
            minimumSamples: Int = 100,
            refreshRate: Int = 24,
            historySize: Int = 8640,
            skippedSamples: Int = 288
        )

        /// What NAB uses for a file of this many records: 15 % of them, at most 750, are probation.
        public static func nab(recordCount: Int) -> Schedule {
            let probation = min(Int(0.15 * Double(recordCount)), 750)
            let learning = probation / 2
            return .nab(learningPeriod: learning, estimationSamples: probation - learning)
        }
    }

    /// When distributions are estimated.
    public let schedule: Schedule
    /// Which tail probability is used.
    public let tail: LikelihoodTail
    /// What averages are held against; nil before the first estimate.
    public private(set) var distribution: LikelihoodDistribution?

    private var history: ScoreHistory
    /// Record at which the distribution was last estimated: records 0 ..< this were known then.
    private var estimatedAt = 0
    /// The last record's tail probability, before the red filter.
    private var lastTail = 1.0

    /// At or below this tail probability a record is red.
    private static let red = 1 - 0.99999
    /// What reds after the first of a run are shown as.
    private static let yellow = 1 - 0.999

    /// - Parameters:
    ///   - schedule: When distributions are estimated.
    ///   - tail: Which tail probability is used.
    public init(schedule: Schedule, tail: LikelihoodTail = .erfc) {
        self.schedule = schedule
        self.tail = tail
        switch schedule {
        case .nab(let learning, let estimation, let size, let period):
            precondition(learning >= 0 && estimation >= 0 && period > 0, "periods are counts of records")
            history = ScoreHistory(capacity: size, estimatePeriod: period)
        case .engine(let minimum, let rate, let size, let skipped):
            precondition(minimum > 0 && rate > 0 && skipped >= 0, "periods are counts of records")
            history = ScoreHistory(capacity: size, estimatePeriod: rate)
        }
    }

    /// How many records it has seen.
    public var recordCount: Int { history.count }

    /// Takes the next record.
    ///
    /// - Parameters:
    ///   - value: The metric's value; nil or NaN when missing.
    ///   - rawScore: The model's raw anomaly score, 0...1.
    /// - Returns: 0...1; 0.5 (`nab`) or 0 (`engine`) until the first estimate.
    /// - Complexity: Constant, amortised; a metric that is flat costs a walk over the window at every estimate.
    public mutating func update(value: Double?, rawScore: Double) -> Double {
        precondition(rawScore >= 0 && rawScore <= 1, "a raw anomaly score lies in 0...1")
        let value = value ?? .nan
        switch schedule {
        case .nab(let learning, let estimation, _, let period):
            return updateNAB(value, rawScore, learning: learning, probation: learning + estimation, period: period)
        case .engine(let minimum, let rate, _, let skipped):
            return updateEngine(value, rawScore, minimum: minimum, rate: rate, skipped: skipped)
        }
    }

    private mutating func updateNAB(
        _ value: Double,
        _ rawScore: Double,
        learning: Int,
        probation: Int,
        period: Int
    ) -> Double {
        let iteration = history.count
        var likelihood = 0.5
        if iteration >= probation {
            if distribution == nil || iteration % period == 0 {
                // The learning period is skipped as long as it hasn't slid out of the window.
                estimate(from: min(iteration, max(learning, history.start)))
            }
            likelihood = score(rawScore)
        }
        history.append(value: value, rawScore: rawScore)
        return likelihood
    }

    private mutating func updateEngine(
        _ value: Double,
        _ rawScore: Double,
        minimum: Int,
        rate: Int,
        skipped: Int
    ) -> Double {
        let likelihood = distribution == nil ? 0 : score(rawScore)
        history.append(value: value, rawScore: rawScore)
        let count = history.count
        if distribution == nil ? count >= minimum : count >= estimatedAt + rate {
            estimate(from: history.start + skipped)
        }
        return likelihood
    }

    private mutating func score(_ rawScore: Double) -> Double {
        let tailProbability = distribution!.tailProbability(history.average(appending: rawScore), tail)
        let isRepeatedRed = tailProbability <= Self.red && lastTail <= Self.red
        lastTail = tailProbability
        return 1 - (isRepeatedRed ? Self.yellow : tailProbability)
    }

    private mutating func estimate(from first: Int) {
        let estimated = history.estimate(from: first)
        distribution = estimated
        estimatedAt = history.count
        // Earlier tails are taken under the new distribution; only the last one is ever looked at.
        lastTail = history.count == 0 ? 1 : estimated.tailProbability(history.newestAverage, tail)
    }

    /// The likelihood on a scale where rare events can be told apart: 0.5 → 0.03, 0.999 → 0.3, 0.99999 → 0.5, 1 → 1.
    ///
    ///     ln(1.0000000001 − L) / −23.02585084720009
    public static func logLikelihood(_ likelihood: Double) -> Double {
        log(1.0000000001 - likelihood) / -23.02585084720009
    }
}

extension AnomalyLikelihood {
    /// A raw score as result files carry it: rounded to nine significant digits, enough to tell all 32-bit floats apart.
    ///
    /// NuPIC's reference results were computed from such decimals; over a whole file that changes likelihoods by up to
    /// 3e-9 against the widened float itself.
    public static func nineDigits(_ rawScore: Double) -> Double {
        guard rawScore > 0 else {
            return rawScore
        }
        let scale = pow(10, 8 - log10(rawScore).rounded(.down))
        return (rawScore * scale).rounded() / scale
    }
}

// MARK: State

extension AnomalyLikelihood {
    /// Appends everything but schedule and tail, which the model's parameters hold.
    package func encode(into encoder: inout StateEncoder) {
        history.encode(into: &encoder)
        encoder.encode(estimatedAt)
        encoder.encode(lastTail)
        encoder.encode(distribution != nil)
        if let distribution {
            encoder.encode(distribution.mean)
            encoder.encode(distribution.variance)
        }
    }

    /// Reads what `encode(into:)` wrote for the same schedule.
    package init(
        schedule: Schedule,
        tail: LikelihoodTail,
        from decoder: inout StateDecoder
    ) throws(CheckpointError) {
        self.init(schedule: schedule, tail: tail)
        let decoded = try ScoreHistory(from: &decoder)
        guard decoded.capacity == history.capacity else {
            throw .parametersDiffer("likelihood history of \(decoded.capacity) records, expected \(history.capacity)")
        }
        history = decoded
        estimatedAt = try decoder.decodeInt()
        guard (0...history.count).contains(estimatedAt) else {
            throw .damaged("likelihood estimated at record \(estimatedAt) of \(history.count)")
        }
        lastTail = try decoder.decodeDouble()
        if try decoder.decodeBool() {
            let mean = try decoder.decodeDouble()
            distribution = LikelihoodDistribution(mean: mean, variance: try decoder.decodeDouble())
        }
    }
}
