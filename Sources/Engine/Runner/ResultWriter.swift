// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Commits scores of many models in one transaction, then publishes them, then lets checkpoints go that cover them.
///
/// The order is what makes the death of the process harmless: a checkpoint never knows more rows than the database has scores for,
/// and nothing is published before it is committed. A power cut may take scores back whose samples are safe: they come out the same
/// again, and checkpoints ahead of them are put aside (`ModelWorker`).
final class ResultWriter: Sendable {
    enum Item {
        /// Rows in order of row id, all with scores.
        case scores(InferenceResults)
        case command(ModelCommandResult)
        /// To be saved once the scores before it are committed.
        case checkpoint(Checkpoint)
    }

    /// A batch and when it is tried again.
    private struct Held {
        let items: [Item]
        /// On the monotonic clock.
        let due: UInt64
        /// Until the try after the next. Unit: milliseconds.
        let delay: UInt64
    }

    /// Sendable because one thread at a time writes.
    private final class Attempt: @unchecked Sendable {
        var held: Held?
        /// When what is only noted is written even while there is no pause. On the monotonic clock.
        var notesDue: UInt64 = 0
    }

    private struct Queue {
        var items: [Item] = []
        var rowCount = 0
        var bytes = 0
        var isInWork = false
        var isStopping = false
        /// The database didn't come back in time: nothing more is written, the rows are scored after the next start.
        var hasGivenUp = false
    }

    private let repository: any MetricRepository
    private let bus: any MessageBus
    private let checkpoints: CheckpointWriter
    private let clock: any EngineClock
    private let logger: any Logger
    private let counters: EngineCounters
    private let rowLimit: Int
    /// Of checkpoints that wait for the commit of their scores. Unit: bytes.
    private let byteLimit: Int
    private let queue = Monitor(Queue())
    private let attempt = Attempt()
    private let publisher: ResultPublisher
    /// Called with a model whose scores were refused, since it isn't of the current generation any more.
    private let onRejected: @Sendable (String) -> Void

    init(
        repository: any MetricRepository,
        bus: any MessageBus,
        checkpoints: CheckpointWriter,
        clock: any EngineClock,
        logger: any Logger,
        counters: EngineCounters,
        rowLimit: Int,
        byteLimit: Int,
        chunkSize: Int,
        onRejected: @escaping @Sendable (String) -> Void
    ) {
        self.repository = repository
        self.bus = bus
        self.checkpoints = checkpoints
        self.clock = clock
        self.logger = logger
        self.counters = counters
        self.rowLimit = rowLimit
        self.byteLimit = byteLimit
        self.onRejected = onRejected
        publisher = ResultPublisher(
            repository: repository,
            bus: bus,
            clock: clock,
            logger: logger,
            counters: counters,
            chunkSize: chunkSize
        )
    }

    /// Takes an item over; waits while too much is in line.
    func add(_ item: Item) {
        queue.wait { queue -> Bool? in
            if queue.hasGivenUp { return true }
            guard queue.items.isEmpty || (queue.rowCount < rowLimit && queue.bytes < byteLimit) else { return nil }
            switch item {
            case .scores(let results): queue.rowCount += results.rows.count
            case .command: break
            case .checkpoint(let checkpoint): queue.bytes += checkpoint.model.count
            }
            queue.items.append(item)
            return true
        }
    }

    /// Rows scored but not yet committed.
    var waitingRows: Int { queue.withLock { $0.rowCount } }

    /// Writes what has gathered.
    ///
    /// - Returns: False when there was nothing (or, waiting, when it is time to stop).
    @discardableResult
    func writeNext(wait: Bool) -> Bool {
        if let held = attempt.held {
            let now = clock.monotonicNanoseconds()
            if now < held.due {
                guard wait else { return false }
                let milliseconds = Int((held.due - now) / 1_000_000) + 1
                queue.wait(timeoutMilliseconds: milliseconds) { $0.hasGivenUp ? true : nil }
            }
            if queue.withLock({ $0.hasGivenUp }) {
                attempt.held = nil
                queue.update { $0.isInWork = false }
            } else {
                write(held)
            }
            return true
        }
        let taken = queue.wait(timeoutMilliseconds: wait ? 1000 : 0) { queue -> [Item]?? in
            guard !queue.items.isEmpty else { return queue.isStopping ? .some(nil) : nil }
            defer {
                queue.items = []
                queue.rowCount = 0
                queue.bytes = 0
                queue.isInWork = true
            }
            return .some(queue.items)
        }
        guard let taken else {
            // Nothing for a while: a good time for what is only noted.
            writeNotes()
            return wait
        }
        guard let items = taken else {
            writeNotes()
            return false
        }
        write(Held(items: items, due: 0, delay: 50))
        return true
    }

