// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// What of a metric a series shows.
package enum GraphiteColumn: String, Sendable, Hashable, CaseIterable {
    /// The samples themselves, under the metric's own name.
    case value = ""
    /// The anomaly score (likelihood), under `anomaly.NAME`.
    case anomaly = "anomaly"
    /// The model's raw anomaly score, under `raw.NAME`.
    case raw = "raw"

    /// The column's value in a row; nil where there is none yet.
    func value(of row: MetricRow) -> Double? {
        switch self {
        case .value: row.value
        case .anomaly: row.anomalyScore
        case .raw: row.rawAnomalyScore
        }
    }

    /// How values falling into one step are put together.
    ///
    /// Of samples the last counts when one is usual, as in Graphite's own files, and their average when the step was widened; of scores the
    /// highest always, because an averaged anomaly is none.
    func aggregation(isWidened: Bool) -> GraphiteAggregation {
        self == .value ? (isWidened ? .average : .last) : .max
    }
}

/// One metric as Graphite's side sees it.
package struct GraphiteMetric: Sendable, Hashable {
    package var uid: String
    package var name: String
    /// Whether it has or had a model, so that it has series of scores.
    package var hasScores: Bool

    package init(uid: String, name: String, hasScores: Bool) {
        self.uid = uid
        self.name = name
        self.hasScores = hasScores
    }
}

/// Where series come from.
package protocol GraphiteSource: Sendable {
    /// Metrics whose names match one of the patterns (`*` any run, `?` one character, dots are nothing special), in no order; may
    /// bring more than that.
    func metrics(matching patterns: [String]) throws -> [GraphiteMetric]

    /// The times of at most `limit` newest rows up to `until`, newest first.
    func newestTimes(uid: String, until: Int64, limit: Int) throws -> [Int64]

    /// Calls `body` for the rows of that time, oldest first.
    func forEachRow(uid: String, times: ClosedRange<Int64>, _ body: (MetricRow) throws -> Void) throws
}

/// Series out of the engine's own tables.
package struct RepositoryGraphiteSource: GraphiteSource {
    private let repository: any MetricRepository

    package init(repository: any MetricRepository) { self.repository = repository }

    package func metrics(matching patterns: [String]) throws -> [GraphiteMetric] {
        try repository.read { reading in
            var found: [String: GraphiteMetric] = [:]
            for pattern in patterns {
                if !pattern.contains("*"), !pattern.contains("?") {
                    if let metric = try reading.metric(named: pattern) { note(metric, in: &found) }
                    continue
                }
                var query = MetricQuery()
                query.namePattern = pattern
                for metric in try reading.metrics(query) { note(metric, in: &found) }
            }
            return Array(found.values)
        }
    }

    private func note(_ metric: Metric, in found: inout [String: GraphiteMetric]) {
        guard let name = metric.name else { return }
        found[metric.uid] = GraphiteMetric(uid: metric.uid, name: name, hasScores: metric.status.isMonitored)
    }

    package func newestTimes(uid: String, until: Int64, limit: Int) throws -> [Int64] {
        // From the year 1000 on, the first that every database's dates can say.
        let query = RowQuery(uid: uid, times: -30_610_224_000...until, newestFirst: true, limit: limit)
        return try repository.read { try $0.rows(query).map(\.timestamp) }
    }

    package func forEachRow(uid: String, times: ClosedRange<Int64>, _ body: (MetricRow) throws -> Void) throws {
        // Collected first: the repository may run its body again after a lost connection, and ours adds up.
        let rows = try repository.read { try $0.rows(RowQuery(uid: uid, times: times)) }
        for row in rows { try body(row) }
    }
}
