// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Runs the models of the partitions it owns: a cache of models plus a place in the queue.
///
/// Threads: one worker per core, each with its own models; one that commits and publishes results; two that save checkpoints; one
/// that looks for work nobody hinted at.
package final class ModelRunner: PartitionWorker {
    package struct Configuration: Sendable {
        /// Threads that run models. 1…256.
        package var workers = 2
        /// What the models in memory may take together. Unit: bytes.
        package var memoryBudget = 1 << 30
        /// Where given, the whole process is kept within the budget, not only what the models count.
        package var processMemory: ProcessMemory?
        /// `[model_runner] target_requests_per_checkpoint`: rows between two checkpoints of a model; up to twice as many under load.
        package var rowsPerCheckpoint = 500
        /// `[metric_streamer] chunk_size`: most rows in one result message.
        package var chunkSize = 1440
        /// Rows a metric without a given range waits for.
        package var firstRows: Int64 = 288
        /// Time between two looks for work that nobody hinted at. Unit: seconds.
        package var repairInterval: Int64 = 120
        /// When a model leaves memory, rows that are rather replayed later than saved now.
        ///
        /// Saving costs as much as replaying some 15 rows. Saving every n rows, a row of a model that is swapped in for it costs 15 / n for the
        /// save and (n − 1) / 2 for the replay: least at 5 or 6, and a fifth more at 10, where half as much is written.
        package var rowsWorthSaving = 10
        /// `[debugging] profiling` of model-swapper.conf: whether the models' time for each batch is logged.
        package var logsTimings = false
        /// Checkpoints waiting for the disk. Unit: bytes.
        package var checkpointBuffer = 64 << 20

        package init() {}
    }

    private let repository: any MetricRepository
    private let bus: any MessageBus
    private let clock: any EngineClock
    private let logger: any Logger
    private let counters: EngineCounters
    private let configuration: Configuration
    private let results: ResultWriter
    private let checkpoints: CheckpointWriter
    private let workers: [ModelWorker]
    private let memoryGuard: MemoryGuard
    private let ownedPartitions = Monitor<Set<Int>>([])

    private struct Maintenance {
        var isStopping = false
        var lookSoon = false
    }
    private let maintenance = Monitor(Maintenance())
    private let threads = Monitor<[ServiceThread]>([])
    /// Models that had unpublished rows at the last look, by uid.
    private let unpublished = Monitor<[String: PublishedNote]>([:])

    package init(
        repository: any MetricRepository,
        bus: any MessageBus,
        checkpointStore: any CheckpointStore,
        factory: any ScoringModelFactory,
        clock: any EngineClock = SystemClock(),
        logger: any Logger,
        counters: EngineCounters,
        configuration: Configuration = Configuration()
    ) {
        self.repository = repository
        self.bus = bus
        self.clock = clock
        self.logger = logger
        self.counters = counters
        self.configuration = configuration
        // A small part of the budget; not so small that saving would hold the models up.
        let checkpointBytes = min(configuration.checkpointBuffer, max(1 << 20, configuration.memoryBudget / 32))
        let checkpoints = CheckpointWriter(
            store: checkpointStore,
            clock: clock,
            logger: logger,
            counters: counters,
            byteLimit: checkpointBytes
        )
        let inboxes = Monitor<[RunnerInbox]>([])
        let results = ResultWriter(
            repository: repository,
            bus: bus,
            checkpoints: checkpoints,
            clock: clock,
            logger: logger,
            counters: counters,
            rowLimit: 20_000,
            byteLimit: checkpointBytes,
            chunkSize: configuration.chunkSize,
            onRejected: { uid in
                let all = inboxes.withLock { $0 }
                // A generation no model has: the worker drops what it holds and looks again.
                all[Self.worker(ofUID: uid, partitionCount: bus.partitionCount, workers: all.count)]
                    .add([ModelHint(uid: uid, generation: .max)])
            }
        )
        let lifecycle = ModelLifecycle(
            repository: repository,
            checkpoints: checkpointStore,
            factory: factory,
            clock: clock,
            logger: logger,
            counters: counters,
            firstRows: configuration.firstRows
        )
        let ownedPartitions = ownedPartitions
        let workerCount = max(1, configuration.workers)
        let memoryGuard = MemoryGuard(
            budget: configuration.memoryBudget,
            workers: workerCount,
            memory: configuration.processMemory,
            clock: clock,
            logger: logger
        )
        workers = (0..<workerCount).map { index in
            let share = ModelWorker.Configuration(
                memoryLimit: { memoryGuard.share(worker: index, taken: $0) },
                rowsPerCheckpoint: max(1, configuration.rowsPerCheckpoint),
                rowsPerTurn: max(1, min(256, configuration.chunkSize)),
                rowsWorthSaving: configuration.rowsWorthSaving,
                partitionCount: bus.partitionCount,
                publishesDurably: bus.isDurable,
                logsTimings: configuration.logsTimings
            )
            return ModelWorker(
                repository: repository,
                checkpointStore: checkpointStore,
                factory: factory,
                lifecycle: lifecycle,
                results: results,
                checkpoints: checkpoints,
                clock: clock,
                logger: logger,
                counters: counters,
                ownedPartitions: ownedPartitions,
                configuration: share
            )
        }
        inboxes.withLock { [workers] in $0 = workers.map(\.inbox) }
        self.results = results
        self.checkpoints = checkpoints
        self.memoryGuard = memoryGuard
    }

    private static func worker(ofUID uid: String, partitionCount: Int, workers: Int) -> Int {
        partition(ofUID: uid, count: partitionCount) % workers
    }

    private func inbox(ofUID uid: String) -> RunnerInbox {
        workers[Self.worker(ofUID: uid, partitionCount: bus.partitionCount, workers: workers.count)].inbox
    }

    // MARK: life

    /// Starts the threads and joins the bus.
    package func start() throws {
        threads.withLock { threads in
            precondition(threads.isEmpty, "the runner runs already")
            for (index, worker) in workers.enumerated() {
                threads.append(
                    ServiceThread(name: "model-\(index)", stackBytes: 8 << 20) { while worker.runNext(wait: true) {} }
                )
            }
            threads.append(ServiceThread(name: "results") { [results] in while results.writeNext(wait: true) {} })
            for index in 0..<2 {
                threads.append(
                    ServiceThread(name: "checkpoint-\(index)") { [checkpoints] in
                        while checkpoints.saveNext(wait: true) {}
                    }
                )
            }
            threads.append(ServiceThread(name: "repair") { [self] in maintain() })
        }
        try bus.join(self)
    }

    /// Finishes what was taken as far as time allows, saves the models, and ends the threads. What isn't finished is done after
    /// the next start.
    ///
    /// - Parameter patienceMilliseconds: For all of it, roughly.
    package func stop(patienceMilliseconds: Int = 6000) {
        let start = clock.monotonicNanoseconds()
        @Sendable func deadline(_ share: Double) -> UInt64 {
            start + UInt64(Double(patienceMilliseconds) * share * 1_000_000)
        }
        func left(_ share: Double) -> Int {
            let now = clock.monotonicNanoseconds()
            return max(50, Int((max(now, deadline(share)) - now) / 1_000_000))
        }
        maintenance.update { $0.isStopping = true }
        for worker in workers { _ = worker.inbox.waitUntilIdle(timeoutMilliseconds: left(0.4)) }
        for worker in workers {
            worker.inbox.clear()
            worker.inbox.stop()
        }
        bus.leave(self)
        let all = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        // A worker may wait for room in the results queue, which the database doesn't empty.
        for worker in workers where !worker.inbox.waitUntilIdle(timeoutMilliseconds: left(0.5)) { results.giveUp() }
        for thread in all.prefix(workers.count) { thread.join() }
        let saving = workers.map { worker in
            ServiceThread(name: "save", stackBytes: 8 << 20) { worker.saveAll(until: deadline(0.75)) }
        }
        if !results.waitUntilIdle(timeoutMilliseconds: left(0.8)) { results.giveUp() }
        for thread in saving { thread.join() }
        if !results.waitUntilIdle(timeoutMilliseconds: left(0.9)) { results.giveUp() }
        results.stop()
        all[workers.count].join()
        _ = checkpoints.waitUntilEmpty(timeoutMilliseconds: left(1.0))
        checkpoints.stop()
        for thread in all.dropFirst(workers.count + 1) { thread.join() }
        results.writeNext(wait: false)
    }

    // MARK: callbacks of the bus

    package func partitionsChanged(owned: Set<Int>) {
        ownedPartitions.update { $0 = owned }
        for worker in workers { worker.inbox.ownershipChanged() }
        maintenance.update { $0.lookSoon = true }
    }

    package func receive(_ hints: [ModelHint]) {
        guard workers.count > 1 else { return workers[0].inbox.add(hints) }
        var shares = [[ModelHint]](repeating: [], count: workers.count)
        for hint in hints {
            shares[Self.worker(ofUID: hint.uid, partitionCount: bus.partitionCount, workers: workers.count)]
                .append(hint)
        }
        for (worker, share) in zip(workers, shares) where !share.isEmpty { worker.inbox.add(share) }
    }

    // MARK: repair

    private func maintain() {
        var interval = UInt64(max(1, configuration.repairInterval)) * 1_000_000_000
        var nextLook: UInt64 = 0
        while true {
            let stopping = maintenance.wait(timeoutMilliseconds: 500) { state -> Bool? in
                if state.isStopping { return true }
                guard state.lookSoon else { return nil }
                state.lookSoon = false
                return false
            }
            if stopping == true { return }
            let now = clock.monotonicNanoseconds()
            for worker in workers { worker.inbox.releaseDelayed(now: now) }
            measure()
            guard stopping == false || now >= nextLook else { continue }
            lookForWork()
            // On a large database the look itself must stay a small part of the time.
            let spent = clock.monotonicNanoseconds() - now
            interval = max(interval, spent * 20)
            nextLook = clock.monotonicNanoseconds() + interval
        }
    }

    /// Finds models that lag behind their rows, wait for a range, or were changed by other programs, and puts them in line.
    ///
    /// - Returns: How many were found.
    @discardableResult
    package func lookForWork() -> Int {
        var found = 0
        var last = ""
        let owned = ownedPartitions.withLock { $0 }
        guard !owned.isEmpty else { return 0 }
        func isOwned(_ uid: String) -> Bool { owned.contains(partition(ofUID: uid, count: bus.partitionCount)) }
        do {
            while true {
                let page = try repository.read {
                    try $0.metricsWithWork(
                        after: last,
                        limit: 1000,
                        firstRows: configuration.firstRows,
                        now: clock.wallSeconds()
                    )
                }
                for head in page where isOwned(head.uid) {
                    if head.status == .active, head.lastRowid > head.scoredRowid {
                        // Under load mostly rows that are on their way, which mustn't cost a query each.
                        inbox(ofUID: head.uid)
                            .look(at: head.uid, generation: head.generation, storedRowid: head.lastRowid)
                    } else {
                        inbox(ofUID: head.uid).look(at: head.uid)
                    }
                    found += 1
                }
                guard page.count == 1000, let end = page.last else { break }
                last = end.uid
            }
            if bus.isDurable { try lookForUnpublished(isOwned) }
        } catch {
            logger.warning("runner", "can't look for unscored rows: \(error)")
        }
        counters.add("htmengine_repair_looks_total")
        counters.set("htmengine_repair_found", Int64(found))
        return found
    }

    /// Sees to results that nobody publishes, as after the death of a runner. That something is published is written down up to a
    /// second later, so that only what was scored at the look before and still isn't published counts.
    private func lookForUnpublished(_ isOwned: (String) -> Bool) throws {
        let before = unpublished.withLock { $0 }
        var found: [String: PublishedNote] = [:]
        var last = ""
        while true {
            let page = try repository.read { try $0.unpublishedModels(after: last, limit: 1000) }
            for model in page where isOwned(model.uid) {
                if let known = before[model.uid], known.generation == model.generation,
                    model.publishedRowid < known.rowid
                {
                    results.publishMissed(uid: model.uid)
                    found[model.uid] = known
                } else {
                    found[model.uid] =
                        PublishedNote(uid: model.uid, generation: model.generation, rowid: model.scoredRowid)
                }
            }
            guard page.count == 1000, let end = page.last else { break }
            last = end.uid
        }
        unpublished.withLock { [found] in $0 = found }
    }

    private func measure() {
        let sizes = workers.map(\.inMemory)
        counters.set("htmengine_models_in_memory", Int64(sizes.reduce(0) { $0 + $1.models }))
        counters.set("htmengine_model_memory_bytes", Int64(sizes.reduce(0) { $0 + $1.bytes }))
        memoryGuard.look()
        if let resident = memoryGuard.resident { counters.set("htmengine_process_memory_bytes", Int64(resident)) }
        counters.set("htmengine_model_memory_limit_bytes", Int64(memoryGuard.limit))
        counters.set("htmengine_models_waiting", Int64(workers.reduce(0) { $0 + $1.inbox.count }))
        counters.set("htmengine_models_delayed", Int64(workers.reduce(0) { $0 + $1.inbox.delayedCount }))
        counters.set("htmengine_rows_uncommitted", Int64(results.waitingRows))
        counters.set("htmengine_checkpoints_waiting", Int64(checkpoints.count))
        counters.set("htmengine_partitions_owned", Int64(ownedPartitions.withLock { $0.count }))
    }

    // MARK: stepping, for tests and simulations without threads

    /// Takes part in the bus without threads: the caller calls the step functions.
    package func joinWithoutThreads() throws { try bus.join(self) }

    package var workerCount: Int { workers.count }

    /// - Returns: Whether there was anything to do. The same holds for the other steps.
    package func stepWorker(_ index: Int) -> Bool { workers[index].runNext(wait: false) }
    package func stepResults() -> Bool { results.writeNext(wait: false) }
    package func stepCheckpoints() -> Bool { checkpoints.saveNext(wait: false) }
    package func stepDelayed() {
        for worker in workers { worker.inbox.releaseDelayed(now: clock.monotonicNanoseconds()) }
    }

    /// Waits until nothing that was hinted at is left to do, for tests on real threads.
    ///
    /// - Returns: False when the time is up.
    package func waitUntilIdle(timeoutMilliseconds: Int) -> Bool {
        for worker in workers where !worker.inbox.waitUntilIdle(timeoutMilliseconds: timeoutMilliseconds) {
            return false
        }
        return results.waitUntilIdle(timeoutMilliseconds: timeoutMilliseconds)
    }
}
