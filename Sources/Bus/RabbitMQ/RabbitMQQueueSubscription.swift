// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// A durable queue of an application's own on the results exchange, as the original's consumer keeps one: what comes while
/// nobody reads waits there. Each message is acknowledged when the next one is asked for.
package final class RabbitMQQueueSubscription: MessageSubscription {
    private struct Connection {
        var live: AMQPConnection?
        var unacknowledged: AMQPDelivery?
        var isEnded = false
    }

    private static let channel: UInt16 = 2
    private let configuration: RabbitMQConfiguration
    private let queue: String
    private let logger: any Logger
    // Only ever used by the one thread that holds the lock.
    private let connection = Monitor(Connection())

    /// Declares exchange and queue and binds them.
    ///
    /// - Throws: `AMQPError` when the broker can't be reached.
    init(configuration: RabbitMQConfiguration, queue: String, logger: any Logger) throws {
        self.configuration = configuration
        self.queue = queue
        self.logger = logger
        let first = try connect()
        connection.withLock { $0.live = first }
    }

    private func connect() throws -> AMQPConnection {
        let connection = try AMQPConnection(configuration, name: "htmengine consumer \(queue)")
        try connection.declareFanout(configuration.resultsExchange)
        try connection.declareQueue(queue)
        try connection.bind(queue: queue, exchange: configuration.resultsExchange)
        try connection.consume(queue, channel: Self.channel, exclusive: false, prefetch: 1)
        return connection
    }

    package func next(timeoutMilliseconds: Int) -> [EngineMessage]? {
        connection.withLock { state in
            guard !state.isEnded else { return nil }
            do {
                let live = try state.live ?? connect()
                state.live = live
                if let done = state.unacknowledged {
                    state.unacknowledged = nil
                    try live.acknowledge(done)
                }
                guard let delivery = try live.receive(timeoutMilliseconds: timeoutMilliseconds) else {
                    if !live.cancelledChannels.isEmpty { state.live = nil }
                    return []
                }
                state.unacknowledged = delivery
                return [try ResultsCoding.decode(delivery.body, dataType: delivery.dataType)]
            } catch let error as AMQPError {
                // The message comes again over the next connection.
                logger.warning("amqp", "queue \(queue) at RabbitMQ \(configuration.place): \(error)")
                state.live = nil
                state.unacknowledged = nil
                return []
            } catch {
                logger.warning("amqp", "a message of queue \(queue) can't be read: \(error)")
                return []
            }
        }
    }

    /// Nothing is dropped: the broker keeps it.
    package var dropped: Int64 { 0 }
    package var gaps: Int64 { 0 }

    package func cancel() {
        connection.withLock { state in
            if let live = state.live, let done = state.unacknowledged { try? live.acknowledge(done) }
            state = Connection(live: nil, unacknowledged: nil, isEnded: true)
        }
    }
}
