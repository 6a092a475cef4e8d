// SPDX-License-Identifier: Apache-2.0

import Bus
import Engine
import EngineCore
import Synchronization

/// Asks an engine on servers, opening what each verb needs when it is first needed: the broker alone to send samples and to follow
/// results, the database for all else. So a sender works while the database is away or not yet made, and a program may be started
/// before the servers are.
final class ServerAccess: EngineAccess {
    private let configuration: Configuration
    private let logger: any Logger
    /// For sending and listening only, which have nothing to do with partitions.
    private let bus: RabbitMQBus
    private let opened = Mutex<OpenedAccess?>(nil)
    private static let subscriptionCapacity = 100_000

    init(_ configuration: Configuration, logger: any Logger) {
        self.configuration = configuration
        self.logger = logger
        bus = RabbitMQBus(configuration: configuration.rabbitMQConfiguration, partitionCount: 1, logger: logger)
    }

    deinit {
        bus.close()
        opened.withLock { $0?.close() }
    }

    /// - Throws: `EngineError` naming host, user and database when the database can't be used; the next call tries again.
    private func database() throws -> any EngineAccess {
        try opened.withLock { opened in
            if let opened { return opened.access }
            let new = try OpenedAccess(configuration, ifMissing: .refuse, logger: logger)
            opened = new
            return new.access
        }
    }

    func send(_ samples: [IncomingSample]) throws -> [(index: Int, reason: SampleRefusal)] {
        try QueueSink(bus: bus).store(samples)
    }

    func subscribe(queue: String?) throws -> any MessageSubscription {
        if let queue { return try bus.openQueue(queue) }
        return try bus.subscribe(capacity: Self.subscriptionCapacity)
    }

    func createMetric(named name: String) throws -> String { try database().createMetric(named: name) }
    func monitor(_ modelSpec: JSONValue) throws -> String { try database().monitor(modelSpec) }
    func activateModel(uid: String) throws { try database().activateModel(uid: uid) }
    func unmonitor(uid: String) throws { try database().unmonitor(uid: uid) }
    func deleteMetric(named name: String) throws { try database().deleteMetric(named: name) }
    func exportModel(uid: String) throws -> JSONValue { try database().exportModel(uid: uid) }
    func importModel(_ modelSpec: JSONValue) throws -> String { try database().importModel(modelSpec) }
    func exportLearnedModel(uid: String) throws -> [UInt8] { try database().exportLearnedModel(uid: uid) }
    func importLearnedModel(_ file: [UInt8], name: String?) throws -> String {
        try database().importLearnedModel(file, name: name)
    }
    func retry(uid: String) throws { try database().retry(uid: uid) }
    func setCollectorError(_ message: String?, metrics names: [String]) throws {
        try database().setCollectorError(message, metrics: names)
    }
    func metric(named name: String) throws -> MetricSummary? { try database().metric(named: name) }
    func metric(uid: String) throws -> MetricSummary? { try database().metric(uid: uid) }
    func metrics(pattern: String?, after: String?, limit: Int) throws -> [MetricSummary] {
        try database().metrics(pattern: pattern, after: after, limit: limit)
    }
    func rows(uid: String, after rowid: Int64, limit: Int) throws -> [MetricRow] {
        try database().rows(uid: uid, after: rowid, limit: limit)
    }
    func explainedRows(pattern: String?, limit: Int) throws -> [ExplainedRow] {
        try database().explainedRows(pattern: pattern, limit: limit)
    }
    func reasons(uid: String, rowids: ClosedRange<Int64>) throws -> [Int64: AnomalyReason] {
        try database().reasons(uid: uid, rowids: rowids)
    }
}

extension SampleSink {
    /// Submits samples and waits until they are safe.
    /// - Returns: Those refused, by index.
    func store(_ samples: [IncomingSample]) throws -> [(index: Int, reason: SampleRefusal)] {
        let answer = Monitor<StoreOutcome?>(nil)
        try submit(samples) { outcome in answer.update { $0 = outcome } }
        guard let outcome = answer.wait({ $0 }) else { preconditionFailure("a wait without a time-out ended") }
        if let error = outcome.error { throw error }
        return outcome.refusals
    }
}
