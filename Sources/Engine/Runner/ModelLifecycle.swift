// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// A metric whose model is to run.
struct ReadyModel {
    var metric: Metric
    var record: ModelRecord
    var definition: ModelDefinition
}

/// Takes metrics from what the database says to a model that runs (spec engine.md 5.2).
///
/// Everything is derived from the database, so a crash between any two steps, or another program that changes `metric.status`,
/// leaves nothing hanging: whoever looks next goes on from there.
struct ModelLifecycle: Sendable {
    let repository: any MetricRepository
    let checkpoints: any CheckpointStore
    let factory: any ScoringModelFactory
    let clock: any EngineClock
    let logger: any Logger
    let counters: EngineCounters
    let firstRows: Int64

    /// Does what a metric's status asks for.
    ///
    /// - Parameter announce: Called with each command result, after the commit it tells of.
    /// - Returns: The metric when its model is to run, nil when there is nothing to run now.
    /// - Throws: What the repository throws, or `ModelFailure` when the model can't be made.
    func prepare(uid: String, announce: (ModelCommandResult) -> Void) throws -> ReadyModel? {
        // Each round does one step of the life cycle; there are never more than a handful.
        for _ in 0..<8 {
            let found = try repository.read { reading -> (Metric, ModelRecord?)? in
                guard let metric = try reading.metric(uid: uid) else { return nil }
                return (metric, try reading.modelRecord(uid: uid))
            }
            guard let (metric, known) = found else { return nil }
            guard let record = known, record.seenStatus == metric.status else {
                guard metric.status != .unmonitored || known != nil else { return nil }
                try adopt(metric, known, announce)
                continue
            }
            switch metric.status {
            case .unmonitored: return nil
            case .pendingData:
                guard try estimate(metric, record) else { return nil }
            case .createPending:
                try create(metric, record, announce)
            case .error:
                guard try retry(metric, record) else { return nil }
            case .active:
                guard let text = metric.modelParams else {
                    throw ModelFailure(uid: uid, generation: record.generation, message: "model_params is empty")
                }
                return ReadyModel(metric: metric, record: record, definition: try definition(text, uid, record))
            }
        }
        throw EngineError(.statusChanged, "the status of metric \(uid) keeps changing")
    }

    private func definition(_ text: String, _ uid: String, _ record: ModelRecord) throws -> ModelDefinition {
        do {
            return try ModelDefinition(text: text)
        } catch {
            throw ModelFailure(
                uid: uid,
                generation: record.generation,
                message: "model_params can't be read: \(error)",
                isPermanent: true
            )
        }
    }

    /// Takes up a status another program has set (the original's library, or a taken-over database) as a new generation.
    private func adopt(
        _ metric: Metric,
        _ known: ModelRecord?,
        _ announce: (ModelCommandResult) -> Void
    ) throws {
        let uid = metric.uid
        let record = try repository.write { transaction -> ModelRecord? in
            guard let now = try transaction.lockedHeads(uids: [uid]).first, now.status == metric.status,
                now.generation == known?.generation ?? 0
            else { return nil }
            var record = ModelRecord(uid: uid, generation: (known?.generation ?? 0) + 1, seenStatus: metric.status)
            record.baseRowid = max(0, (try transaction.firstRowid(uid: uid) ?? 1) - 1)
            if metric.status == .error { record.retryAt = clock.wallSeconds() }
            if metric.status == .active {
                // Scores the original has stored are kept; the model is rebuilt from the rows and goes on after them.
                let scored = RowQuery(uid: uid, minimumAnomalyScore: 0, newestFirst: true, limit: 1)
                record.scoredRowid = try transaction.rows(scored).first?.rowid ?? record.baseRowid
                record.publishedRowid = record.scoredRowid
            } else if known != nil {
                try transaction.clearScores(uid: uid)
            }
            try transaction.setModelRecord(record)
            return record
        }
        guard let record else { return }
        logger.info(
            "runner",
            "metric \(uid) was set to \(metric.status.word) by another program: generation \(record.generation)"
        )
        try? checkpoints.remove(uid: uid, generationsBelow: record.generation)
        if metric.status == .unmonitored {
            announce(ModelCommandResult(method: .deleteModel, modelId: uid, status: 0))
        }
    }

