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

    /// Runners connected to the broker.
    package var runners: Int
    /// Storers that take the custom-metric queue: 1, or 0 when none runs (those that stand by don't count).
    package var activeStorers: Int
    package var partitions: Int
    /// Partitions a runner has.
    package var ownedPartitions: Int
    /// The custom-metric queue, its dead letters, the notification queue, and those partition queues that hold something.
    package var queues: [Queue]
    /// Messages in all our queues.
    package var messages: Int
    /// Metrics by status word.
    package var metrics: [(status: String, count: Int)]
    /// Rows of active metrics without a score.
    package var lagRows: Int64
    /// Age of the oldest such row by its own time; 0 when there is none.
    ///
    /// Unit: seconds.
    package var lagSeconds: Int64

    /// - Throws: `EngineError` when database or broker can't be reached, or when the configuration is an embedded one.
    package init(_ configuration: Configuration, logger: any Logger) throws {
        guard configuration.repository == .mysql, configuration.bus == .rabbitmq else {
            throw EngineError(.configuration, "this configuration is embedded, not one on servers")
        }
        let repository = try Adapters.openRepository(configuration, logger: logger, migrates: false)
        defer { repository.close() }
        metrics = try repository.read { reading in
            try MetricStatus.allCases.map { status in
                (status.word, try reading.metricCount(MetricQuery(statuses: [status])))
            }
        }
        lagRows = try repository.read { try $0.unscoredRowCount() }
        let oldest = try repository.database.read { connection in
            try connection.first(
                """
                SELECT MIN(d.timestamp) FROM metric m JOIN htmengine_model h ON h.uid = m.uid
                JOIN metric_data d ON d.uid = m.uid AND d.rowid = h.scored_rowid + 1 WHERE m.status = 1
                """,
                []
            ) { $0.timestamp(0) } ?? nil
        }
        lagSeconds = oldest.map { max(0, SystemClock().wallSeconds() - $0) } ?? 0

        let bus = try ServerParts.openBus(configuration, repository: repository, logger: logger)
        defer { bus.close() }
        let names = bus.configuration
        let depths = try bus.queueDepths()
        partitions = bus.partitionCount
        let partitionQueues = Set((0..<partitions).map(names.partitionQueue))
        ownedPartitions = depths.count { partitionQueues.contains($0.queue) && $0.consumers > 0 }
        runners = depths.first { $0.queue == names.runnersQueue }?.consumers ?? 0
        activeStorers = depths.first { $0.queue == names.customMetricQueue }?.consumers ?? 0
        messages = depths.reduce(0) { $0 + $1.messages }
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
