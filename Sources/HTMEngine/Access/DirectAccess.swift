// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// Asks the database and the bus themselves: inside the engine, on servers, or when no embedded engine runs.
package final class DirectAccess: EngineAccess {
    private static let mostMetrics = 10_000
    private static let mostRows = 100_000
    private let operations: EngineOperations
    private let sink: any SampleSink
    /// Opens a durable queue of one's own on the results exchange; nil where the bus has none.
    private let openQueue: (@Sendable (String) throws -> any MessageSubscription)?
    private static let subscriptionCapacity = 100_000

    /// - Parameters:
    ///   - operations: The verbs.
    ///   - sink: Takes samples: the storer, or on servers the queue before it.
    ///   - openQueue: Opens a durable queue on the results exchange; nil where the bus has none.
    package init(
        operations: EngineOperations,
        sink: any SampleSink,
        openQueue: (@Sendable (String) throws -> any MessageSubscription)? = nil
    ) {
        self.operations = operations
        self.sink = sink
        self.openQueue = openQueue
    }

    package func createMetric(named name: String) throws -> String { try operations.createMetric(named: name) }

    package func monitor(_ modelSpec: JSONValue) throws -> String { try operations.monitor(ModelSpec(json: modelSpec)) }

    package func activateModel(uid: String) throws { try operations.activate(uid: uid) }

    package func unmonitor(uid: String) throws { try operations.unmonitor(uid: uid) }

    package func deleteMetric(named name: String) throws { try operations.deleteMetric(named: name) }

    package func exportModel(uid: String) throws -> JSONValue { try operations.export(uid: uid) }

    package func importModel(_ modelSpec: JSONValue) throws -> String {
        try operations.importModel(ModelSpec(json: modelSpec))
    }

    package func exportLearnedModel(uid: String) throws -> [UInt8] {
        try ModelTransfer(operations: operations).export(uid: uid)
    }

    package func importLearnedModel(_ file: [UInt8], name: String?) throws -> String {
        try ModelTransfer(operations: operations).import(file, name: name)
    }

    package func retry(uid: String) throws { try operations.retry(uid: uid) }

    package func metric(named name: String) throws -> MetricSummary? {
        try operations.repository.read { reading in
            try reading.metric(named: name).map { try Self.summary($0, reading) }
        }
    }

    package func metric(uid: String) throws -> MetricSummary? {
        try operations.repository.read { reading in
            try reading.metric(uid: uid).map { try Self.summary($0, reading) }
        }
    }

    package func metrics(pattern: String?, after: String?, limit: Int) throws -> [MetricSummary] {
        guard (1...Self.mostMetrics).contains(limit) else {
            throw EngineError(.invalidArgument, "limit is \(limit); expected 1 to \(Self.mostMetrics)")
        }
        var query = MetricQuery()
        query.namePattern = pattern
        query.afterName = after
        query.limit = limit
        return try operations.repository.read { reading in
            try reading.metrics(query).map { try Self.summary($0, reading) }
        }
    }

    package func rows(uid: String, after rowid: Int64, limit: Int) throws -> [MetricRow] {
        guard (1...Self.mostRows).contains(limit), rowid >= 0, rowid < .max else {
            throw EngineError(
                .invalidArgument,
                "after is \(rowid) and limit \(limit); expected 0 or more, and 1 to \(Self.mostRows)"
            )
        }
        return try operations.repository.read { reading in
            guard try reading.metric(uid: uid) != nil else {
                throw EngineError(.notFound, "there is no metric \(uid)")
            }
            return try reading.rows(RowQuery(uid: uid, rowids: (rowid + 1)...Int64.max, limit: limit))
        }
    }

    package func explainedRows(pattern: String?, limit: Int) throws -> [ExplainedRow] {
        guard (1...Self.mostRows).contains(limit) else {
            throw EngineError(.invalidArgument, "limit is \(limit); expected 1 to \(Self.mostRows)")
        }
        return try operations.repository.read { try $0.explainedRows(pattern: pattern, limit: limit) }
    }

    package func reasons(uid: String, rowids: ClosedRange<Int64>) throws -> [Int64: AnomalyReason] {
        try operations.repository.read { try $0.reasons(uid: uid, rowids: rowids) }
    }

    package func send(_ samples: [IncomingSample]) throws -> [(index: Int, reason: SampleRefusal)] {
        try sink.store(samples)
    }

    package func setCollectorError(_ message: String?, metrics names: [String]) throws {
        try operations.setCollectorError(message, metrics: names)
    }

    package func subscribe(queue: String?) throws -> any MessageSubscription {
        if let queue, let openQueue { return try openQueue(queue) }
        return try operations.bus.subscribe(capacity: Self.subscriptionCapacity)
    }

    private static func summary(_ metric: Metric, _ reading: any MetricReading) throws -> MetricSummary {
        let newest = try reading.rows(RowQuery(uid: metric.uid, newestFirst: true, limit: 1)).first
        let record = metric.status.isMonitored ? try reading.modelRecord(uid: metric.uid) : nil
        let first = try reading.firstRowid(uid: metric.uid) ?? metric.lastRowid + 1
        let scored = record.map { max(0, $0.scoredRowid - first + 1) } ?? 0
        var lastScore = newest?.anomalyScore
        if lastScore == nil, let record, record.scoredRowid > 0 {
            let rowid = record.scoredRowid
            lastScore = try reading.rows(RowQuery(uid: metric.uid, rowids: rowid...rowid)).first?.anomalyScore
        }
        return MetricSummary(
            metric: metric,
            rows: metric.lastRowid - first + 1,
            scoredRows: scored,
            lastRow: newest,
            lastScore: lastScore,
            isAutomatic: record?.isAutomatic ?? false
        )
    }
}
