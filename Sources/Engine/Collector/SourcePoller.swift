// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Asks one source on its schedule, keeps the answers, and hands them to the engine until it has acknowledged them.
///
/// Not thread-safe: one thread calls ``step(now:)``, again and again.
package final class SourcePoller {
    /// Where samples go and who is told of a source that fails.
    package struct Outlet: Sendable {
        /// Stores samples; returns once they are safe, with those refused.
        package var send: @Sendable ([IncomingSample]) throws -> [(index: Int, reason: SampleRefusal)]
        /// Marks metrics as in error, with a message; nil takes the mark off.
        package var report: @Sendable (_ metrics: [String], _ message: String?) throws -> Void

        package init(
            send: @escaping @Sendable ([IncomingSample]) throws -> [(index: Int, reason: SampleRefusal)],
            report: @escaping @Sendable (_ metrics: [String], _ message: String?) throws -> Void
        ) {
            self.send = send
            self.report = report
        }
    }

    /// Samples handed to the engine at once.
    private static let chunk = 5000
    /// Answers that may wait for an engine that is away; the source isn't asked any more then. It keeps its samples, as we would.
    package static let mostPending = 1000
    /// Longest wait before delivery is tried again. Unit: seconds.
    private static let longestRetry: Int64 = 30

    private let source: any PolledSource
    private let interval: Int64
    private let gracePeriod: Int64
    private let outlet: Outlet
    private let logger: any Logger
    private let counters: EngineCounters
    private let shouldStop: @Sendable () -> Bool
    package private(set) var buffer: SampleBuffer
    private var nextPoll: Int64
    private var nextDelivery: Int64 = 0
    private var deliveryPause: Int64 = 1
    private var failingSince: Int64?
    private var failure = ""
    /// Whether the metrics bear the mark; nil when that isn't known, as after a start.
    private var isMarked: Bool?

    package init(
        _ source: any PolledSource,
        buffer: SampleBuffer,
        interval: Int64,
        gracePeriod: Int64,
        outlet: Outlet,
        logger: any Logger,
        counters: EngineCounters,
        now: Int64,
        shouldStop: @escaping @Sendable () -> Bool
    ) {
        self.source = source
        self.buffer = buffer
        self.interval = source.interval ?? interval
        self.gracePeriod = gracePeriod
        self.outlet = outlet
        self.logger = logger
        self.counters = counters
        self.shouldStop = shouldStop
        nextPoll = now
    }

    /// Does what is due.
    /// - Parameter now: Unix seconds.
    /// - Returns: When there is something to do again; at most one interval away.
    package func step(now: Int64) -> Int64 {
        // The clock went back: the schedule goes with it.
        nextPoll = min(nextPoll, now + interval)
        nextDelivery = min(nextDelivery, now + Self.longestRetry)
        deliver(now)
        while now >= nextPoll, buffer.pending.count < Self.mostPending, !shouldStop() {
            poll(now)
            deliver(now)
        }
        if buffer.pending.count >= Self.mostPending { nextPoll = max(nextPoll, now + 1) }
        return buffer.pending.isEmpty ? nextPoll : min(nextPoll, nextDelivery)
    }

    private func poll(_ now: Int64) {
        let start = buffer.position ?? now - source.backfill
        let end = min(now, start + source.longestWindow)
        do {
            let samples = end > start ? try source.samples(from: start, to: end, shouldStop: shouldStop) : []
            if end > start || buffer.position == nil {
                try buffer.add(samples, SampleBuffer.Batch(start: start, end: end))
            }
            counters.add("htmengine_collector_samples_total", Int64(samples.count))
            succeed()
        } catch {
            if shouldStop() { return nextPoll = now + 1 }
            fail("\(error)", now)
            return nextPoll = now + max(1, interval / 2)
        }
        // Still behind: at once again. Else on the beat, whatever the answer took.
        guard end >= now else { return }
        nextPoll += interval
        if nextPoll <= now { nextPoll = now + interval }
    }

    private func succeed() {
        if failingSince != nil { logger.info("collector", "source \(source.name) answers again") }
        failingSince = nil
        failure = ""
        guard isMarked != false else { return }
        isMarked = report(nil) ? false : nil
    }

    private func fail(_ message: String, _ now: Int64) {
        counters.add("htmengine_collector_failures_total")
        if message != failure { logger.warning("collector", "source \(source.name) fails: \(message)") }
        failure = message
        let since = failingSince ?? now
        failingSince = since
        guard isMarked != true, now - since >= gracePeriod else { return }
        let text = "source \(source.name) has failed since \(Timestamps.sqlText(since)) UTC: \(message)"
        if report(text) {
            isMarked = true
            let count = buffer.names.count
            let marked =
                switch count {
                case 0: "it has no metrics yet"
                case 1: "its metric is marked as in error"
                default: "its \(count) metrics are marked as in error"
                }
            logger.error("collector", "\(text); \(marked)")
        }
    }

    private func report(_ message: String?) -> Bool {
        let names = buffer.names.sorted()
        guard !names.isEmpty else { return true }
        do {
            try outlet.report(names, message)
            return true
        } catch {
            logger.warning("collector", "the state of source \(source.name) can't be noted now: \(error)")
            return false
        }
    }

    private func deliver(_ now: Int64) {
        guard now >= nextDelivery else { return }
        while let batch = buffer.pending.first, !shouldStop() {
            do {
                guard let samples = try buffer.samples(of: batch) else {
                    logger.error("collector", "the buffer of source \(source.name) is damaged: it is asked again")
                    try buffer.askAgainFromFirst()
                    nextPoll = now
                    return
                }
                try send(samples)
                try buffer.removeFirst(delivered: samples.lazy.map(\.name))
            } catch {
                if deliveryPause == 1 {
                    logger.warning("collector", "samples of source \(source.name) wait for the engine: \(error)")
                }
                nextDelivery = now + deliveryPause
                deliveryPause = min(Self.longestRetry, deliveryPause * 2)
                return
            }
            if deliveryPause > 1 { logger.info("collector", "samples of source \(source.name) are taken again") }
            deliveryPause = 1
        }
    }

    private func send(_ samples: [IncomingSample]) throws {
        var refusals: [SampleRefusal: Int] = [:]
        var start = 0
        while start < samples.count {
            let end = min(start + Self.chunk, samples.count)
            for refusal in try outlet.send(Array(samples[start..<end])) { refusals[refusal.reason, default: 0] += 1 }
            start = end
        }
        // What was sent before an outage comes back as old: that is how it should be.
        for (reason, count) in refusals where reason != .duplicate && reason != .olderThanLast {
            logger.warning("collector", "\(count) samples of source \(source.name) are refused: \(reason.reason)")
        }
    }
}
