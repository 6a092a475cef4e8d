// SPDX-License-Identifier: Apache-2.0

/// What a classifier expects some records ahead: a probability for every bucket, and the value each stands for.
public struct ClassifierPrediction: Sendable {
    /// How many records ahead, ascending.
    public let steps: [Int]
    /// One for each step.
    let distributions: [BucketValues]
    /// Buckets below the lowest one ever seen.
    let sharedCount: Int
    /// Values of the buckets from 0; NaN where none was seen.
    let actualValues: [Double]
    /// What stands for buckets never seen; nil when the current value is missing.
    let standIn: Double?

    /// Entries below this probability are left out of `predictions`.
    private static let smallestProbability = 0.0001
    /// At most this many entries are in `predictions`.
    private static let largestCount = 8

    /// The probabilities of buckets 0, 1, 2 … for a step.
    public func likelihoods(step: Int) -> [Double] {
        let distribution = distributions[index(of: step)]
        return Array(repeating: distribution.shared, count: sharedCount) + distribution.own
    }

    /// The value that a bucket stands for.
    public func value(ofBucket bucket: Int) -> Double? {
        bucket < actualValues.count && !actualValues[bucket].isNaN ? actualValues[bucket] : standIn
    }

    private func index(of step: Int) -> Int {
        guard let index = steps.firstIndex(of: step) else {
            preconditionFailure("the classifier doesn't predict this step")
        }
        return index
    }

    /// The most probable value: buckets that stand for the same value count together; on ties the one that got there first.
    ///
    /// - Returns: nil when the current value is missing and no other was ever seen.
    public func best(step: Int) -> Double? {
        accumulate(step: step).best
    }

    /// Values and their probabilities, most probable first: at most eight, none below 0.0001 (but never none at all).
    public func predictions(step: Int) -> [(value: Double, probability: Double)] {
        let entries = accumulate(step: step).entries.sorted { ($0.probability, $1.value) > ($1.probability, $0.value) }
        let probable = entries.filter { $0.probability >= Self.smallestProbability }
        return Array((probable.isEmpty ? Array(entries.prefix(1)) : probable).prefix(Self.largestCount))
    }

    private func accumulate(step: Int) -> (best: Double?, entries: [(value: Double, probability: Double)]) {
        let distribution = distributions[index(of: step)]
        var entries: [(value: Double, probability: Double)] = []
        var positions: [Double: Int] = [:]
        positions.reserveCapacity(distribution.own.count + 1)
        entries.reserveCapacity(distribution.own.count + 1)
        var (best, highest): (Double?, Double) = (nil, 0)

        func add(_ probability: Double, to value: Double) {
            let position: Int
            if let known = positions[value] {
                position = known
                entries[position].probability += probability
            } else {
                position = entries.count
                positions[value] = position
                entries.append((value, probability))
            }
            if entries[position].probability > highest {
                (best, highest) = (value, entries[position].probability)
            }
        }

        if let standIn, sharedCount > 0 {
            var mass = 0.0
            for _ in 0..<sharedCount {
                mass += distribution.shared
            }
            add(mass, to: standIn)
        }
        for (offset, probability) in distribution.own.enumerated() {
            if let value = value(ofBucket: distribution.buckets.lowerBound + offset) {
                add(probability, to: value)
            }
        }
        return (best, entries)
    }
}

/// Turns predicted changes into predicted values, for a classifier that learned from a delta encoder.
///
/// The best change n records ahead is a change from the record before; the changes in between are those predicted for
/// them by the n − 1 records before this one. Source: spec htm.md 9.3.
public struct DeltaPredictionShift: Sendable {
    /// For each step the best changes of the last step − 1 records, oldest first.
    private var recent: [Int: [Double]] = [:]

    /// No prediction made yet.
    public init() {}

    /// The value expected `step` records ahead.
    ///
    /// - Parameters:
    ///   - change: The best predicted change for this step.
    ///   - step: How many records ahead, at least 1.
    ///   - current: The metric's value now.
    public mutating func value(change: Double, step: Int, current: Double) -> Double {
        precondition(step >= 1, "only the future is predicted from changes")
        var changes = recent[step, default: []]
        let shifted = current + changes.reduce(0, +) + change
        changes.append(change)
        if changes.count > step - 1 {
            changes.removeFirst()
        }
        recent[step] = changes
        return shifted
    }
}

extension DeltaPredictionShift: StateCodable {
    package func encode(into encoder: inout StateEncoder) {
        encoder.encodeVarint(recent.count)
        for (step, changes) in recent.sorted(by: { $0.key < $1.key }) {
            encoder.encodeVarint(step)
            encoder.encode(changes)
        }
    }

    package init(from decoder: inout StateDecoder) throws(CheckpointError) {
        let count = try decoder.decodeCount(bytesPerElement: 2, "steps of predicted changes")
        for _ in 0..<count {
            let step = try decoder.decodeVarint(atMost: 1 << 20, "step of predicted changes")
            recent[step] = try decoder.decodeDoubles("predicted changes")
        }
    }
}
