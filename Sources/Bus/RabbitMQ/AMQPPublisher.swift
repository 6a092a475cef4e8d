// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The thread that owns the publishing connection: results with confirms, hints without waiting.
///
/// What waits while a confirm is on its way goes out together with the next.
final class AMQPPublisher: Sendable {
    /// One call of `publish` waiting for its outcome.
    private final class Job: Sendable {
        let messages: [AMQPMessage]
        let outcome = Monitor<Outcome?>(nil)
        init(messages: [AMQPMessage]) { self.messages = messages }
    }

    private enum Outcome {
        case done
        case failed(AMQPError)
    }

    private struct State {
        var jobs: [Job] = []
        /// Per partition.
        var hints: [Int: [ModelHint]] = [:]
        var hintCount = 0
        var isClosed = false
        var published: Int64 = 0
        var hintsSent: Int64 = 0
        var hintsDropped: Int64 = 0
        var reconnects: Int64 = 0
    }

    /// Hints held while the broker is slow or away.
    private static let mostHints = 20_000
    private let configuration: RabbitMQConfiguration
    private let partitionCount: Int
    private let logger: any Logger
    private let state = Monitor(State())
    private let thread = Monitor<ServiceThread?>(nil)

    init(configuration: RabbitMQConfiguration, partitionCount: Int, logger: any Logger) {
        self.configuration = configuration
        self.partitionCount = partitionCount
        self.logger = logger
        let thread = ServiceThread(name: "amqp-publish") { [self] in run() }
        self.thread.withLock { $0 = thread }
    }

    func send(_ hints: [ModelHint]) {
        state.update { state in
            for hint in hints {
                guard state.hintCount < Self.mostHints, !state.isClosed else {
                    state.hintsDropped += 1
                    continue
                }
                state.hints[partition(ofUID: hint.uid, count: partitionCount), default: []].append(hint)
                state.hintCount += 1
            }
        }
    }

    /// Blocks until the broker has taken all of them over.
    func publish(_ messages: [AMQPMessage]) throws {
        guard !messages.isEmpty else { return }
        let job = Job(messages: messages)
        let accepted = state.update { state in
            if !state.isClosed { state.jobs.append(job) }
            return !state.isClosed
        }
        guard accepted else { throw EngineError(.stopping, "the bus is closed") }
        let outcome: Outcome? = job.outcome.wait { $0 }
        if case .failed(let error) = outcome { throw error.engineError(configuration) }
    }

    func counters() -> [String: Int64] {
        state.withLock { state in
            [
                "htmengine_bus_messages_published_total": state.published,
                "htmengine_bus_hints_sent_total": state.hintsSent,
                "htmengine_bus_hints_dropped_total": state.hintsDropped,
                "htmengine_bus_reconnects_total": state.reconnects,
            ]
        }
    }

    func close() {
        state.update { $0.isClosed = true }
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }

    // MARK: the thread

    private func run() {
        var connection: AMQPConnection?
        while true {
            // Often enough for heartbeats to go out.
            let wait = max(500, Int(configuration.heartbeat) * 250)
            let work = state.wait(timeoutMilliseconds: wait) { state -> (jobs: [Job], hints: [Int: [ModelHint]])? in
                guard !state.jobs.isEmpty || state.hintCount > 0 || state.isClosed else { return nil }
                defer {
                    state.jobs = []
                    state.hints = [:]
                    state.hintCount = 0
                }
                return (state.jobs, state.hints)
            }
            guard let work else {
                do {
                    _ = try connection?.receive(timeoutMilliseconds: 0)
                } catch {
                    connection = nil
                }
                continue
            }
            if work.jobs.isEmpty, work.hints.isEmpty { return }
            handle(work.jobs, work.hints, &connection)
        }
    }

    private func handle(_ jobs: [Job], _ hints: [Int: [ModelHint]], _ connection: inout AMQPConnection?) {
        // A connection that died while idle is noticed at the first use, so there is a second try.
        for attempt in 0..<2 {
            do {
                let live = try connection ?? connect()
                connection = live
                for job in jobs {
                    for message in job.messages { try live.publish(message) }
                }
                if attempt == 0 { try send(hints, over: live) }
                try live.waitForConfirms()
                state.withLock { $0.published += Int64(jobs.reduce(0) { $0 + $1.messages.count }) }
                for job in jobs { job.outcome.update { $0 = .done } }
                return
            } catch {
                let error = error as? AMQPError ?? AMQPError(kind: .connection, message: "\(error)")
                let wasFresh = connection == nil
                connection = nil
                logger.warning("amqp", "publishing to RabbitMQ at \(configuration.place): \(error)")
                if attempt == 1 || wasFresh {
                    let lost = hints.values.reduce(0) { $0 + $1.count }
                    state.withLock { $0.hintsDropped += Int64(lost) }
                    for job in jobs { job.outcome.update { $0 = .failed(error) } }
                    return
                }
            }
        }
    }

    private func send(_ hints: [Int: [ModelHint]], over connection: AMQPConnection) throws {
        for (partition, list) in hints {
            var start = 0
            while start < list.count {
                let end = min(start + 256, list.count)
                var message = AMQPMessage(body: HintCoding.encode(Array(list[start..<end])))
                message.routingKey = configuration.partitionQueue(partition)
                message.isPersistent = false
                try connection.publish(message)
                start = end
            }
            state.withLock { $0.hintsSent += Int64(list.count) }
        }
    }

    private func connect() throws -> AMQPConnection {
        let connection = try AMQPConnection(configuration, name: "htmengine publisher")
        try connection.declareFanout(configuration.resultsExchange)
        // Who sends samples may come before the storer; durable and without arguments, as everybody declares it.
        try connection.declareQueue(configuration.customMetricQueue)
        try connection.selectConfirms()
        state.withLock { $0.reconnects += 1 }
        return connection
    }
}
