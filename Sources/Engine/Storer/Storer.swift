// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Stores samples of many senders: groups them by metric, refuses what can't be kept, commits many metrics in one transaction,
/// and hints the runner.
///
/// One thread takes whatever has gathered since the last commit, so transactions grow with the load and nothing waits for
/// company. A sample is acknowledged when its row is durable, and never before. Neither the model nor the next transaction waits for that,
/// unless the bus is a broker: what it keeps outlives a power cut, so that it hears of no sample that one may take back.
package final class Storer: SampleSink {
    package struct Configuration: Sendable {
        /// Samples held while the database works; senders beyond it wait. 1…10,000,000.
        package var queueLimit = 200_000
        /// Most samples in one transaction. 1…1,000,000.
        package var transactionLimit = 100_000
        /// How far a sample may be ahead of our clock. Unit: seconds.
        package var longestLead: Int64 = 86_400
        /// Most metrics in the database; a sample of another name is refused. Above 0.
        package var maximumMetrics = 1_000_000
        /// Names (`*` any run, `?` one character) of new metrics that are monitored by themselves.
        package var autoMonitor: [String] = []
        /// `[metric_maintenance] promote_after`: metrics with so many rows that nobody has ever monitored are monitored by
        /// themselves; nil for none.
        package var promoteAfter: Int64?
        /// Rows after which a metric waiting for data is worth a look by the runner.
        package var firstRows: Int64 = 288
        /// Of metrics that are monitored by themselves.
        package var defaultMode = DetectionMode.parity
        /// How long a batch is tried again when the database doesn't take it, before its senders are told. Unit: seconds.
        package var patience: Int64 = 10
        /// `[debugging] profiling`: whether the time of each batch is logged.
        package var logsTimings = false
        /// Names whose uids are remembered.
        package var knownNamesLimit = 200_000

        package init() {}
    }

    private struct Submission {
        let samples: [IncomingSample]
        let completion: @Sendable (StoreOutcome) -> Void
    }

    /// A batch and when it is tried again.
    private struct Held {
        let submissions: [Submission]
        /// On the monotonic clock, like `due`.
        let started: UInt64
        let due: UInt64
        /// Until the try after the next. Unit: milliseconds.
        let delay: UInt64
    }

    /// A batch whose senders are to be told: when it failed, or when what its transaction did is known and durable.
    private struct Unacknowledged {
        let number: Int
        let submissions: [Submission]
        let sampleCount: Int
        var result: StoreResult?
        var durability: Result<Void, EngineError>?

        var isDecided: Bool {
            switch durability {
            case nil: false
            case .failure: true
            case .success: result != nil
            }
        }
    }

    /// Sendable because one thread at a time stores.
    private final class Attempt: @unchecked Sendable {
        var held: Held?
        /// Whether the last batch failed because the database was away.
        var isUnavailable = false
    }

    private struct Queue {
        var submissions: [Submission] = []
        var sampleCount = 0
        /// Taken, and not yet committed or given up.
        var inWork = 0
        /// In the order of their transactions.
        var unacknowledged: [Unacknowledged] = []
        var unacknowledgedCount = 0
        /// Whether senders are being told just now.
        var isTelling = false
        var batchCount = 0

        var isEmpty: Bool { submissions.isEmpty && inWork == 0 && unacknowledged.isEmpty && !isTelling }

        /// Takes the oldest batches whose outcome is known.
        mutating func takeDecided() -> [Unacknowledged] {
            let decided = Array(unacknowledged.prefix { $0.isDecided })
            unacknowledged.removeFirst(decided.count)
            for batch in decided { unacknowledgedCount -= batch.sampleCount }
            isTelling = !decided.isEmpty
            return decided
        }

        mutating func change(_ number: Int, _ body: (inout Unacknowledged) -> Void) {
            guard let index = unacknowledged.firstIndex(where: { $0.number == number }) else { return }
            body(&unacknowledged[index])
        }
        var isStopping = false
    }

    private let repository: any MetricRepository
    private let bus: any MessageBus
    private let clock: any EngineClock
    private let logger: any Logger
    private let counters: EngineCounters
    private let configuration: Configuration
    private let queue = Monitor(Queue())
    /// Only used by whoever runs `storeNext`, one at a time.
    private let writer: StoreWriter
    private let attempt = Attempt()
    private let thread = Monitor<ServiceThread?>(nil)

    package init(
        repository: any MetricRepository,
        bus: any MessageBus,
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
        writer = StoreWriter(repository: repository, configuration: configuration)
    }

    /// Starts the thread that stores.
    package func start() {
        thread.withLock { thread in
            precondition(thread == nil, "the storer runs already")
            thread = ServiceThread(name: "storer") { [self] in
                while storeNext(wait: true) {}
            }
        }
    }

    /// Takes no more samples, stores those that were taken, and ends the thread.
    package func stop() {
        queue.update { $0.isStopping = true }
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    package func submit(
        _ samples: [IncomingSample],
        completion: @escaping @Sendable (StoreOutcome) -> Void
    ) throws {
        guard !samples.isEmpty else { return completion(StoreOutcome()) }
        let limit = configuration.queueLimit
        let accepted: Bool? = queue.wait { queue in
            if queue.isStopping { return false }
            // One submission larger than the limit is taken when it has the queue for itself.
            guard queue.sampleCount == 0 || queue.sampleCount + samples.count <= limit else { return nil }
            queue.submissions.append(Submission(samples: samples, completion: completion))
            queue.sampleCount += samples.count
            return true
        }
        guard accepted == true else { throw EngineError(.stopping, "the engine is stopping") }
    }

    /// Stores samples and waits for the commit.
    ///
    /// - Throws: `EngineError` with code `storageUnavailable` or `stopping`: none of the samples was acknowledged.
    /// - Returns: Which samples were refused and why.
    package func store(_ samples: [IncomingSample]) throws -> [(index: Int, reason: SampleRefusal)] {
        let outcome = Monitor<StoreOutcome?>(nil)
        try submit(samples) { result in outcome.update { $0 = result } }
        let result: StoreOutcome = outcome.wait { $0 }!
        if let error = result.error { throw error }
        return result.refusals
    }

    /// Waits until everything taken so far is stored or refused.
    package func drain() {
        queue.wait { $0.isEmpty ? true : nil }
    }

    /// Samples waiting to be stored.
    package var waitingSamples: Int { queue.withLock { $0.sampleCount } }

    private enum Step {
        case tell([Unacknowledged])
        case store([Submission])
        case end
    }

    /// Stores one transaction's worth of what was submitted, or tells the senders of earlier ones.
    ///
    /// - Parameter wait: Wait for something to do when there is nothing.
    /// - Returns: False when there was nothing to do: stopping, or not waiting.
    @discardableResult
    package func storeNext(wait: Bool) -> Bool {
        let limit = configuration.transactionLimit
        func take(_ queue: inout Queue) -> Step? {
            let decided = queue.takeDecided()
            if !decided.isEmpty { return .tell(decided) }
            guard !queue.submissions.isEmpty else {
                return queue.isStopping && queue.unacknowledged.isEmpty ? .end : nil
            }
            // What the disk hasn't got yet is bounded as what waits for it is.
            guard queue.unacknowledgedCount < configuration.queueLimit else { return nil }
            var count = 0
            var samples = 0
            for submission in queue.submissions {
                if count > 0, samples + submission.samples.count > limit { break }
                samples += submission.samples.count
                count += 1
            }
            let taken = Array(queue.submissions[..<count])
            queue.submissions.removeFirst(count)
            queue.sampleCount -= samples
            queue.inWork = samples
            return .store(taken)
        }
        if let held = attempt.held {
            let now = clock.monotonicNanoseconds()
            if now < held.due {
                guard wait || queue.withLock({ $0.isStopping }) else { return false }
                let milliseconds = Int((held.due - now) / 1_000_000) + 1
                let decided = queue.wait(timeoutMilliseconds: milliseconds) { queue -> [Unacknowledged]? in
                    let decided = queue.takeDecided()
                    return decided.isEmpty && !queue.isStopping ? nil : decided
                }
                if let decided, !decided.isEmpty {
                    tell(decided)
                    return true
                }
            }
            store(held)
            return true
        }
        switch wait ? queue.wait(take) : queue.wait(timeoutMilliseconds: 0, take) {
        case .tell(let decided): tell(decided)
        case .store(let taken):
            store(Held(submissions: taken, started: clock.monotonicNanoseconds(), due: 0, delay: 50))
        case .end, nil: return false
        }
        return true
    }

    /// Stores a batch, or keeps it for a later try while the database doesn't take it. Once the database is known to be away,
    /// senders are told at once.
    private func store(_ batch: Held) {
        attempt.held = nil
        let samples = batch.submissions.map(\.samples)
        let sampleCount = samples.reduce(0) { $0 + $1.count }
        let number = queue.withLock { queue -> Int in
            queue.batchCount += 1
            queue.unacknowledgedCount += sampleCount
            queue.unacknowledged.append(
                Unacknowledged(number: queue.batchCount, submissions: batch.submissions, sampleCount: sampleCount)
            )
            return queue.batchCount
        }
        let began = clock.monotonicNanoseconds()
        do {
            let result = try writer.store(samples, now: clock.wallSeconds(), waitsForSync: bus.isDurable) {
                [queue, counters] error in
                if error != nil { counters.add("htmengine_store_errors_total") }
                queue.update { queue in
                    queue.change(number) { $0.durability = error.map { .failure($0) } ?? .success(()) }
                }
            }
            if configuration.logsTimings {
                let microseconds = (clock.monotonicNanoseconds() - began) / 1000
                logger.info("storer", "stored \(result.storedSamples) samples of a batch in \(microseconds) µs")
            }
            if attempt.isUnavailable { logger.info("storer", "the database takes samples again") }
            attempt.isUnavailable = false
            counters.set("htmengine_storage_available", 1)
            // Hints first: who waits for the completion may look for scores right after.
            if !result.hints.isEmpty { bus.send(result.hints) }
            queue.update { queue in
                queue.inWork = 0
                queue.change(number) { $0.result = result }
            }
        } catch {
            let error = error as? EngineError ?? EngineError(.failed, "\(error)")
            counters.add("htmengine_store_errors_total")
            let now = clock.monotonicNanoseconds()
            let mayPass = error.code == .storageUnavailable
            let waited = Int64((now - batch.started) / 1_000_000_000)
            if mayPass {
                counters.set("htmengine_storage_available", 0)
                if !attempt.isUnavailable, waited < configuration.patience, !queue.withLock({ $0.isStopping }) {
                    logger.warning("storer", "trying again to store samples: \(error.message)")
                    attempt.held = Held(
                        submissions: batch.submissions,
                        started: batch.started,
                        due: now + batch.delay * 1_000_000,
                        delay: min(batch.delay * 2, 2000)
                    )
                    queue.withLock { queue in
                        queue.unacknowledged.removeLast()
                        queue.unacknowledgedCount -= sampleCount
                    }
                    return
                }
                attempt.isUnavailable = true
            }
            queue.update { queue in
                queue.inWork = 0
                queue.change(number) { $0.durability = .failure(error) }
            }
        }
    }

    private func tell(_ batches: [Unacknowledged]) {
        batches.forEach(tell)
        queue.update { $0.isTelling = false }
    }

    /// Tells the senders of a batch what became of it.
    private func tell(_ batch: Unacknowledged) {
        let result: StoreResult
        if case .failure(let error) = batch.durability {
            if error.code == .storageUnavailable { counters.set("htmengine_storage_available", 0) }
            logger.error("storer", "samples can't be stored, their senders are told: \(error.message)")
            result = StoreResult(failing: batch.submissions.map(\.samples), with: error)
        } else {
            result = batch.result!
        }
        var changes: [String: Int64] = [
            "htmengine_samples_stored_total": Int64(result.storedSamples),
            "htmengine_metrics_created_total": Int64(result.createdMetrics),
            "htmengine_store_transactions_total": 1,
        ]
        for refusals in result.refusals {
            for refusal in refusals {
                changes["htmengine_samples_refused_total{reason=\"\(refusal.reason.rawValue)\"}", default: 0] += 1
            }
        }
        counters.add(changes)
        for (index, submission) in batch.submissions.enumerated() {
            submission.completion(
                StoreOutcome(refusals: result.refusals[index], error: result.errors[index])
            )
        }
    }
}
