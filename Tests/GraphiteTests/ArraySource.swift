// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Graphite

/// Metrics held in memory.
struct ArraySource: GraphiteSource {
    var rows: [String: [MetricRow]] = [:]
    var withoutScores: Set<String> = []

    mutating func add(_ name: String, step: Int64, points: [(time: Int64, value: Double)], scores: [Double] = []) {
        rows[name] = points.enumerated().map { index, point in
            MetricRow(
                rowid: Int64(index + 1),
                timestamp: point.time,
                value: point.value,
                rawAnomalyScore: scores.indices.contains(index) ? scores[index] / 2 : nil,
                anomalyScore: scores.indices.contains(index) ? scores[index] : nil
            )
        }
        if scores.isEmpty { withoutScores.insert(name) }
    }

    func metrics(matching patterns: [String]) -> [GraphiteMetric] {
        // Deliberately more than asked for, as the contract allows.
        rows.keys.map { GraphiteMetric(uid: $0, name: $0, hasScores: !withoutScores.contains($0)) }
    }

    func newestTimes(uid: String, until: Int64, limit: Int) -> [Int64] {
        Array((rows[uid] ?? []).map(\.timestamp).filter { $0 <= until }.reversed().prefix(limit))
    }

    func forEachRow(uid: String, times: ClosedRange<Int64>, _ body: (MetricRow) throws -> Void) rethrows {
        for row in rows[uid] ?? [] where times.contains(row.timestamp) { try body(row) }
    }
}

/// A clock that stands still.
struct FixedClock: EngineClock {
    var seconds: Int64
    func wallSeconds() -> Int64 { seconds }
    func monotonicNanoseconds() -> UInt64 { 0 }
}
