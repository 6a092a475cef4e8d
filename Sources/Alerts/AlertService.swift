// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// Watches the results, decides who is told what, and hands it to the sinks.
///
/// One thread follows the published results and writes what begins and ends into the database, together with the messages to send: after any
/// crash it goes on at the row it had reached, so nothing is told twice or never. Each sink has a thread of its own that sends what is due
/// and tries again with growing pauses. Scoring never waits for any of them: the results come through a bounded subscription, and rows
/// missed there are read from the table.
package final class AlertService: Sendable {
    package struct Configuration: Sendable {
        package var rules = AlertRules([])
        /// Events that began longer ago are kept but not told: rows taken in from a file. Unit: seconds.
        package var longestDelay: Int64 = 86_400
        /// Tries of one message before it is given up.
        package var attempts: Int64 = 20
        /// Pause after the first failure; it doubles up to `longestPause`. Unit: seconds.
        package var firstPause: Int64 = 2
        package var longestPause: Int64 = 900
        /// How often silence is looked for and pending deliveries are. Unit: milliseconds.
        package var pollMilliseconds = 1000
        /// Closed events are removed after so long. Unit: seconds.
        package var keptFor: Int64 = 30 * 86_400

        package init() {}
    }

    private struct Run {
        var subscription: (any MessageSubscription)?
        var threads: [ServiceThread] = []
        var isStopping = false
        /// Rises when something may be due.
        var bell = 0
    }

    private let configuration: Configuration
    private let sinks: [any AlertSink]
    private let store: any AlertStore
    private let bus: any MessageBus
    private let observer: AlertObserver
    private let clock: any EngineClock
    private let logger: any Logger
    private let run = Monitor(Run())

    package init(
        configuration: Configuration,
        sinks: [any AlertSink],
        store: any AlertStore,
        repository: any MetricRepository,
        bus: any MessageBus,
        clock: any EngineClock = SystemClock(),
        logger: any Logger
    ) {
        self.configuration = configuration
        self.sinks = sinks
        self.store = store
        self.bus = bus
        self.clock = clock
        self.logger = logger
        observer = AlertObserver(
            configuration: configuration,
            sinks: sinks.map(\.name),
            store: store,
            repository: repository,
            clock: clock,
            logger: logger
        )
    }

    /// Reads what is remembered and starts the threads.
    package func start() throws {
        try observer.load()
        let subscription = try bus.subscribe(capacity: 100_000)
        run.update { run in
            run.subscription = subscription
            run.threads.append(ServiceThread(name: "alerts") { [self] in observe(subscription) })
            for sink in sinks {
                run.threads.append(ServiceThread(name: "alert-\(sink.name)") { [self] in deliver(to: sink) })
            }
        }
    }

    /// Takes what was published so far, stores it, and stops; messages not yet sent stay in the database.
    package func stop() {
        let (subscription, threads) = run.update { run in
            run.isStopping = true
            defer { run.threads = [] }
            return (run.subscription, run.threads)
        }
        subscription?.cancel()
        for thread in threads { thread.join() }
    }

    /// Numbers by names fit for Prometheus.
    package func counters() -> [String: Int64] {
        guard let counts = try? store.alertDeliveryCounts() else { return [:] }
        return [
            "htmengine_alert_deliveries_pending": counts.pending,
            "htmengine_alert_deliveries_done": counts.delivered,
            "htmengine_alert_deliveries_failed": counts.failed,
        ]
    }

    // MARK: Threads

    private func observe(_ subscription: any MessageSubscription) {
        while let messages = subscription.next(timeoutMilliseconds: configuration.pollMilliseconds) {
            if observer.take(messages) { run.update { $0.bell += 1 } }
        }
        observer.finish()
    }

    private func deliver(to sink: any AlertSink) {
        var heard = 0
        while true {
            let isStopping = run.wait(timeoutMilliseconds: configuration.pollMilliseconds) { run -> Bool? in
                guard run.isStopping || run.bell != heard else { return nil }
                heard = run.bell
                return run.isStopping
            }
            if isStopping == true { return }
            deliverDue(to: sink)
        }
    }

    private func deliverDue(to sink: any AlertSink) {
        while !run.withLock({ $0.isStopping }) {
            let now = clock.wallSeconds()
            let due: [AlertDelivery]
            do {
                due = try store.takeDueDeliveries(sink: sink.name, now: now, lentUntil: now + 300, limit: 10)
            } catch {
                return logger.warning("alerts", "what is due can't be read: \(error)")
            }
            if due.isEmpty { return }
            for delivery in due {
                // What is lent and not sent is given back by time.
                if run.withLock({ $0.isStopping }) { return }
                deliver(delivery, to: sink)
            }
        }
    }

    private func deliver(_ delivery: AlertDelivery, to sink: any AlertSink) {
        do {
            do {
                try sink.deliver(delivery)
            } catch {
                return try noteFailure(delivery, "\(error)")
            }
            try store.noteDelivered(delivery)
        } catch {
            logger.warning("alerts", "the outcome of \(delivery.event.id) can't be stored: \(error)")
        }
    }

    private func noteFailure(_ delivery: AlertDelivery, _ reason: String) throws {
        let attempts = delivery.attempts + 1
        let pause = min(configuration.firstPause << min(attempts - 1, 20), configuration.longestPause)
        let isLast = attempts >= configuration.attempts
        let now = clock.wallSeconds()
        try store.noteFailed(delivery, reason: reason, retryAt: isLast ? nil : now + pause)
        let outlook = isLast ? "given up" : "again in \(pause) s"
        logger.warning("alerts", "\(delivery.sink), try \(attempts): \(reason); \(outlook)")
    }
}
