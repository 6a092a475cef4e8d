// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Stores samples of many senders: groups them by metric, refuses what can't be kept, commits many metrics in one transaction,
/// and hints the runner.
///
/// One thread takes whatever has gathered since the last commit, so transactions grow with the load and nothing waits for
/// company. A sample is acknowledged when its row is durable, and never before.
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

    /// Sendable because one thread at a time stores.
    private final class Attempt: @unchecked Sendable {
        var held: Held?
        /// Whether the last batch failed because the database was away.
        var isUnavailable = false
    }

    private struct Queue {
        var submissions: [Submission] = []
        var sampleCount = 0
        /// Taken but not yet committed.
        var inWork = 0
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
        queue.wait { $0.submissions.isEmpty && $0.inWork == 0 ? true : nil }
    }

    /// Samples waiting to be stored.
    package var waitingSamples: Int { queue.withLock { $0.sampleCount } }

    /// Stores one transaction's worth of what was submitted.
    ///
    /// - Parameter wait: Wait for a submission when there is none.
    /// - Returns: False when there was nothing to do: stopping, or not waiting.
    @discardableResult
    package func storeNext(wait: Bool) -> Bool {
        let limit = configuration.transactionLimit
        func take(_ queue: inout Queue) -> [Submission]? {
            guard !queue.submissions.isEmpty else { return queue.isStopping ? [] : nil }
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
            return taken
        }
        if let held = attempt.held {
            let now = clock.monotonicNanoseconds()
            if now < held.due {
                guard wait || queue.withLock({ $0.isStopping }) else { return false }
                let milliseconds = Int((held.due - now) / 1_000_000) + 1
                queue.wait(timeoutMilliseconds: milliseconds) { $0.isStopping ? true : nil }
            }
            store(held)
            return true
        }
        let taken = wait ? queue.wait(take) : queue.wait(timeoutMilliseconds: 0, take)
        guard let taken, !taken.isEmpty else { return false }
        store(Held(submissions: taken, started: clock.monotonicNanoseconds(), due: 0, delay: 50))
        return true
    }

    /// Stores a batch, or keeps it for a later try while the database doesn't take it. Once the database is known to be away,
    /// senders are told at once.
    private func store(_ batch: Held) {
        attempt.held = nil
        let samples = batch.submissions.map(\.samples)
        let result: StoreResult
        let began = clock.monotonicNanoseconds()
        do {
            result = try writer.store(samples, now: clock.wallSeconds())
            if configuration.logsTimings {
                let microseconds = (clock.monotonicNanoseconds() - began) / 1000
                logger.info("storer", "stored \(result.storedSamples) samples of a batch in \(microseconds) µs")
            }
            if attempt.isUnavailable { logger.info("storer", "the database takes samples again") }
            attempt.isUnavailable = false
            counters.set("htmengine_storage_available", 1)
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
                    return
                }
                attempt.isUnavailable = true
            }
            logger.error("storer", "samples can't be stored, their senders are told: \(error.message)")
            result = StoreResult(failing: samples, with: error)
        }
        tell(batch.submissions, result)
        queue.update { $0.inWork = 0 }
    }

    private func tell(_ submissions: [Submission], _ result: StoreResult) {
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
        // Hints first: who waits for the completion may look for scores right after.
        if !result.hints.isEmpty { bus.send(result.hints) }
        for (index, submission) in submissions.enumerated() {
            submission.completion(
                StoreOutcome(refusals: result.refusals[index], error: result.errors[index])
            )
        }
    }
}
