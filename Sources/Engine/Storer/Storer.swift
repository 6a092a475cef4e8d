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
        package var queueLimit = 100_000
        /// Most samples in one transaction. 1…1,000,000.
        package var transactionLimit = 20_000
        /// How far a sample may be ahead of our clock. Unit: seconds.
        package var longestLead: Int64 = 86_400
        /// Most metrics in the database; a sample of another name is refused. Above 0.
        package var maximumMetrics = 1_000_000
        /// Names (`*` any run, `?` one character) of new metrics that are monitored by themselves.
        package var autoMonitor: [String] = []
        /// Rows after which a metric waiting for data is worth a look by the runner.
        package var firstRows: Int64 = 288
        /// How long a batch is tried again when the database doesn't take it, before its senders are told. Unit: seconds.
        package var patience: Int64 = 10
        /// Names whose uids are remembered.
        package var knownNamesLimit = 200_000

        package init() {}
    }

    private struct Submission {
        let samples: [IncomingSample]
        let completion: @Sendable (StoreOutcome) -> Void
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
        let taken = wait ? queue.wait(take) : queue.wait(timeoutMilliseconds: 0, take)
        guard let taken, !taken.isEmpty else { return false }
        store(taken)
        queue.update { $0.inWork = 0 }
        return true
    }

    private func store(_ submissions: [Submission]) {
        let result = storeWithPatience(submissions.map(\.samples))
        var refused: [String: Int64] = [:]
        for refusals in result.refusals {
            for refusal in refusals {
                refused["htmengine_samples_refused_total{reason=\"\(refusal.reason.rawValue)\"}", default: 0] += 1
            }
        }
        refused["htmengine_samples_stored_total"] = Int64(result.storedSamples)
        refused["htmengine_metrics_created_total"] = Int64(result.createdMetrics)
        refused["htmengine_store_transactions_total"] = 1
        counters.add(refused)
        // Hints first: who waits for the completion may look for scores right after.
        if !result.hints.isEmpty { bus.send(result.hints) }
        for (index, submission) in submissions.enumerated() {
            submission.completion(
                StoreOutcome(refusals: result.refusals[index], error: result.errors[index])
            )
        }
    }

    /// Tries again while the database doesn't take the batch, but once it is known to be away, tells the senders at once.
    private func storeWithPatience(_ submissions: [[IncomingSample]]) -> StoreResult {
        let started = clock.monotonicNanoseconds()
        var delay = 50
        while true {
            do {
                let result = try writer.store(submissions, now: clock.wallSeconds())
                if writer.isUnavailable {
                    writer.isUnavailable = false
                    logger.info("storer", "the database takes samples again")
                }
                counters.set("htmengine_storage_available", 1)
                return result
            } catch {
                let error = error as? EngineError ?? EngineError(.failed, "\(error)")
                counters.add("htmengine_store_errors_total")
                counters.set("htmengine_storage_available", 0)
                let waited = Int64((clock.monotonicNanoseconds() - started) / 1_000_000_000)
                let mayPass = error.code == .storageUnavailable
                if !mayPass || writer.isUnavailable || waited >= configuration.patience
                    || queue.withLock({ $0.isStopping })
                {
                    if mayPass { writer.isUnavailable = true }
                    logger.error("storer", "samples can't be stored, their senders are told: \(error.message)")
                    return StoreResult(failing: submissions, with: error)
                }
                logger.warning("storer", "trying again to store samples: \(error.message)")
                queue.wait(timeoutMilliseconds: delay) { $0.isStopping ? true : nil }
                delay = min(delay * 2, 2000)
            }
        }
    }
}
