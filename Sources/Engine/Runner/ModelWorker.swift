// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Runs the models of its share of the partitions, one thread.
///
/// A model takes exactly row n + 1 next: rows it has are skipped, rows a hint doesn't bring are read from the database. So hints may
/// be lost, doubled and reordered, and the outcome is the same to the bit.
///
/// Sendable because one thread at a time uses it, its own or the simulation's; what others may call is marked.
final class ModelWorker: @unchecked Sendable {
    struct Configuration: Sendable {
        /// What this worker's models may take now, given what they take. Unit: bytes.
        var memoryLimit: @Sendable (Int) -> Int
        /// Rows after which a model is saved as soon as nothing else is to do; after twice as many it is saved at once.
        var rowsPerCheckpoint: Int
        /// Rows a model may take before others have their turn.
        var rowsPerTurn: Int
        /// When a model leaves memory, rows that are rather replayed than saved.
        var rowsWorthSaving: Int
        let partitionCount: Int
        /// Whether results outlive this process on the bus.
        let publishesDurably: Bool
        /// Whether the time of each batch is logged.
        let logsTimings: Bool
    }

    private let repository: any MetricRepository
    private let checkpointStore: any CheckpointStore
    private let factory: any ScoringModelFactory
    private let lifecycle: ModelLifecycle
    private let results: ResultWriter
    private let checkpoints: CheckpointWriter
    private let clock: any EngineClock
    private let logger: any Logger
    private let counters: EngineCounters
    private let configuration: Configuration
    private let ownedPartitions: Monitor<Set<Int>>
    private var cache = ModelCache()
    private let measures = Monitor((models: 0, bytes: 0))
    /// May be used from any thread.
    let inbox: RunnerInbox

    init(
        repository: any MetricRepository,
        checkpointStore: any CheckpointStore,
        factory: any ScoringModelFactory,
        lifecycle: ModelLifecycle,
        results: ResultWriter,
        checkpoints: CheckpointWriter,
        clock: any EngineClock,
        logger: any Logger,
        counters: EngineCounters,
        ownedPartitions: Monitor<Set<Int>>,
        configuration: Configuration
    ) {
        self.repository = repository
        self.checkpointStore = checkpointStore
        self.factory = factory
        self.lifecycle = lifecycle
        self.results = results
        self.checkpoints = checkpoints
        self.clock = clock
        self.logger = logger
        self.counters = counters
        self.ownedPartitions = ownedPartitions
        self.configuration = configuration
        inbox = RunnerInbox(sampleLimit: 20_000)
    }

    /// Models in memory and what they take. May be called from any thread.
    var inMemory: (models: Int, bytes: Int) { measures.withLock { $0 } }

    /// Does one thing.
    ///
    /// - Returns: False when there was nothing to do (or, waiting, when it is time to stop).
    @discardableResult
    func runNext(wait: Bool) -> Bool {
        guard let item = inbox.next(wait: wait) else { return false }
        switch item {
        case .stopping: return false
        case .ownershipChanged: dropModelsOfOthers()
        case .work(let uid, let work): run(uid, work)
        case .save(let uid): saveDue(uid)
        }
        measures.withLock { $0 = (cache.count, cache.totalBytes) }
        inbox.finished()
        return true
    }

    private func owns(_ uid: String) -> Bool {
        let partition = partition(ofUID: uid, count: configuration.partitionCount)
        return ownedPartitions.withLock { $0.contains(partition) }
    }

    private func dropModelsOfOthers() {
        for slot in Array(cache.all) where !owns(slot.uid) { cache.remove(slot.uid) }
    }

    private func run(_ uid: String, _ work: PendingWork) {
        guard owns(uid) else { return cache.remove(uid) }
        do {
            try advance(uid, work)
        } catch let failure as ModelFailure {
            cache.remove(uid)
            do {
                try lifecycle.fail(failure) { results.add(.command($0)) }
            } catch {
                logger.warning("runner", "metric \(uid) can't be set to ERROR: \(error)")
                inbox.look(at: uid, notBefore: clock.monotonicNanoseconds() + 2_000_000_000)
            }
        } catch {
            // The database or the checkpoints are away: what was learned stays in memory, and the rows in the database.
            counters.add("htmengine_runner_errors_total")
            logger.warning("runner", "metric \(uid) has to wait: \(error)")
            inbox.look(at: uid, notBefore: clock.monotonicNanoseconds() + 1_000_000_000)
        }
    }

    private func advance(_ uid: String, _ work: PendingWork) throws {
        if let slot = cache.use(uid), work.generation != 0, work.generation != slot.generation { cache.remove(uid) }
        var isLooking = work.needsLook
        let slot: ModelSlot
        if let known = cache.use(uid) {
            slot = known
        } else {
            guard let loaded = try load(uid) else { return }
            slot = loaded
            cache.insert(loaded)
            isLooking = true
        }
        // Hints of another generation bring the same rows: rowids never restart.
        if !work.samples.isEmpty, work.lastRowid > slot.rowid {
            if work.firstRowid <= slot.rowid + 1 {
                let skip = Int(slot.rowid + 1 - work.firstRowid)
                let rows = work.samples.dropFirst(skip).prefix(configuration.rowsPerTurn)
                let isAll = rows.count == work.samples.count - skip
                try score(slot, samples: Array(rows))
                if !isAll { isLooking = true }
            } else {
                isLooking = true
            }
        }
        if isLooking || work.storedRowid > slot.rowid { try catchUp(slot) }
        evict(keeping: slot)
    }

