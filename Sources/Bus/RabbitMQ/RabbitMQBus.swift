// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The bus of the production form: partition queues and the original's results exchange on RabbitMQ.
package final class RabbitMQBus: MessageBus {
    private struct State {
        var consumers: [PartitionConsumer] = []
        var subscriptions: [RabbitMQSubscription] = []
        var moreCounters: [@Sendable () -> [String: Int64]] = []
        var ownershipObserver: (@Sendable (Set<Int>) -> Void)?
        var isClosed = false
    }

    package let configuration: RabbitMQConfiguration
    package let partitionCount: Int
    private let logger: any Logger
    private let publisher: AMQPPublisher
    private let state = Monitor(State())

    /// Connects nothing yet: the broker may come later than we.
    ///
    /// - Parameter partitionCount: 1…1024, the same for all processes of an installation.
    package init(configuration: RabbitMQConfiguration, partitionCount: Int, logger: any Logger) {
        precondition((1...1024).contains(partitionCount), "the number of partitions is between 1 and 1024")
        self.configuration = configuration
        self.partitionCount = partitionCount
        self.logger = logger
        publisher = AMQPPublisher(configuration: configuration, partitionCount: partitionCount, logger: logger)
    }

    package var isDurable: Bool { true }

    package func send(_ hints: [ModelHint]) { publisher.send(hints) }

    package func publish(_ messages: [EngineMessage]) throws {
        try publisher.publish(messages.map { ResultsCoding.encode($0, exchange: configuration.resultsExchange) })
    }

    package func join(_ worker: any PartitionWorker) throws {
        let consumer = PartitionConsumer(
            worker: worker,
            configuration: configuration,
            partitionCount: partitionCount,
            logger: logger
        ) { [weak self] in self?.tellOwnership() }
        let accepted = state.withLock { state in
            if !state.isClosed { state.consumers.append(consumer) }
            return !state.isClosed
        }
        guard !accepted else { return }
        consumer.close()
        throw EngineError(.stopping, "the bus is closed")
    }

    /// Tells `observer` which partitions this process has, now and after every change; nil ends that. It must return quickly.
    package func observeOwnership(_ observer: (@Sendable (Set<Int>) -> Void)?) {
        state.withLock { $0.ownershipObserver = observer }
        tellOwnership()
    }

    private func tellOwnership() {
        let (consumers, observer) = state.withLock { ($0.consumers, $0.ownershipObserver) }
        observer?(consumers.reduce(into: []) { $0.formUnion($1.owned) })
    }

    package func leave(_ worker: any PartitionWorker) {
        let leaving = state.withLock { state in
            let found = state.consumers.filter { $0.worker === worker }
            state.consumers.removeAll { $0.worker === worker }
            return found
        }
        for consumer in leaving { consumer.close() }
    }

    package func subscribe(capacity: Int) throws -> any MessageSubscription {
        let subscription = RabbitMQSubscription(configuration: configuration, capacity: capacity, logger: logger)
        state.withLock { $0.subscriptions.append(subscription) }
        return subscription
    }

    /// Follows the results exchange through a durable queue of one's own, from where it was left.
    ///
    /// - Throws: `EngineError` with code `busUnavailable`.
    package func openQueue(_ name: String) throws -> any MessageSubscription {
        do {
            return try RabbitMQQueueSubscription(configuration: configuration, queue: name, logger: logger)
        } catch let error as AMQPError {
            throw error.engineError(configuration)
        }
    }

    /// Publishes to the custom-metric queue, as the original's senders do; blocks until the broker has taken it over.
    ///
    /// - Parameter lines: Graphite lines, `name value time`.
    package func sendLines(_ lines: [String]) throws {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("protocol", "plain")
        writer.key("data")
        writer.beginArray()
        for line in lines { writer.value(line) }
        writer.endArray()
        writer.endObject()
        var message = AMQPMessage(body: writer.takeBytes())
        message.routingKey = configuration.customMetricQueue
        message.isMandatory = true
        try publisher.publish([message])
    }

    /// Adds the numbers of another client of the broker to `counters()`.
    package func addCounters(_ counters: @escaping @Sendable () -> [String: Int64]) {
        state.withLock { $0.moreCounters.append(counters) }
    }

    package func counters() -> [String: Int64] {
        var numbers = publisher.counters()
        for more in state.withLock({ $0.moreCounters }) { numbers.merge(more()) { $0 + $1 } }
        let (consumers, subscriptions) = state.withLock { ($0.consumers, $0.subscriptions) }
        numbers["htmengine_bus_partitions_owned"] = consumers.reduce(0) { $0 + Int64($1.owned.count) }
        numbers["htmengine_bus_hints_received_total"] = consumers.reduce(0) { $0 + $1.hintsReceived }
        numbers["htmengine_bus_messages_dropped_total"] = subscriptions.reduce(0) { $0 + $1.dropped }
        return numbers
    }

    /// What waits in our queues on the broker, by queue name: ready messages and consumers.
    ///
    /// Queues that don't exist are left out.
    package func queueDepths() throws -> [(queue: String, messages: Int, consumers: Int)] {
        do {
            let connection = try AMQPConnection(configuration, name: "htmengine status")
            let names =
                [
                    configuration.customMetricQueue, configuration.deadLetterQueue, configuration.notificationQueue,
                    configuration.runnersQueue,
                ] + (0..<partitionCount).map(configuration.partitionQueue)
            return try names.compactMap { name in
                try connection.inspectQueue(name).map { (name, $0.messages, $0.consumers) }
            }
        } catch let error as AMQPError {
            throw error.engineError(configuration)
        }
    }

    package func close() {
        let (consumers, subscriptions) = state.withLock { state in
            state.isClosed = true
            defer {
                state.consumers = []
                state.subscriptions = []
            }
            return (state.consumers, state.subscriptions)
        }
        for consumer in consumers { consumer.close() }
        for subscription in subscriptions { subscription.cancel() }
        publisher.close()
    }
}
