// SPDX-License-Identifier: Apache-2.0

import Bus
import EngineCore
import Storage

/// How an installation on servers is doing, asked of the servers themselves: no process of the engine need be reachable.
package struct ServerStatus: Sendable {
    /// A queue on the broker.
    package struct Queue: Sendable {
        package var name: String
        /// Messages that wait.
        package var messages: Int
        package var consumers: Int
    }

    /// A partition, who works on it, and how far that is.
    package struct Partition: Sendable {
        package var number: Int
        /// Host and process id of the runner that has it, such as `web-1:4711`; nil when the broker says that nobody has, `?` when
        /// the runner hasn't written its name down yet.
        package var owner: String?
        /// Hints that wait in its queue.
        package var ready: Int
        /// Rows of its active metrics without a score.
        package var lagRows: Int64
        /// Age of the oldest such row by its own time; 0 when there is none.
        ///
        /// Unit: seconds.
        package var lagSeconds: Int64
    }

    /// Runners connected to the broker.
    package var runners: Int
    /// Storers that take the custom-metric queue: 1, or 0 when none runs (those that stand by don't count).
    package var activeStorers: Int
    /// All partitions, by number.
    package var partitions: [Partition]
    /// The custom-metric queue, its dead letters, the notification queue, and those partition queues that hold something.
    package var queues: [Queue]
    /// Messages in all our queues.
    package var messages: Int
    /// Metrics by status word.
    package var metrics: [(status: String, count: Int)]

    /// Partitions a runner has.
    package var ownedPartitions: Int { partitions.count { $0.owner != nil } }
    /// Rows of active metrics without a score.
    package var lagRows: Int64 { partitions.reduce(0) { $0 + $1.lagRows } }
    /// Age of the oldest such row by its own time; 0 when there is none.
    ///
    /// Unit: seconds.
    package var lagSeconds: Int64 { partitions.map(\.lagSeconds).max() ?? 0 }

    /// - Throws: `EngineError` when database or broker can't be reached, or when the configuration is an embedded one.
    package init(_ configuration: Configuration, logger: any Logger) throws {
        guard configuration.repository == .mysql, configuration.bus == .rabbitmq else {
            throw EngineError(.configuration, "this configuration is embedded, not one on servers")
        }
        let repository = try Adapters.openRepository(configuration, logger: logger, migrates: false)
        defer { repository.close() }
        let bus = try ServerParts.openBus(configuration, repository: repository, logger: logger)
        defer { bus.close() }
        try self.init(repository: repository, bus: bus)
    }

    /// - Throws: `EngineError` when database or broker can't be reached.
    init(repository: SQLMetricRepository, bus: RabbitMQBus) throws {
        metrics = try repository.read { reading in
            try MetricStatus.allCases.map { status in
                (status.word, try reading.metricCount(MetricQuery(statuses: [status])))
            }
        }
        let known = SQLPartitions(database: repository.database)
        let lags = try known.lags(count: bus.partitionCount)
        let owners = try known.owners()
        let now = SystemClock().wallSeconds()

        let names = bus.configuration
        let depths = try bus.queueDepths()
        let byName = Dictionary(depths.map { ($0.queue, $0) }) { first, _ in first }
        partitions = (0..<bus.partitionCount).map { number in
            let queue = byName[names.partitionQueue(number)]
            let lag = lags[number] ?? SQLPartitions.Lag()
            return Partition(
                number: number,
                owner: (queue?.consumers ?? 0) > 0 ? owners[number]?.name ?? "?" : nil,
                ready: queue?.messages ?? 0,
                lagRows: lag.rows,
                lagSeconds: lag.oldest.map { max(0, now - $0) } ?? 0
            )
        }
        runners = byName[names.runnersQueue]?.consumers ?? 0
        activeStorers = byName[names.customMetricQueue]?.consumers ?? 0
        messages = depths.reduce(0) { $0 + $1.messages }
        let partitionQueues = Set((0..<bus.partitionCount).map(names.partitionQueue))
        queues = depths.filter { depth in
            depth.queue != names.runnersQueue && (!partitionQueues.contains(depth.queue) || depth.messages > 0)
        }.map { Queue(name: $0.queue, messages: $0.messages, consumers: $0.consumers) }
    }
}

/// Depths of an installation's queues, as the engine sends them to itself (spec engine.md 7.15).
package enum QueueDepths {
    /// Lines `P-allq-ready.avg` and `P-q-<queue>-ready.avg`.
    ///
    /// - Returns: Samples of the present time by metric name.
    package static func samples(
        _ configuration: Configuration,
        prefix: String,
        logger: any Logger
    ) throws -> [(name: String, value: Double)] {
        let status = try ServerStatus(configuration, logger: logger)
        let all = ("\(prefix)-allq-ready.avg", Double(status.messages))
        return [all] + status.queues.map { ("\(prefix)-q-\($0.name)-ready.avg", Double($0.messages)) }
    }

    /// Publishes lines to the custom-metric queue, where the storer takes them.
    package static func send(_ lines: [String], _ configuration: Configuration, logger: any Logger) throws {
        let repository = try Adapters.openRepository(configuration, logger: logger, migrates: false)
        defer { repository.close() }
        let bus = try ServerParts.openBus(configuration, repository: repository, logger: logger)
        defer { bus.close() }
        try bus.sendLines(lines)
    }
}