    /// Takes the next rows from the database.
    private func catchUp(_ slot: ModelSlot) throws {
        let query = RowQuery(
            uid: slot.uid,
            rowids: slot.rowid + 1...Int64.max,
            limit: configuration.rowsPerTurn
        )
        let (rows, head) = try repository.read { reading in
            (try reading.rows(query), try reading.heads(uids: [slot.uid]).first)
        }
        guard let head, head.generation == slot.generation, head.status == .active else {
            // Unmonitored, monitored again, or gone: look at it afresh.
            cache.remove(slot.uid)
            if head != nil { inbox.look(at: slot.uid) }
            return
        }
        slot.isBehind = rows.count == configuration.rowsPerTurn
        guard let first = rows.first else { return }
        guard first.rowid == slot.rowid + 1 else { return try rebuild(slot, firstRowid: first.rowid) }
        for (index, row) in rows.enumerated() where row.rowid != first.rowid + Int64(index) {
            throw ModelFailure(
                uid: slot.uid,
                generation: slot.generation,
                message: "row \(first.rowid + Int64(index)) of the metric is missing in the database",
                isPermanent: true
            )
        }
        try score(slot, samples: rows.map(\.sample))
        if slot.isBehind { inbox.look(at: slot.uid) }
    }

    private func score(_ slot: ModelSlot, samples: [Sample]) throws {
        var rows: [MetricRow] = []
        rows.reserveCapacity(samples.count)
        let before = slot.rowid
        let began = clock.monotonicNanoseconds()
        do {
            for sample in samples {
                let score = try slot.model.process(sample)
                slot.rowid += 1
                guard slot.rowid > slot.scoredRowid else { continue }
                rows.append(
                    MetricRow(
                        rowid: slot.rowid,
                        timestamp: sample.timestamp,
                        value: sample.value,
                        rawAnomalyScore: score.rawAnomalyScore,
                        anomalyScore: score.anomalyScore,
                        displayValue: DisplayValue.of(anomalyScore: score.anomalyScore),
                        predictions: score.predictions,
                        reason: score.reason
                    )
                )
            }
        } catch {
            throw ModelFailure(
                uid: slot.uid,
                generation: slot.generation,
                message: "Inference failed at row \(slot.rowid + 1): \(error)"
            )
        }
        counters.add([
            "htmengine_rows_processed_total": slot.rowid - before,
            "htmengine_rows_replayed_total": slot.rowid - before - Int64(rows.count),
        ])
        cache.recount(slot)
        if configuration.logsTimings {
            let microseconds = (clock.monotonicNanoseconds() - began) / 1000
            logger.info("runner", "the model of metric \(slot.uid) took \(samples.count) rows in \(microseconds) µs")
        }
        if !rows.isEmpty {
            results.add(
                .scores(InferenceResults(metric: slot.metric, generation: slot.generation, rows: rows))
            )
        }
        // Models that began together come to this row together: their samples go before their checkpoints, as long as those don't fall
        // behind.
        let unsaved = slot.rowid - slot.checkpointRowid
        if unsaved >= 2 * Int64(configuration.rowsPerCheckpoint) {
            try save(slot)
        } else if unsaved >= Int64(configuration.rowsPerCheckpoint), !slot.isDue {
            slot.isDue = true
            inbox.saveLater(slot.uid)
        }
    }

    /// Saves a model that asked for it, unless that was done since, or it is gone.
    private func saveDue(_ uid: String) {
        guard let slot = cache.slot(uid), slot.isDue else { return }
        do {
            try save(slot)
        } catch {
            slot.isDue = false
            logger.warning("runner", "the model of metric \(uid) can't be encoded: \(error)")
        }
    }

    private func save(_ slot: ModelSlot) throws {
        let state = try slot.model.encoded()
        slot.checkpointRowid = slot.rowid
        slot.isDue = false
        results.add(
            .checkpoint(
                Checkpoint(uid: slot.uid, generation: slot.generation, rowid: slot.rowid, model: state)
            )
        )
    }

    /// Makes room: the least recently used models are saved, where replaying would take longer, and dropped.
    private func evict(keeping current: ModelSlot) {
        let limit = configuration.memoryLimit(cache.totalBytes)
        while cache.totalBytes > limit, let slot = cache.evictionCandidate, slot !== current {
            // One that has more rows to take is saved whatever it costs: else two that don't fit into memory together would
            // undo each other's progress for ever.
            let unsaved = slot.rowid - slot.checkpointRowid
            if unsaved >= Int64(configuration.rowsWorthSaving) || (slot.isBehind && unsaved > 0) {
                do {
                    try save(slot)
                } catch {
                    logger.warning("runner", "the model of metric \(slot.uid) can't be encoded: \(error)")
                }
            }
            cache.remove(slot.uid)
            counters.add("htmengine_models_evicted_total")
        }
    }

