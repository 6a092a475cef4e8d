// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Keeps programs content that use the original's Python library to monitor metrics (spec engine.md 2.3, 2.5, 7.6).
///
/// They set `metric.status` in SQL, put commands and rows into a queue per model, and notify the scheduler. We take all of that from
/// SQL; what is left for us here is that their publishes succeed and that nothing piles up: the notification queue is
/// declared and drained, and a model's queue deleted once its client has had time to fill it.
package final class OriginalClients: Sendable {
    private struct State {
        var isClosed = false
        var notifications: Int64 = 0
        var deletedQueues: Int64 = 0
    }

    /// How long after the last notification a model's queue is deleted: a client that sends rows in many batches finds it
    /// until then.
    private static let graceNanoseconds: UInt64 = 2_000_000_000
    private static let channel: UInt16 = 2

    private let configuration: RabbitMQConfiguration
    private let logger: any Logger
    private let notified: @Sendable ([String]) -> Void
    private let state = Monitor(State())
    private let thread = Monitor<ServiceThread?>(nil)

    /// Starts the thread.
    ///
    /// - Parameter notified: Gets the uids of models that clients have notified us of; must return quickly.
    package init(
        configuration: RabbitMQConfiguration,
        logger: any Logger,
        notified: @escaping @Sendable ([String]) -> Void
    ) {
        self.configuration = configuration
        self.logger = logger
        self.notified = notified
        let thread = ServiceThread(name: "amqp-original") { [self] in run() }
        self.thread.withLock { $0 = thread }
    }

    package func counters() -> [String: Int64] {
        state.withLock { state in
            [
                "htmengine_original_notifications_total": state.notifications,
                "htmengine_original_model_queues_deleted_total": state.deletedQueues,
            ]
        }
    }

    package func close() {
        state.update { $0.isClosed = true }
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }

    private var isClosed: Bool { state.withLock { $0.isClosed } }

    private func run() {
        var wait = 100
        while !isClosed {
            do {
                try serve { wait = 100 }
            } catch {
                logger.warning("original", "queue \(configuration.notificationQueue): \(error)")
            }
            _ = state.wait(timeoutMilliseconds: wait) { $0.isClosed ? true : nil }
            wait = min(wait * 2, 2000)
        }
    }

    private func serve(connected: () -> Void) throws {
        let connection = try AMQPConnection(configuration, name: "htmengine notifications")
        // As the original's scheduler declares it: not durable.
        try connection.declareQueue(configuration.notificationQueue, durable: false)
        try connection.consume(
            configuration.notificationQueue,
            channel: Self.channel,
            exclusive: false,
            acknowledges: false
        )
        connected()
        let clock = SystemClock()
        var due: [String: UInt64] = [:]
        while !isClosed {
            var delivery = try connection.receive(timeoutMilliseconds: 200)
            var uids: [String] = []
            while let one = delivery, uids.count < 1000 {
                if let uid = try? JSONValue.parse(one.body).stringValue, Self.isUID(uid) { uids.append(uid) }
                delivery = try connection.receive(timeoutMilliseconds: 0)
            }
            let now = clock.monotonicNanoseconds()
            for uid in uids { due[uid] = now + Self.graceNanoseconds }
            if !uids.isEmpty {
                state.withLock { $0.notifications += Int64(uids.count) }
                notified(uids)
            }
            for (uid, time) in due where time <= now {
                try connection.deleteQueue(configuration.modelInputQueuePrefix + uid)
                due[uid] = nil
                state.withLock { $0.deletedQueues += 1 }
            }
            guard connection.cancelledChannels.isEmpty else { return }
        }
    }

    /// Deletes the queues that clients or the original itself have left behind for these models.
    package func deleteLeftovers(uids: [String]) throws {
        let connection = try AMQPConnection(configuration, name: "htmengine leftovers")
        for uid in uids where Self.isUID(uid) {
            try connection.deleteQueue(configuration.modelInputQueuePrefix + uid)
        }
    }

    /// A model's id, and so never the number of a partition.
    private static func isUID(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
