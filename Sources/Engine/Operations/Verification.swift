// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Checks the whole database against the engine's own rules.
package struct Verification: Sendable {
    /// What was looked at and what was found.
    package struct Report: Sendable {
        package var metrics: Int64 = 0
        package var rows: Int64 = 0
        package var checkpoints: Int64 = 0
        /// In words, one a line; at most `Verification.mostProblems`.
        package var problems: [String] = []
        /// Problems found, also those not listed.
        package var problemCount: Int64 = 0

        package var isGood: Bool { problemCount == 0 }

        package init() {}

        mutating func add(_ problem: String) {
            problemCount += 1
            if problems.count < Verification.mostProblems { problems.append(problem) }
        }
    }

    package static let mostProblems = 100

    private let repository: any MetricRepository
    private let checkpoints: any CheckpointStore

    package init(repository: any MetricRepository, checkpoints: any CheckpointStore) {
        self.repository = repository
        self.checkpoints = checkpoints
    }

    /// Checks everything; may run beside a working engine.
    ///
    /// - Parameter progress: Called with the number of metrics done and how many there are.
    package func run(progress: (_ done: Int64, _ total: Int64) -> Void = { _, _ in }) throws -> Report {
        var report = Report()
        for problem in try repository.integrityProblems() { report.add("database: \(problem)") }
        let total = Int64(try repository.read { try $0.metricCount(MetricQuery()) })
        var last = ""
        while true {
            let page = try repository.read { reading in
                var query = MetricQuery()
                query.order = .uid
                query.after = last
                query.limit = 500
                return try reading.metrics(query)
            }
            guard let end = page.last else { break }
            for metric in page {
                try repository.read { try check(uid: metric.uid, $0, &report) }
                report.metrics += 1
                progress(report.metrics, total)
            }
            last = end.uid
        }
        try checkCheckpoints(&report)
        return report
    }

    private func check(uid: String, _ reading: any MetricReading, _ report: inout Report) throws {
        guard let metric = try reading.metric(uid: uid) else { return }
        let record = try reading.modelRecord(uid: uid)
        let name = "metric \(metric.name ?? "?") (\(uid))"
        if metric.status.isMonitored {
            if metric.parameters == nil { report.add("\(name): is \(metric.status.word) but has no modelSpec") }
            if metric.status == .active, metric.modelParams == nil { report.add("\(name): is active but has no model") }
        }
        let scored = record?.scoredRowid ?? 0
        if let record {
            if record.generation < 1 { report.add("\(name): generation \(record.generation) is below 1") }
            if scored > metric.lastRowid {
                report.add("\(name): scores up to row \(scored), but there are only \(metric.lastRowid) rows")
            }
            if record.checkpointRowid > scored {
                report.add(
                    "\(name): the checkpoint at row \(record.checkpointRowid) is ahead of the scores (\(scored))"
                )
            }
        }
        try checkRows(metric, record, name, reading, &report)
    }

    private func checkRows(
        _ metric: Metric,
        _ record: ModelRecord?,
        _ name: String,
        _ reading: any MetricReading,
        _ report: inout Report
    ) throws {
        var previous: MetricRow?
        var unscored: Int64 = 0
        var stale: Int64 = 0
        let scored = record?.scoredRowid ?? 0
        try reading.forEachRow(RowQuery(uid: metric.uid)) { row in
            report.rows += 1
            if let previous {
                if row.rowid != previous.rowid + 1 {
                    report.add("\(name): rows \(previous.rowid + 1) to \(row.rowid - 1) are missing")
                }
                if row.timestamp <= previous.timestamp {
                    report.add("\(name): row \(row.rowid) is not later than row \(previous.rowid)")
                }
            }
            let isComplete = row.rawAnomalyScore != nil && row.anomalyScore != nil && row.displayValue != nil
            if row.rowid <= scored, !isComplete, row.rowid > record?.baseRowid ?? 0 { unscored += 1 }
            if row.rowid > scored, row.rawAnomalyScore != nil || row.anomalyScore != nil { stale += 1 }
            previous = row
            return true
        }
        if unscored > 0 { report.add("\(name): \(unscored) rows up to row \(scored) have no score") }
        if stale > 0 { report.add("\(name): \(stale) rows after row \(scored) have scores of a past generation") }
        if let previous, previous.rowid != metric.lastRowid {
            report.add("\(name): last_rowid is \(metric.lastRowid), the last row is \(previous.rowid)")
        }
    }

    private func checkCheckpoints(_ report: inout Report) throws {
        try checkpoints.forEach { info in
            report.checkpoints += 1
            let record = try repository.read { try $0.modelRecord(uid: info.uid) }
            if let record, info.generation > record.generation {
                report.add(
                    "checkpoint \(info.uid) row \(info.rowid): generation \(info.generation), the model is at "
                        + "\(record.generation)"
                )
            }
            do {
                _ = try checkpoints.load(info)
            } catch {
                // One that was replaced while we looked is no problem.
                let isThere = try checkpoints.candidates(uid: info.uid).contains {
                    $0.generation == info.generation && $0.rowid == info.rowid
                }
                if isThere { report.add("checkpoint \(info.uid) row \(info.rowid): \(error)") }
            }
            return true
        }
    }
}