    /// Saves models until the time is up, those first that would take longest to replay.
    ///
    /// - Parameter deadline: On the monotonic clock.
    func saveAll(until deadline: UInt64) {
        let unsaved = cache.all.filter { $0.rowid > $0.checkpointRowid }
            .sorted { $0.rowid - $0.checkpointRowid > $1.rowid - $1.checkpointRowid }
        for slot in unsaved {
            guard clock.monotonicNanoseconds() < deadline else { return }
            try? save(slot)
        }
    }

    // MARK: loading

    private func load(_ uid: String) throws -> ModelSlot? {
        guard let ready = try lifecycle.prepare(uid: uid, announce: { results.add(.command($0)) }) else { return nil }
        if configuration.publishesDurably, ready.record.publishedRowid < ready.record.scoredRowid {
            // What another runner may have left unpublished goes out before anything newer.
            results.publishMissed(uid: uid)
        }
        var restored = try restore(ready)
        if restored == nil {
            let model: any ScoringModel
            do {
                model = try factory.make(ready.definition)
            } catch {
                throw ModelFailure(
                    uid: uid,
                    generation: ready.record.generation,
                    message: "the model can't be created: \(error)",
                    isPermanent: (error as? EngineError)?.code == .invalidArgument
                )
            }
            restored = (model, ready.record.baseRowid)
        }
        guard let (model, rowid) = restored else { return nil }
        counters.add("htmengine_models_loaded_total")
        return ModelSlot(
            uid: uid,
            generation: ready.record.generation,
            metric: MetricDescription(ready.metric),
            definition: ready.definition,
            model: model,
            rowid: rowid,
            scoredRowid: ready.record.scoredRowid,
            checkpointRowid: rowid
        )
    }

    /// The model of the newest checkpoint that can be read and isn't ahead of the database.
    private func restore(_ ready: ReadyModel) throws -> (any ScoringModel, Int64)? {
        let uid = ready.metric.uid
        let generation = ready.record.generation
        if let waiting = checkpoints.waiting(uid: uid), waiting.generation == generation,
            waiting.rowid <= ready.record.scoredRowid
        {
            return (try factory.load(ready.definition, waiting.model), waiting.rowid)
        }
        for info in try checkpointStore.candidates(uid: uid) where info.generation == generation {
            guard info.rowid <= ready.record.scoredRowid else {
                try removeIfAhead(info)
                continue
            }
            do {
                let checkpoint = try checkpointStore.load(info)
                return (try factory.load(ready.definition, checkpoint.model), checkpoint.rowid)
            } catch let error as EngineError where error.code == .checkpointDamaged {
                counters.add("htmengine_checkpoints_damaged_total")
                logger.error(
                    "runner",
                    "checkpoint \(uid) generation \(generation) row \(info.rowid) is damaged, going back further: \(error)"
                )
                try? checkpointStore.remove(info)
            }
        }
        return nil
    }

    /// Removes a checkpoint of rows the database doesn't have scores for, as after restoring an older database: those rows may
    /// come to be others.
    private func removeIfAhead(_ info: CheckpointInfo) throws {
        // Another runner may have gone on since the record was read.
        let record = try repository.read { try $0.modelRecord(uid: info.uid) }
        guard let record, record.generation == info.generation, record.scoredRowid < info.rowid else { return }
        logger.warning(
            "runner",
            "checkpoint \(info.uid) row \(info.rowid) is ahead of the database (row \(record.scoredRowid)): removed"
        )
        counters.add("htmengine_checkpoints_ahead_total")
        try checkpointStore.remove(info)
    }

    /// Starts a new generation from the rows that are left, when retention has removed rows the model needs.
    ///
    /// Scores that are stored stay as they are.
    private func rebuild(_ slot: ModelSlot, firstRowid: Int64) throws {
        cache.remove(slot.uid)
        let note = "rebuilt from row \(firstRowid): no checkpoint could be read and older rows are gone"
        let done = try repository.write { transaction -> Bool in
            guard let head = try transaction.lockedHeads(uids: [slot.uid]).first, head.status == .active,
                head.generation == slot.generation, var record = try transaction.modelRecord(uid: slot.uid)
            else { return false }
            record.generation += 1
            record.baseRowid = firstRowid - 1
            record.scoredRowid = max(record.scoredRowid, firstRowid - 1)
            record.checkpointRowid = 0
            record.previousCheckpointRowid = 0
            record.note = note
            try transaction.setModelRecord(record)
            // For people: it is shown where errors are.
            try transaction.setStatus(uid: slot.uid, .active, message: note)
            return true
        }
        if done {
            counters.add("htmengine_models_rebuilt_total")
            logger.error("runner", "the model of metric \(slot.uid) is \(note)")
        }
        inbox.look(at: slot.uid)
    }
}