    /// Commits and publishes, or keeps everything for a later try while the database is away: the workers wait meanwhile, and
    /// nothing is lost.
    private func write(_ batch: Held) {
        attempt.held = nil
        let results = batch.items.compactMap { item -> InferenceResults? in
            if case .scores(let results) = item { results } else { nil }
        }
        do {
            let accepted = try commit(results)
            release(batch.items, accepted)
            let now = clock.monotonicNanoseconds()
            if now >= attempt.notesDue {
                attempt.notesDue = now + 1_000_000_000
                writeNotes()
            }
            queue.update { $0.isInWork = false }
        } catch {
            counters.add("htmengine_result_errors_total")
            logger.warning("runner", "scores can't be written, trying again: \(error)")
            attempt.held = Held(
                items: batch.items,
                due: clock.monotonicNanoseconds() + batch.delay * 1_000_000,
                delay: min(batch.delay * 2, 2000)
            )
        }
    }

    /// Lets go what was waiting for the commit.
    private func release(_ items: [Item], _ accepted: [Bool]) {
        var rejected: Set<String> = []
        var next = 0
        var messages: [EngineMessage] = []
        for item in items {
            switch item {
            case .scores(let results):
                if accepted[next] {
                    messages.append(.inferenceResults(results))
                } else {
                    rejected.insert(results.metric.uid)
                }
                next += 1
            case .command(let result): messages.append(.commandResult(result))
            case .checkpoint(let checkpoint):
                if !rejected.contains(checkpoint.uid) { checkpoints.add(checkpoint) }
            }
        }
        publisher.publish(messages)
        for uid in rejected {
            counters.add("htmengine_results_rejected_total")
            onRejected(uid)
        }
    }

    /// - Throws: `EngineError` with code `storageUnavailable` when nothing could be written.
    /// - Returns: Whether each was accepted.
    private func commit(_ results: [InferenceResults]) throws -> [Bool] {
        guard !results.isEmpty else { return [] }
        do {
            let accepted = try repository.writeReproducible { try $0.storeScores(results.map(Self.batch)) }
            let rows = zip(results, accepted).reduce(0) { $0 + ($1.1 ? $1.0.rows.count : 0) }
            counters.add(["htmengine_rows_scored_total": Int64(rows), "htmengine_result_transactions_total": 1])
            return accepted
        } catch let error as EngineError where error.code != .storageUnavailable && error.code != .stopping {
            guard results.count > 1 else {
                logger.error("runner", "scores of metric \(results[0].metric.uid) can't be written: \(error)")
                counters.add("htmengine_result_errors_total")
                return [false]
            }
            // One metric's rows are refused by the database for a reason of their own: the others mustn't suffer.
            logger.error("runner", "scores of \(results.count) batches can't be written together: \(error)")
            return try results.map { try commit([$0])[0] }
        }
    }

    private static func batch(_ results: InferenceResults) -> ScoreBatch {
        ScoreBatch(
            uid: results.metric.uid,
            generation: results.generation,
            rows: results.rows.map { row in
                ScoredRow(
                    rowid: row.rowid,
                    timestamp: row.timestamp,
                    rawAnomalyScore: row.rawAnomalyScore ?? 0,
                    anomalyScore: row.anomalyScore ?? 0,
                    displayValue: row.displayValue ?? 0,
                    predictions: row.predictions ?? "null",
                    reason: row.reason
                )
            },
            publishedRowid: 0
        )
    }

    private func writeNotes() {
        publisher.retry()
        let notes = checkpoints.takeNotes()
        let published = publisher.takeNotes()
        guard !notes.isEmpty || !published.isEmpty else { return }
        do {
            // Apart, so that each locks its rows in one order.
            if !notes.isEmpty { try repository.writeReproducible { try $0.noteCheckpoints(notes) } }
            if !published.isEmpty { try repository.writeReproducible { try $0.notePublished(published) } }
        } catch {
            // Only short cuts are lost: retention keeps more rows, results may be published twice after a restart.
            logger.warning("runner", "notes on checkpoints can't be written: \(error)")
        }
    }

    /// Publishes what a durable bus may have missed before the last stop.
    func publishMissed(uid: String) { publisher.mark(uid) }

    func stop() { queue.update { $0.isStopping = true } }

    /// Drops what can't be written, so that the engine can end.
    func giveUp() { queue.update { $0.hasGivenUp = true } }

    /// - Returns: False when the time is up.
    func waitUntilIdle(timeoutMilliseconds: Int) -> Bool {
        queue.wait(timeoutMilliseconds: timeoutMilliseconds) { $0.items.isEmpty && !$0.isInWork ? true : nil } ?? false
    }
}
