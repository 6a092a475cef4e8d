// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Synchronization

/// A durable queue of an application's own on the results exchange: what comes while nobody reads waits at the broker.
///
/// A message is acknowledged when the next one is asked for, so that a reader that dies while it handles one gets it again. A lost
/// connection is made again, without end.
package final class DurableResultQueue: MessageSubscription {
    private struct Reader: @unchecked Sendable {
        // Sendable because it is only touched with the mutex held.
        var connection: AMQPConnection?
        var unacknowledged: AMQPDelivery?
        var isEnded = false
    }

    private static let channel: UInt16 = 2
    private static let reconnectMilliseconds = 1000
    private let configuration: RabbitMQConfiguration
    private let queue: String
    private let logger: any Logger
    private let reader = Mutex(Reader())
    private let ended = Monitor(false)

    /// - Parameter queue: Declared durable and bound to the results exchange when it is first read.
    package init(configuration: RabbitMQConfiguration, queue: String, logger: any Logger) {
        self.configuration = configuration
        self.queue = queue
        self.logger = logger
    }

    deinit { cancel() }

    /// At most one message; an unreadable one is logged, acknowledged and passed over.
    package func next(timeoutMilliseconds: Int) -> [EngineMessage]? {
        if ended.withLock({ $0 }) { return nil }
        do {
            return try reader.withLock { reader in
                let connection = try reader.connection ?? connect()
                reader.connection = connection
                if let done = reader.unacknowledged {
                    try connection.acknowledge(done)
                    reader.unacknowledged = nil
                }
                guard let delivery = try connection.receive(timeoutMilliseconds: timeoutMilliseconds) else { return [] }
                reader.unacknowledged = delivery
                do {
                    return [try ResultsCoding.decode(delivery.body, dataType: delivery.dataType)]
                } catch {
                    logger.warning("amqp", "a message in queue \(queue) is passed over: \(error)")
                    return []
                }
            }
        } catch {
            logger.warning("amqp", "queue \(queue) of RabbitMQ at \(configuration.place): \(error)")
            reader.withLock { reader in
                reader.connection = nil
                reader.unacknowledged = nil
            }
            _ = ended.wait(timeoutMilliseconds: Self.reconnectMilliseconds) { $0 ? true : nil }
            return []
        }
    }

    private func connect() throws -> AMQPConnection {
        let connection = try AMQPConnection(configuration, name: "htmengine results \(queue)")
        try connection.declareFanout(configuration.resultsExchange)
        _ = try connection.declareQueue(queue, durable: true, exclusive: false)
        try connection.bind(queue: queue, exchange: configuration.resultsExchange)
        try connection.consume(queue, channel: Self.channel, exclusive: false, prefetch: 1)
        return connection
    }

    /// The broker keeps everything.
    package var dropped: Int64 { 0 }

    package func cancel() { ended.update { $0 = true } }
}
