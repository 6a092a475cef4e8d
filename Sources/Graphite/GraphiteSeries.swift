// SPDX-License-Identifier: Apache-2.0

/// How several values become one.
package enum GraphiteAggregation: String, Sendable, Hashable, CaseIterable {
    case average, sum, max, min, last, first, median, count, range, diff, multiply, stddev
    case averageZero = "avg_zero"

    /// By name, other spellings included; nil when there is none.
    package init?(name: String) {
        switch name {
        case "avg": self = .average
        case "total": self = .sum
        case "current": self = .last
        case "rangeOf": self = .range
        default:
            guard let known = GraphiteAggregation(rawValue: name) else { return nil }
            self = known
        }
    }

    /// The aggregate of the values that are there; nil when none is.
    package func callAsFunction(_ values: some Collection<Double?>) -> Double? {
        let known = values.compactMap { $0 }
        guard let first = known.first, let last = known.last else { return nil }
        let total = known.reduce(0, +)
        switch self {
        case .average: return total / Double(known.count)
        case .averageZero: return total / Double(values.count)
        case .sum: return total
        case .max: return known.max()
        case .min: return known.min()
        case .first: return first
        case .last: return last
        case .count: return Double(known.count)
        case .range: return known.max()! - known.min()!
        case .diff: return known.dropFirst().reduce(first, -)
        case .multiply: return known.count == values.count ? known.reduce(1, *) : nil
        case .median: return Self.median(known)
        case .stddev:
            let mean = total / Double(known.count)
            return (known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(known.count)).squareRoot()
        }
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}

/// Values at equal distances in time.
package struct GraphiteSeries: Sendable, Hashable {
    package var name: String
    /// What the functions put into the names of aggregates: the path that was asked for, or the function's own text.
    package var pathExpression: String
    /// Unix seconds of the first value.
    package var start: Int64
    /// Unix seconds after the last value.
    package var end: Int64
    /// Seconds between values; at least 1.
    package var step: Int64
    package var values: [Double?]
    /// How values are put together when there are more than the reply may hold.
    package var consolidation: GraphiteAggregation
    package var tags: [String: String]

    package init(
        name: String,
        pathExpression: String? = nil,
        start: Int64,
        end: Int64,
        step: Int64,
        values: [Double?],
        consolidation: GraphiteAggregation = .average,
        tags: [String: String]? = nil
    ) {
        precondition(step >= 1, "a series has a step of at least a second")
        self.name = name
        self.pathExpression = pathExpression ?? name
        self.start = start
        self.end = end
        self.step = step
        self.values = values
        self.consolidation = consolidation
        self.tags = tags ?? ["name": name]
    }

    /// One value for every `count` values, the first ones starting at `start`; an incomplete last group counts too.
    package func consolidated(_ count: Int) -> GraphiteSeries {
        guard count > 1 else { return self }
        var result = self
        result.values = stride(from: 0, to: values.count, by: count).map { index in
            consolidation(values[index..<min(index + count, values.count)])
        }
        result.step = step * Int64(count)
        return result
    }

    /// At most about `maximum` values, in groups that begin at multiples of their length, so that they don't wander while a chart follows
    /// the time.
    ///
    /// - Parameter timeRange: Seconds from the earliest start to the latest end of all series of the reply.
    package func fitted(to maximum: Int, timeRange: Int64) -> GraphiteSeries {
        if maximum == 1 {
            var result = self
            result.values = [consolidation(values)]
            result.step = max(step, end - start)
            return result
        }
        let count = Double(timeRange) / Double(step)
        guard Double(maximum) < count else { return self }
        let valuesPerPoint = Int((count / Double(maximum)).rounded(.up))
        let secondsPerPoint = Int64(valuesPerPoint) * step
        let nudge = secondsPerPoint + start % step - start % secondsPerPoint
        var result = self
        result.start += nudge
        // As Graphite does: it drops one value fewer than the nudge spans.
        result.values.removeFirst(min(max(Int(nudge / step) - 1, 0), values.count))
        return result.consolidated(valuesPerPoint)
    }
}
