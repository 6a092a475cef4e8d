// SPDX-License-Identifier: Apache-2.0

import Bus
import EngineCore
import Storage

/// What `htmengine status` says of servers, as numbers for Prometheus.
///
/// Asked of database and broker at most every few seconds, however often they are scraped.
final class ServerGauges: Sendable {
    private struct State {
        var values: [String: Int64] = [:]
        /// When they were asked for last; nil before the first time.
        ///
        /// Unit: monotonic nanoseconds.
        var asked: UInt64?
        var isAsking = false
    }

    private static let freshNanoseconds: UInt64 = 5_000_000_000
    private let repository: SQLMetricRepository
    private let bus: RabbitMQBus
    private let logger: any Logger
    private let state = Monitor(State())

    /// nil for an embedded engine, whose own counters say it all.
    init?(_ adapters: Adapters, logger: any Logger) {
        guard let bus = adapters.broker, let repository = adapters.repository as? SQLMetricRepository else {
            return nil
        }
        self.bus = bus
        self.repository = repository
        self.logger = logger
    }

    /// By Prometheus name with labels. Nothing while the servers can't be asked: an old number would pass for a true one.
    func values() -> [String: Int64] {
        let now = SystemClock().monotonicNanoseconds()
        let known: [String: Int64]? = state.withLock { state in
            if state.isAsking { return state.values }
            if let asked = state.asked, now - asked < Self.freshNanoseconds { return state.values }
            state.isAsking = true
            return nil
        }
        if let known { return known }
        var values: [String: Int64] = [:]
        do {
            values = Self.values(try ServerStatus(repository: repository, bus: bus))
        } catch {
            logger.warning("http", "numbers of database and broker: \(error)")
        }
        let answer = values
        return state.withLock { state in
            state = State(values: answer, asked: SystemClock().monotonicNanoseconds(), isAsking: false)
            return answer
        }
    }

    private static func values(_ status: ServerStatus) -> [String: Int64] {
        var values: [String: Int64] = [
            "htmengine_runners": Int64(status.runners),
            "htmengine_active_storers": Int64(status.activeStorers),
            "htmengine_partitions": Int64(status.partitions.count),
            "htmengine_partitions_owned": Int64(status.ownedPartitions),
            "htmengine_lag_rows": status.lagRows,
            "htmengine_lag_seconds": status.lagSeconds,
            "htmengine_queues_ready": Int64(status.messages),
        ]
        for queue in status.queues {
            values["htmengine_queue_ready{queue=\"\(label(queue.name))\"}"] = Int64(queue.messages)
            values["htmengine_queue_consumers{queue=\"\(label(queue.name))\"}"] = Int64(queue.consumers)
        }
        for one in status.partitions {
            let number = "partition=\"\(one.number)\""
            values["htmengine_partition_owned{\(number),owner=\"\(label(one.owner ?? ""))\"}"] =
                one.owner == nil ? 0 : 1
            values["htmengine_partition_ready{\(number)}"] = Int64(one.ready)
            values["htmengine_partition_lag_rows{\(number)}"] = one.lagRows
            values["htmengine_partition_lag_seconds{\(number)}"] = one.lagSeconds
        }
        return values
    }

    /// A label's value with what Prometheus' text format escapes.
    private static func label(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