    /// PENDING_DATA to CREATE_PENDING, once there are rows enough.
    private func estimate(_ metric: Metric, _ record: ModelRecord) throws -> Bool {
        guard let parameters = metric.parameters else {
            throw ModelFailure(
                uid: metric.uid,
                generation: record.generation,
                message: "parameters is empty",
                isPermanent: true
            )
        }
        let spec: ModelSpec
        do {
            spec = try ModelSpec(json: JSONValue.parse(parameters))
        } catch {
            throw ModelFailure(
                uid: metric.uid,
                generation: record.generation,
                message: "parameters can't be read: \(error)",
                isPermanent: true
            )
        }
        return try repository.write { transaction in
            guard try isUnchanged(metric, record, transaction) else { return true }
            guard
                let definition = try Monitoring.definition(
                    spec,
                    uid: metric.uid,
                    firstRows: firstRows,
                    transaction
                )
            else { return false }
            try transaction.setDefinition(
                uid: metric.uid,
                parameters: nil,
                modelParams: definition.text,
                server: nil
            )
            try transaction.setStatus(uid: metric.uid, .createPending, message: nil)
            return true
        }
    }

    /// CREATE_PENDING to ACTIVE.
    private func create(
        _ metric: Metric,
        _ record: ModelRecord,
        _ announce: (ModelCommandResult) -> Void
    ) throws {
        guard let text = metric.modelParams else {
            throw ModelFailure(
                uid: metric.uid,
                generation: record.generation,
                message: "model_params is empty",
                isPermanent: true
            )
        }
        let definition = try definition(text, metric.uid, record)
        do {
            _ = try factory.make(definition)
        } catch {
            throw ModelFailure(
                uid: metric.uid,
                generation: record.generation,
                message: "the model can't be created: \(error)",
                isPermanent: (error as? EngineError)?.code == .invalidArgument,
                isCreation: true
            )
        }
        let done = try repository.write { transaction in
            guard try isUnchanged(metric, record, transaction) else { return false }
            var record = record
            record.failures = 0
            record.retryAt = nil
            try transaction.setModelRecord(record)
            try transaction.setStatus(uid: metric.uid, .active, message: nil)
            return true
        }
        guard done else { return }
        counters.add("htmengine_models_created_total")
        try? checkpoints.remove(uid: metric.uid, generationsBelow: record.generation)
        announce(
            ModelCommandResult(
                method: .defineModel,
                modelId: metric.uid,
                status: 0,
                modelInfo: .init(
                    metricName: metric.name ?? "",
                    resource: metric.server ?? "",
                    // The column holds it indented; a message is one line.
                    modelSpecJSON: metric.parameters.flatMap { try? JSONValue.parse($0).text } ?? "{}"
                )
            )
        )
    }

    /// ERROR back to where it came from, when its time has come.
    private func retry(_ metric: Metric, _ record: ModelRecord) throws -> Bool {
        guard record.isRetryDue(at: clock.wallSeconds()) else { return false }
        try repository.write { transaction in
            guard try isUnchanged(metric, record, transaction) else { return }
            var record = record
            record.retryAt = nil
            try transaction.setModelRecord(record)
            let status: MetricStatus =
                metric.modelParams == nil ? .pendingData : record.scoredRowid > 0 ? .active : .createPending
            try transaction.setStatus(uid: metric.uid, status, message: nil)
        }
        counters.add("htmengine_model_retries_total")
        return true
    }

    private func isUnchanged(
        _ metric: Metric,
        _ record: ModelRecord,
        _ transaction: any MetricTransaction
    ) throws -> Bool {
        guard let now = try transaction.lockedHeads(uids: [metric.uid]).first else { return false }
        return now.status == metric.status && now.generation == record.generation
    }

    /// Puts a metric in ERROR, to be tried again later with a growing delay.
    func fail(_ failure: ModelFailure, announce: (ModelCommandResult) -> Void) throws {
        let message = String(failure.message.prefix(1000))
        let written = try repository.write { transaction -> Bool in
            guard let now = try transaction.lockedHeads(uids: [failure.uid]).first, now.status.isMonitored,
                now.generation == failure.generation, var record = try transaction.modelRecord(uid: failure.uid)
            else { return false }
            record.failures += 1
            // 10 s, 20 s, 40 s … one hour.
            let delay = min(ModelRecord.longestRetryDelay, Int64(10) << min(10, record.failures - 1))
            record.retryAt = failure.isPermanent ? nil : clock.wallSeconds() + delay
            try transaction.setModelRecord(record)
            try transaction.setStatus(uid: failure.uid, .error, message: message)
            return true
        }
        guard written else { return }
        counters.add("htmengine_model_failures_total")
        logger.error("runner", "metric \(failure.uid) goes to status ERROR: \(message)")
        if failure.isCreation {
            announce(
                ModelCommandResult(method: .defineModel, modelId: failure.uid, status: 1, errorMessage: message)
            )
        }
    }
}

/// A model that can't be made or run.
struct ModelFailure: Error {
    var uid: String
    var generation: Int64
    var message: String
    /// Trying again can't help before somebody changes something.
    var isPermanent = false
    /// It failed while being defined.
    var isCreation = false
}
