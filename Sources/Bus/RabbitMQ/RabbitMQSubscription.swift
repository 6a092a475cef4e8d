// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Results of all engines on this exchange, for one reader in this process: a queue that lives as long as the connection.
final class RabbitMQSubscription: MessageSubscription {
    private struct State {
        var messages: [EngineMessage] = []
        var dropped: Int64 = 0
        /// Queues of ours on the exchange, one after the other: each begins with what is published from then on.
        var queues: Int64 = 0
        var isEnded = false
    }

    private let capacity: Int
    private let state = Monitor(State())
    private let thread = Monitor<ServiceThread?>(nil)

    init(configuration: RabbitMQConfiguration, capacity: Int, logger: any Logger) {
        self.capacity = max(1, capacity)
        // The first connection is made here: who subscribes gets all that is published from now on. A broker that isn't up yet
        // is waited for.
        let first: AMQPConnection?
        do {
            first = try Self.connect(configuration)
        } catch {
            logger.warning("amqp", "results from RabbitMQ at \(configuration.place): \(error)")
            first = nil
        }
        if first != nil { state.withLock { $0.queues = 1 } }
        let connection = Monitor<AMQPConnection?>(first)
        let thread = ServiceThread(name: "amqp-subscribe") { [self] in
            var live = connection.withLock { held in
                defer { held = nil }
                return held
            }
            while !isEnded {
                do {
                    let current = try live ?? reconnect(configuration)
                    live = current
                    try read(current, logger)
                } catch {
                    live = nil
                    logger.warning("amqp", "results from RabbitMQ at \(configuration.place): \(error)")
                    _ = state.wait(timeoutMilliseconds: 1000) { $0.isEnded ? true : nil }
                }
            }
        }
        self.thread.withLock { $0 = thread }
    }

    private static func connect(_ configuration: RabbitMQConfiguration) throws -> AMQPConnection {
        let connection = try AMQPConnection(configuration, name: "htmengine subscription")
        try connection.declareFanout(configuration.resultsExchange)
        let queue = try connection.declareQueue("", durable: false, exclusive: true).name
        try connection.bind(queue: queue, exchange: configuration.resultsExchange)
        try connection.consume(queue, channel: 2, exclusive: true, acknowledges: false)
        return connection
    }

    private func reconnect(_ configuration: RabbitMQConfiguration) throws -> AMQPConnection {
        let connection = try Self.connect(configuration)
        state.withLock { $0.queues += 1 }
        return connection
    }

    private var isEnded: Bool { state.withLock { $0.isEnded } }

    private func read(_ connection: AMQPConnection, _ logger: any Logger) throws {
        while !isEnded {
            guard let delivery = try connection.receive(timeoutMilliseconds: 200) else { continue }
            do {
                deliver(try ResultsCoding.decode(delivery.body, dataType: delivery.dataType))
            } catch {
                logger.warning("amqp", "a message of the results exchange can't be read: \(error)")
            }
        }
    }

    private func deliver(_ message: EngineMessage) {
        state.update { state in
            guard !state.isEnded else { return }
            state.messages.append(message)
            if state.messages.count > capacity {
                state.messages.removeFirst()
                state.dropped += 1
            }
        }
    }

    func next(timeoutMilliseconds: Int) -> [EngineMessage]? {
        let taken = state.wait(timeoutMilliseconds: timeoutMilliseconds) { state -> [EngineMessage]?? in
            if !state.messages.isEmpty {
                defer { state.messages = [] }
                return .some(state.messages)
            }
            return state.isEnded ? .some(nil) : nil
        }
        return taken ?? []
    }

    var dropped: Int64 { state.withLock { $0.dropped } }

    var gaps: Int64 { state.withLock { $0.queues + $0.dropped } }

    func cancel() {
        state.update { $0.isEnded = true }
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }
}
