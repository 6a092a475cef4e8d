// SPDX-License-Identifier: Apache-2.0

/// Notices a course of values unlike any of the last month: how far the last eight hours are from the most similar eight hours before.
///
/// Sequence memories bridge noise, and with it an unfamiliar course within the usual range; the distance to the nearest neighbour, a
/// time series' discord, doesn't. Averages of four values are compared, 24 of them less their mean, so that a level alone is no course.
struct ShapeEvidence: Sendable, Hashable {
    /// Values averaged.
    private static let step = 4
    /// Averages compared: eight hours at five minutes.
    private static let length = 24
    /// Averages at which an earlier course may end: a month at five minutes.
    private static let historyLength = 2160
    /// Distances before their range means anything.
    private static let warmUp = 144
    /// How far beyond the largest distance, as a share of their range. With 0.2 or 1 the outcome is about the same.
    private static let tolerance = 0.5

    private var averages: [Double] = []
    /// Mean of the course that ends at each average; 0 before there is one.
    private var means: [Double] = []
    private var sum = 0.0
    private var summed = 0
    private var distances = RecentExtremes()

    /// A distance beyond all before, in the metric's unit: the root of the mean square over the course.
    struct Finding: Sendable {
        let usual: Double
        let actual: Double
    }

    mutating func add(_ value: Double, at timestamp: Int64?) -> Finding? {
        sum += value
        summed += 1
        guard summed == Self.step else { return nil }
        append(sum / Double(Self.step))
        sum = 0
        summed = 0
        guard let distance = nearest(), distance.isFinite else { return nil }
        defer { distances.add(distance, at: timestamp) }
        guard distances.count >= Self.warmUp, let usual = distances.range, distance > usual.upperBound,
            distances.isOutside(distance, tolerance: Self.tolerance)
        else { return nil }
        return Finding(usual: usual.upperBound, actual: distance)
    }

    private mutating func append(_ average: Double) {
        if averages.count == Self.historyLength + Self.length {
            averages.removeFirst()
            means.removeFirst()
        }
        averages.append(average)
        means.append(mean(at: averages.count - 1))
    }

    private func mean(at end: Int) -> Double {
        guard end >= Self.length - 1 else { return 0 }
        return averages[(end - Self.length + 1)...end].reduce(0, +) / Double(Self.length)
    }

    /// The distance of the latest course to the most similar one that ended before it began.
    private func nearest() -> Double? {
        let last = averages.count - 1
        guard last >= 2 * Self.length else { return nil }
        var best = Double.infinity
        averages.withUnsafeBufferPointer { averages in
            means.withUnsafeBufferPointer { means in
                for end in (Self.length - 1)...(last - Self.length) {
                    let shift = means[last] - means[end]
                    var distance = 0.0
                    for age in 0..<Self.length {
                        let difference = averages[last - age] - averages[end - age] - shift
                        distance += difference * difference
                        // Most courses are soon too far.
                        if distance >= best { break }
                    }
                    best = min(best, distance)
                }
            }
        }
        return (best / Double(Self.length)).squareRoot()
    }
}

extension ShapeEvidence {
    func encode(into encoder: inout StateEncoder) {
        encoder.encode(averages)
        encoder.encode(sum)
        encoder.encodeVarint(summed)
        distances.encode(into: &encoder)
    }

    init(from decoder: inout StateDecoder, version: UInt32) throws(CheckpointError) {
        averages = try decoder.decodeDoubles("averages")
        guard averages.count <= Self.historyLength + Self.length else { throw .damaged("\(averages.count) averages") }
        sum = try decoder.decodeDouble()
        summed = try decoder.decodeVarint(atMost: Self.step - 1, "values of an average")
        distances = try RecentExtremes(from: &decoder, version: version)
        // A mean that was made when more averages were there is of the same numbers.
        means = averages.indices.map { mean(at: $0) }
    }
}
