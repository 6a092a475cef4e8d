// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The verbs on metrics and models (spec engine.md 5.5 and 6), the same whether called in-process, over HTTP or from a command.
///
/// Each is one transaction on the database; runners learn of it by a hint, and find it by themselves when the hint is lost. Any
/// number of these may exist, in any number of processes.
package final class EngineOperations: Sendable {
    package let repository: any MetricRepository
    package let bus: any MessageBus
    package let checkpoints: any CheckpointStore
    private let factory: any ScoringModelFactory
    private let clock: any EngineClock
    private let logger: any Logger
    /// Rows a metric without a given range waits for.
    private let firstRows: Int64
    /// Of models whose spec says none.
    private let defaultMode: DetectionMode

    package init(
        repository: any MetricRepository,
        bus: any MessageBus,
        checkpoints: any CheckpointStore,
        factory: any ScoringModelFactory,
        clock: any EngineClock = SystemClock(),
        logger: any Logger,
        firstRows: Int64 = 288,
        defaultMode: DetectionMode = .parity
    ) {
        self.repository = repository
        self.bus = bus
        self.checkpoints = checkpoints
        self.factory = factory
        self.clock = clock
        self.logger = logger
        self.firstRows = firstRows
        self.defaultMode = defaultMode
    }

    // MARK: metrics

    /// Makes a metric nobody has sent samples for yet.
    /// - Throws: `EngineError` with code `metricAlreadyExists` (with its uid) or `invalidArgument` (the name).
    /// - Returns: Its uid.
    @discardableResult
    package func createMetric(named name: String) throws -> String {
        try check(name: name)
        let made = try repository.write { try $0.createMetric(.custom(name: name)) }
        guard made.isNew else {
            throw EngineError(.metricAlreadyExists, "metric \(name) exists already, uid=\(made.uid)", uid: made.uid)
        }
        return made.uid
    }

    /// The metric of a name or uid; names first.
    /// - Throws: `EngineError` with code `notFound`.
    package func metric(_ nameOrUID: String) throws -> Metric {
        let found = try repository.read { try $0.metric(named: nameOrUID) ?? $0.metric(uid: nameOrUID) }
        guard let found else { throw Self.notFound(nameOrUID) }
        return found
    }

    /// Removes a metric with its model, its samples and its checkpoints.
    /// - Throws: `EngineError` with code `notFound`.
    package func deleteMetric(uid: String) throws {
        let wasMonitored = try repository.write { transaction -> Bool in
            guard let head = try transaction.lockedHeads(uids: [uid]).first else { throw Self.notFound(uid) }
            _ = try transaction.deleteMetric(uid: uid)
            return head.status.isMonitored
        }
        // The model in memory goes when the runner looks and finds nothing.
        bus.send([ModelHint(uid: uid, generation: .max)])
        removeCheckpoints(uid, generationsBelow: .max)
        if wasMonitored { announceDeletion(uid) }
    }

    /// As `deleteMetric(uid:)`, by name.
    /// - Returns: The uid it had.
    @discardableResult
    package func deleteMetric(named name: String) throws -> String {
        guard let metric = try repository.read({ try $0.metric(named: name) }) else { throw Self.notFound(name) }
        try deleteMetric(uid: metric.uid)
        return metric.uid
    }

    // MARK: models

    /// Starts a model for a metric, which is made when it is named and doesn't exist.
    ///
    /// - Parameters:
    ///   - spec: Checked already. Nothing is changed when anything of it can't be followed.
    ///   - automatic: Asked for by a rule, not by a person.
    /// - Throws: `EngineError` with code `metricAlreadyMonitored` (with the uid; not for a person when only a rule monitors it),
    ///   `notFound` (a uid), `invalidArgument`, `unsupportedDatasource`.
    /// - Returns: The metric's uid.
    @discardableResult
    package func monitor(_ spec: ModelSpec, automatic: Bool = false) throws -> String {
        if case .name(let name) = spec.target { try check(name: name) }
        try check(spec.completeModelParams)
        let spec = spec.settingDefault(mode: defaultMode)
        let (uid, generation) = try repository.write { transaction in
            try begin(spec, automatic: automatic, transaction)
        }
        bus.send([ModelHint(uid: uid, generation: generation)])
        return uid
    }

    private func begin(
        _ spec: ModelSpec,
        automatic: Bool,
        _ transaction: any MetricTransaction
    ) throws -> (uid: String, generation: Int64) {
        let metric = try target(of: spec, transaction)
        let uid = metric.uid
        let head = try transaction.lockedHeads(uids: [uid]).first
        try Self.check(datasourceOf: metric)
        if head?.status.isMonitored == true {
            let record = try transaction.modelRecord(uid: uid)
            guard !automatic, record?.isAutomatic == true else {
                throw EngineError(
                    .metricAlreadyMonitored,
                    "metric \(metric.name ?? uid) is already monitored, uid=\(uid)",
                    uid: uid
                )
            }
            try transaction.clearModel(uid: uid)
        }
        try Monitoring.begin(spec, metric: metric, automatic: automatic, firstRows: firstRows, transaction)
        let generation = try transaction.modelRecord(uid: uid)?.generation ?? 0
        return (uid, generation)
    }

    private func target(of spec: ModelSpec, _ transaction: any MetricTransaction) throws -> Metric {
        switch spec.target {
        case .uid(let uid):
            guard let metric = try transaction.metric(uid: uid) else { throw Self.notFound(uid) }
            return metric
        case .name(let name):
            let made = try transaction.createMetric(.custom(name: name))
            guard let metric = try transaction.metric(uid: made.uid) else { throw Self.notFound(name) }
            return metric
        }
    }

    /// Drops a metric's model and its scores; the samples stay. Nothing happens when it isn't monitored.
    ///
    /// - Throws: `EngineError` with code `notFound`.
    /// - Returns: Whether it was monitored.
    @discardableResult
    package func unmonitor(uid: String) throws -> Bool {
        let generation = try repository.write { transaction -> Int64? in
            guard let head = try transaction.lockedHeads(uids: [uid]).first else { throw Self.notFound(uid) }
            guard head.status.isMonitored else { return nil }
            var record =
                try transaction.modelRecord(uid: uid)
                ?? ModelRecord(uid: uid, generation: 0, seenStatus: .unmonitored)
            record = ModelRecord(uid: uid, generation: record.generation + 1, seenStatus: .unmonitored)
            try transaction.setModelRecord(record)
            try transaction.clearModel(uid: uid)
            return record.generation
        }
        guard let generation else { return false }
        bus.send([ModelHint(uid: uid, generation: generation)])
        removeCheckpoints(uid, generationsBelow: generation)
        announceDeletion(uid)
        return true
    }

    /// Tries a metric in status ERROR again now.
    /// - Throws: `EngineError` with code `notFound`, or `invalidArgument` when it isn't in status ERROR.
    package func retry(uid: String) throws {
        let generation = try repository.write { transaction -> Int64 in
            guard let head = try transaction.lockedHeads(uids: [uid]).first else { throw Self.notFound(uid) }
            guard head.status == .error, var record = try transaction.modelRecord(uid: uid) else {
                throw EngineError(
                    .invalidArgument,
                    "metric \(head.name) is \(head.status.word); only a metric in status error can be tried again",
                    uid: uid
                )
            }
            record.failures = 0
            record.retryAt = clock.wallSeconds()
            try transaction.setModelRecord(record)
            return record.generation
        }
        bus.send([ModelHint(uid: uid, generation: generation)])
    }

    /// Starts the model of a metric that waits for data with the rows there are (spec engine.md 6, activateModel).
    /// - Throws: `EngineError` with code `notFound`, `unsupportedDatasource` (the metric is another one's), `statisticsNotReady` (no rows), or
    ///   `statusChanged` (not waiting for data).
    package func activate(uid: String) throws {
        let generation = try repository.write { transaction -> Int64 in
            guard let head = try transaction.lockedHeads(uids: [uid]).first,
                let metric = try transaction.metric(uid: uid)
            else { throw Self.notFound(uid) }
            try Self.check(datasourceOf: metric)
            guard head.status == .pendingData, let parameters = metric.parameters else {
                throw EngineError(
                    .statusChanged,
                    "metric \(head.name) is \(head.status.word); expected pending-data",
                    uid: uid
                )
            }
            let spec = try ModelSpec(json: JSONValue.parse(parameters))
            guard let definition = try Monitoring.definition(spec, uid: uid, firstRows: 1, transaction) else {
                throw EngineError(.statisticsNotReady, "metric \(head.name) has no rows to estimate a range from")
            }
            try transaction.setDefinition(uid: uid, parameters: nil, modelParams: definition.text, server: nil)
            try transaction.setStatus(uid: uid, .createPending, message: nil)
            return head.generation
        }
        bus.send([ModelHint(uid: uid, generation: generation)])
    }

    // MARK: polled sources

    /// Marks metrics as in error because the source that is asked for their samples fails, or takes the mark off.
    ///
    /// A metric whose model runs or waits for data goes to status ERROR, from which the mark's end takes it back; `collector_error`
    /// says that it was the source. Metrics that don't exist are left out.
    /// - Parameters:
    ///   - message: What is wrong; nil when nothing is any more.
    ///   - names: The metrics.
    package func setCollectorError(_ message: String?, metrics names: [String]) throws {
        var start = 0
        while start < names.count {
            let page = Array(names[start..<min(start + 500, names.count)])
            start += page.count
            let hints = try repository.write { try setCollectorError(message, page, $0) }
            if !hints.isEmpty { bus.send(hints) }
        }
    }

    private func setCollectorError(
        _ message: String?,
        _ names: [String],
        _ transaction: any MetricTransaction
    ) throws -> [ModelHint] {
        var hints: [ModelHint] = []
        for head in try transaction.lockedHeads(uids: try transaction.heads(names: names).map(\.uid)) {
            guard let metric = try transaction.metric(uid: head.uid), metric.collectorError != message else { continue }
            try transaction.setCollectorError(uid: head.uid, message)
            guard var record = try transaction.modelRecord(uid: head.uid) else { continue }
            if let message {
                guard [.active, .pendingData].contains(head.status) else { continue }
                record.retryAt = nil
                try transaction.setModelRecord(record)
                try transaction.setStatus(uid: head.uid, .error, message: message)
            } else if head.status == .error {
                record.failures = 0
                record.retryAt = clock.wallSeconds()
                try transaction.setModelRecord(record)
                hints.append(ModelHint(uid: head.uid, generation: record.generation))
            }
        }
        return hints
    }

    // MARK: export and import

    /// The modelSpec of a monitored metric, with its samples as `data`.
    ///
    /// - Parameter days: Only samples of the last so many days, as the original's 14; nil for all.
    /// - Throws: `EngineError` with code `notFound`, `unsupportedDatasource` or `metricNotMonitored`.
    package func export(uid: String, days: Int? = 14) throws -> JSONValue {
        let now = clock.wallSeconds()
        return try repository.read { reading in
            guard let metric = try reading.metric(uid: uid) else { throw Self.notFound(uid) }
            try Self.check(datasourceOf: metric)
            guard let parameters = metric.parameters, var fields = try JSONValue.parse(parameters).objectValue else {
                throw EngineError(
                    .metricNotMonitored,
                    "metric \(metric.name ?? uid) is not monitored: there is no model to export",
                    uid: uid
                )
            }
            var query = RowQuery(uid: uid)
            if let days { query.times = (now - Int64(days) * 86_400)...Timestamps.representable.upperBound }
            var data: [JSONValue] = []
            try reading.forEachRow(query) { row in
                data.append(.array([.number(row.value), .string(Timestamps.sqlText(row.timestamp))]))
                return true
            }
            fields["data"] = .array(data)
            return .object(fields)
        }
    }

    /// Makes the metric if needed, stores `data` if it has no rows, and monitors it. A metric that is monitored stays as it is.
    ///
    /// - Throws: As `monitor`; nothing is changed then.
    /// - Returns: The uid.
    @discardableResult
    package func importModel(_ spec: ModelSpec) throws -> String {
        if case .name(let name) = spec.target { try check(name: name) }
        try check(spec.completeModelParams)
        if let samples = spec.data {
            for index in samples.indices.dropFirst() where samples[index].timestamp <= samples[index - 1].timestamp {
                throw EngineError(.invalidArgument, "$.data[\(index)] is not later than the sample before it")
            }
        }
        let (uid, generation) = try repository.write { transaction -> (String, Int64) in
            let metric = try target(of: spec, transaction)
            let head = try transaction.lockedHeads(uids: [metric.uid]).first
            if head?.status.isMonitored == true { return (metric.uid, 0) }
            if let samples = spec.data, !samples.isEmpty, head?.lastRowid == 0 {
                try transaction.insertRows([RowBatch(uid: metric.uid, firstRowid: 1, samples: samples)])
            }
            return try begin(spec, automatic: false, transaction)
        }
        if generation > 0 { bus.send([ModelHint(uid: uid, generation: generation)]) }
        return uid
    }

    /// Checks that a model can be made from a definition and a state, before either is stored.
    /// - Throws: `EngineError` with code `invalidArgument` or `checkpointDamaged`.
    package func checkModel(_ definition: ModelDefinition, state: [UInt8]) throws {
        _ = try factory.load(definition, state)
    }

    // MARK: helpers

    private func check(name: String) throws {
        if let refusal = Metric.refusal(ofName: name) {
            throw EngineError(.invalidArgument, "\(refusal.reason): \(String(name.prefix(60)).debugDescription)")
        }
    }

    /// Before anything is stored: a model that can't be made would only be found by the runner.
    private func check(_ complete: ModelSpec.CompleteModelParams?) throws {
        guard let complete else { return }
        do {
            _ = try factory.make(.complete(complete))
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError(.invalidArgument, "the model can't be created: \(error)")
        }
    }

    private static func check(datasourceOf metric: Metric) throws {
        guard metric.datasource == "custom" else {
            throw EngineError(
                .unsupportedDatasource,
                "metric \(metric.uid) belongs to datasource \(metric.datasource ?? "NULL"); expected custom",
                uid: metric.uid
            )
        }
    }

    private static func notFound(_ nameOrUID: String) -> EngineError {
        EngineError(.notFound, "there is no metric \(nameOrUID.prefix(255))")
    }

    /// Checkpoints of past generations are only a waste of space, so failing to remove them is no failure.
    private func removeCheckpoints(_ uid: String, generationsBelow generation: Int64) {
        do {
            try checkpoints.remove(uid: uid, generationsBelow: generation)
        } catch {
            logger.warning("operations", "old checkpoints of \(uid) can't be removed: \(error)")
        }
    }

    private func announceDeletion(_ uid: String) {
        do {
            try bus.publish([.commandResult(ModelCommandResult(method: .deleteModel, modelId: uid, status: 0))])
        } catch {
            logger.warning("operations", "the deletion of model \(uid) can't be published: \(error)")
        }
    }
}
