// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The storer's side of the custom-metric queue (spec engine.md 2.2, 3.1): takes messages in order, hands their lines on, and
/// acknowledges them when they are committed.
///
/// One consumer is active, others stand by: the broker refuses a second exclusive one, which asks again every second. A
/// message nobody can read goes to the dead-letter queue with the reason in a header, and harms no other.
package final class CustomMetricConsumer: Sendable {
    private struct State {
        var isClosed = false
        var isActive = false
        var messages: Int64 = 0
        var deadLetters: Int64 = 0
    }

    /// Header of a dead letter that says why it is one.
    package static let reasonHeader = "htmengine-reason"
    /// Messages handed on together, and delivered in advance.
    private static let batch = 200
    private static let channel: UInt16 = 2

    private let configuration: RabbitMQConfiguration
    private let logger: any Logger
    private let store: @Sendable ([String]) throws -> Void
    private let state = Monitor(State())
    private let thread = Monitor<ServiceThread?>(nil)

    /// Starts the thread.
    ///
    /// - Parameter store: Takes the Graphite lines of some messages, in order, and returns when all that can be stored is
    ///   committed. When it throws, the same lines come again later.
    package init(
        configuration: RabbitMQConfiguration,
        logger: any Logger,
        store: @escaping @Sendable ([String]) throws -> Void
    ) {
        self.configuration = configuration
        self.logger = logger
        self.store = store
        let thread = ServiceThread(name: "amqp-storer") { [self] in run() }
        self.thread.withLock { $0 = thread }
    }

    /// Whether this one consumes; else it stands by or has no connection.
    package var isActive: Bool { state.withLock { $0.isActive } }

    package func counters() -> [String: Int64] {
        state.withLock { state in
            [
                "htmengine_custom_metric_messages_total": state.messages,
                "htmengine_custom_metric_dead_letters_total": state.deadLetters,
            ]
        }
    }

    /// Finishes what it has taken and stops.
    package func close() {
        state.update { $0.isClosed = true }
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }

    private var isClosed: Bool { state.withLock { $0.isClosed } }

    private func pause(milliseconds: Int) {
        _ = state.wait(timeoutMilliseconds: milliseconds) { $0.isClosed ? true : nil }
    }

    private func run() {
        var wait = 100
        while !isClosed {
            do {
                try serve { wait = 100 }
            } catch {
                logger.warning("storer", "queue \(configuration.customMetricQueue) at \(configuration.place): \(error)")
            }
            state.withLock { $0.isActive = false }
            guard !isClosed else { return }
            pause(milliseconds: wait)
            wait = min(wait * 2, 2000)
        }
    }

    private func serve(connected: () -> Void) throws {
        let connection = try AMQPConnection(configuration, name: "htmengine storer")
        // Durable and without any argument, or the original's clients are refused.
        try connection.declareQueue(configuration.customMetricQueue)
        try connection.declareQueue(configuration.deadLetterQueue)
        try connection.selectConfirms()
        connected()
        guard try becomeActive(connection) else { return }
        logger.info("storer", "takes queue \(configuration.customMetricQueue)")
        while !isClosed {
            let batch = try nextBatch(connection)
            if !batch.isEmpty { try handle(batch, connection) }
            guard connection.cancelledChannels.isEmpty else { return }
        }
    }

    /// Waits until no other storer consumes.
    /// - Returns: False when closed meanwhile.
    private func becomeActive(_ connection: AMQPConnection) throws -> Bool {
        var saidSo = false
        while !isClosed {
            do {
                try connection.consume(
                    configuration.customMetricQueue,
                    channel: Self.channel,
                    exclusive: true,
                    prefetch: UInt16(2 * Self.batch)
                )
                state.withLock { $0.isActive = true }
                return true
            } catch let error as AMQPError where error.kind == .channel(code: 403) {
                if !saidSo {
                    logger.info("storer", "stands by: another takes queue \(configuration.customMetricQueue)")
                }
                saidSo = true
                pause(milliseconds: 1000)
                _ = try connection.receive(timeoutMilliseconds: 0)
            }
        }
        return false
    }

    /// What there is, at most `batch` messages; waits a little for the first.
    private func nextBatch(_ connection: AMQPConnection) throws -> [AMQPDelivery] {
        var batch: [AMQPDelivery] = []
        var next = try connection.receive(timeoutMilliseconds: 200)
        while let delivery = next {
            batch.append(delivery)
            next = batch.count < Self.batch ? try connection.receive(timeoutMilliseconds: 0) : nil
        }
        return batch
    }

    private func handle(_ batch: [AMQPDelivery], _ connection: AMQPConnection) throws {
        var lines: [String] = []
        for delivery in batch {
            do {
                lines += try Self.lines(delivery.body)
            } catch {
                try bury(delivery, reason: "\(error)", connection)
            }
        }
        try connection.waitForConfirms()
        // A database that is away holds everything up, the queue keeps it. Heartbeats need nothing but reading now and then.
        var wait = 100
        while !lines.isEmpty {
            do {
                try store(lines)
                break
            } catch {
                logger.warning("storer", "storing failed, trying again: \(error)")
                guard !isClosed else { throw error }
                pause(milliseconds: wait)
                wait = min(wait * 2, 2000)
                try connection.serveHeartbeats()
            }
        }
        try connection.acknowledge(batch[batch.count - 1], multiple: true)
        state.withLock { $0.messages += Int64(batch.count) }
    }

    private func bury(_ delivery: AMQPDelivery, reason: String, _ connection: AMQPConnection) throws {
        logger.warning("storer", "message to \(configuration.deadLetterQueue): \(reason)")
        var message = AMQPMessage(body: delivery.body)
        message.routingKey = configuration.deadLetterQueue
        message.headers = [(Self.reasonHeader, reason)]
        message.isMandatory = true
        try connection.publish(message)
        state.withLock { $0.deadLetters += 1 }
    }

    /// The lines of a message `{"protocol": "plain", "data": ["name value time", …]}`.
    ///
    /// - Throws: `EngineError` with code `invalidArgument` saying what is wrong with it.
    package static func lines(_ body: [UInt8]) throws -> [String] {
        let json: JSONValue
        do {
            json = try JSONValue.parse(body)
        } catch {
            throw EngineError(.invalidArgument, "the message is not JSON")
        }
        guard json.objectValue != nil else {
            throw EngineError(.invalidArgument, "the message is \(json.kind), expected an object")
        }
        guard json["protocol"]?.stringValue == "plain" else {
            throw EngineError(.invalidArgument, "\"protocol\" is not \"plain\"")
        }
        guard let items = json["data"]?.arrayValue else {
            throw EngineError(.invalidArgument, "\"data\" is not an array")
        }
        return try items.map { item in
            guard let line = item.stringValue else {
                throw EngineError(.invalidArgument, "\"data\" has \(item.kind), expected strings only")
            }
            return line
        }
    }
}
