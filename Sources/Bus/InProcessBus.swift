// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The bus of the embedded engine: one worker owns all partitions, results go to subscribers in this process.
package final class InProcessBus: MessageBus {
    private struct State {
        var worker: (any PartitionWorker)?
        var subscriptions: [InProcessSubscription] = []
        var isClosed = false
        var hintsDropped: Int64 = 0
        var messagesPublished: Int64 = 0
        /// Losses of subscriptions that are gone.
        var messagesDropped: Int64 = 0
    }

    package let partitionCount: Int
    private let state = Monitor(State())

    /// - Parameter partitionCount: 1…4096.
    package init(partitionCount: Int = 64) {
        precondition((1...4096).contains(partitionCount), "the number of partitions is between 1 and 4096")
        self.partitionCount = partitionCount
    }

    package var isDurable: Bool { false }

    package func send(_ hints: [ModelHint]) {
        // Called outside the lock: the worker takes a lock of its own.
        if let worker = state.withLock({ $0.worker }) {
            worker.receive(hints)
        } else {
            state.withLock { $0.hintsDropped += Int64(hints.count) }
        }
    }

    package func publish(_ messages: [EngineMessage]) throws {
        let subscriptions = state.withLock { state in
            state.messagesPublished += Int64(messages.count)
            return state.subscriptions
        }
        for subscription in subscriptions { subscription.deliver(messages) }
    }

    package func join(_ worker: any PartitionWorker) throws {
        try state.withLock { state in
            guard !state.isClosed else { throw EngineError(.stopping, "the bus is closed") }
            precondition(state.worker == nil, "the embedded engine has one runner")
            state.worker = worker
        }
        worker.partitionsChanged(owned: Set(0..<partitionCount))
    }

    package func leave(_ worker: any PartitionWorker) {
        state.withLock { state in
            if state.worker === worker { state.worker = nil }
        }
    }

    package func subscribe(capacity: Int) throws -> any MessageSubscription {
        let subscription = InProcessSubscription(capacity: capacity) { [weak self] ended in
            self?.state.withLock { state in
                state.messagesDropped += ended.dropped
                state.subscriptions.removeAll { $0 === ended }
            }
        }
        try state.withLock { state in
            guard !state.isClosed else { throw EngineError(.stopping, "the bus is closed") }
            state.subscriptions.append(subscription)
        }
        return subscription
    }

    package func counters() -> [String: Int64] {
        let (state, subscriptions) = state.withLock { ($0, $0.subscriptions) }
        return [
            "htmengine_bus_hints_dropped_total": state.hintsDropped,
            "htmengine_bus_messages_published_total": state.messagesPublished,
            "htmengine_bus_messages_dropped_total": subscriptions.reduce(state.messagesDropped) { $0 + $1.dropped },
            "htmengine_bus_subscribers": Int64(subscriptions.count),
        ]
    }

    package func close() {
        let subscriptions = state.withLock { state in
            state.isClosed = true
            state.worker = nil
            return state.subscriptions
        }
        for subscription in subscriptions { subscription.end() }
    }
}

/// Holds messages for one reader in this process. When it is full, the oldest go.
final class InProcessSubscription: MessageSubscription {
    private struct State {
        var messages: [EngineMessage] = []
        var dropped: Int64 = 0
        var isEnded = false
    }

    private let capacity: Int
    private let state = Monitor(State())
    private let onCancel: @Sendable (InProcessSubscription) -> Void

    init(capacity: Int, onCancel: @escaping @Sendable (InProcessSubscription) -> Void) {
        self.capacity = max(1, capacity)
        self.onCancel = onCancel
    }

    func deliver(_ messages: [EngineMessage]) {
        state.update { state in
            guard !state.isEnded else { return }
            state.messages += messages
            let excess = state.messages.count - capacity
            if excess > 0 {
                state.messages.removeFirst(excess)
                state.dropped += Int64(excess)
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

    /// The beginning, and each message that was dropped.
    var gaps: Int64 { 1 + dropped }

    func end() { state.update { $0.isEnded = true } }

    func cancel() {
        end()
        onCancel(self)
    }
}
