// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The thread that holds this runner's partitions: the broker lets one consumer have each queue.
///
/// Once a second it compares what it has with its share: partitions over live runners. A runner with less takes queues that
/// nobody consumes, one with more gives some back. A killed runner's queues are free as soon as the broker sees its connection
/// close, a frozen one's after two heartbeats.
final class PartitionConsumer: Sendable {
    private struct State {
        var isClosed = false
        var owned: Set<Int> = []
        var hintsReceived: Int64 = 0
    }

    let worker: any PartitionWorker
    private let configuration: RabbitMQConfiguration
    private let partitionCount: Int
    private let logger: any Logger
    /// Called whenever what this runner has may have changed; must return quickly.
    private let ownershipChanged: @Sendable () -> Void
    private let state = Monitor(State())
    private let thread = Monitor<ServiceThread?>(nil)

    /// Unit: milliseconds.
    private static let balanceInterval = 1000
    /// Channels 1 and 2 are for operations and for being counted.
    private static let countedChannel: UInt16 = 2
    private static let firstPartitionChannel: UInt16 = 10

    init(
        worker: any PartitionWorker,
        configuration: RabbitMQConfiguration,
        partitionCount: Int,
        logger: any Logger,
        ownershipChanged: @escaping @Sendable () -> Void
    ) {
        self.ownershipChanged = ownershipChanged
        self.worker = worker
        self.configuration = configuration
        self.partitionCount = partitionCount
        self.logger = logger
        let thread = ServiceThread(name: "amqp-partitions") { [self] in run() }
        self.thread.withLock { $0 = thread }
    }

    var owned: Set<Int> { state.withLock { $0.owned } }
    var hintsReceived: Int64 { state.withLock { $0.hintsReceived } }

    func close() {
        state.update { $0.isClosed = true }
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }

    private var isClosed: Bool { state.withLock { $0.isClosed } }

    private func run() {
        worker.partitionsChanged(owned: [])
        var pause = 100
        while !isClosed {
            do {
                try serve { pause = 100 }
            } catch {
                logger.warning("amqp", "partitions at RabbitMQ \(configuration.place): \(error)")
            }
            // One that leaves still saves its models.
            guard !isClosed else { return state.withLock { $0.owned = [] } }
            if !owned.isEmpty { change(to: []) }
            _ = state.wait(timeoutMilliseconds: pause) { $0.isClosed ? true : nil }
            pause = min(pause * 2, 2000)
        }
    }

    private func change(to owned: Set<Int>) {
        state.withLock { $0.owned = owned }
        worker.partitionsChanged(owned: owned)
        ownershipChanged()
    }

    /// Connects, and works until closed or until the connection breaks.
    private func serve(connected: () -> Void) throws {
        let connection = try AMQPConnection(configuration, name: "htmengine runner")
        try declare(connection)
        try connection.consume(
            configuration.runnersQueue,
            channel: Self.countedChannel,
            exclusive: false,
            acknowledges: false
        )
        connected()
        let clock = SystemClock()
        var next = clock.monotonicNanoseconds()
        while !isClosed {
            let now = clock.monotonicNanoseconds()
            if now >= next {
                try balance(connection)
                next = clock.monotonicNanoseconds() + UInt64(Self.balanceInterval) * 1_000_000
            }
            let rest = next > now ? Int((next - now) / 1_000_000) : 0
            // Short, so that closing doesn't wait.
            try take(connection, milliseconds: min(rest, 100))
            dropCancelled(connection)
        }
    }

    private func declare(_ connection: AMQPConnection) throws {
        // Hints are hints: with no runner there, old ones go, and the runners read the table.
        let limits: [(String, Int64)] = [("x-max-length", 10_000), ("x-message-ttl", 60_000)]
        for partition in 0..<partitionCount {
            try connection.declareQueue(configuration.partitionQueue(partition), arguments: limits)
        }
        try connection.declareQueue(configuration.runnersQueue, arguments: [("x-max-length", 1)])
    }

    /// Hands on what has come.
    private func take(_ connection: AMQPConnection, milliseconds: Int) throws {
        var hints: [ModelHint] = []
        var delivery = try connection.receive(timeoutMilliseconds: milliseconds)
        while let one = delivery {
            if one.channel >= Self.firstPartitionChannel { hints += HintCoding.decode(one.body) }
            if hints.count >= 2000 { break }
            delivery = try connection.receive(timeoutMilliseconds: 0)
        }
        guard !hints.isEmpty else { return }
        state.withLock { $0.hintsReceived += Int64(hints.count) }
        worker.receive(hints)
    }

    /// A deleted queue takes its consumer with it; it is declared again at the next connection.
    private func dropCancelled(_ connection: AMQPConnection) {
        let lost = connection.cancelledChannels.filter { $0 >= Self.firstPartitionChannel }
        guard !lost.isEmpty else { return }
        for channel in lost { connection.closeChannel(channel) }
        change(to: owned.filter { !lost.contains(Self.channel($0)) })
    }

    private static func channel(_ partition: Int) -> UInt16 { firstPartitionChannel + UInt16(partition) }

    /// Takes or gives back partitions to come to our share.
    private func balance(_ connection: AMQPConnection) throws {
        let runners = max(1, try connection.inspectQueue(configuration.runnersQueue)?.consumers ?? 1)
        let share = (partitionCount + runners - 1) / runners
        var owned = self.owned
        if owned.count > share {
            for partition in owned.sorted().suffix(owned.count - share) {
                // Told first: its models are dropped before another runner can have them.
                owned.remove(partition)
            }
            let released = self.owned.subtracting(owned)
            change(to: owned)
            for partition in released { connection.closeChannel(Self.channel(partition)) }
            logger.info("amqp", "\(owned.count) of \(partitionCount) partitions, shared by \(runners) runners")
            return
        }
        guard owned.count < share else { return }
        // Each runner begins elsewhere, so that several that start at once don't try the same queues.
        let start = Int.random(in: 0..<partitionCount)
        for offset in 0..<partitionCount where owned.count < share {
            let partition = (start + offset) % partitionCount
            if !owned.contains(partition), try takeOver(partition, connection) { owned.insert(partition) }
        }
        if owned != self.owned {
            change(to: owned)
            logger.info("amqp", "\(owned.count) of \(partitionCount) partitions, shared by \(runners) runners")
        }
    }

    private func takeOver(_ partition: Int, _ connection: AMQPConnection) throws -> Bool {
        let queue = configuration.partitionQueue(partition)
        guard let found = try connection.inspectQueue(queue), found.consumers == 0 else { return false }
        do {
            try connection.consume(queue, channel: Self.channel(partition), exclusive: true, acknowledges: false)
            return true
        } catch let error as AMQPError where error.kind == .channel(code: 403) {
            return false  // another one was faster
        }
    }
}
