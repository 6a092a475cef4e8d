// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine

/// What `htmengine status` prints of an installation on servers.
enum ServerStatusText {
    static func run(_ configuration: Configuration, json: Bool, _ context: CommandContext) throws -> CommandStatus {
        let logger = StandardErrorLogger(level: .error, format: .text)
        let status = try ServerStatus(configuration, logger: logger)
        context.output(json ? self.json(status) : text(status))
        return .success
    }

    private static func text(_ status: ServerStatus) -> String {
        var table = TextTable([.init(title: "WHAT"), .init(title: "NUMBER", alignsRight: true)])
        table.add(["runners", "\(status.runners)"])
        table.add(["active storers", "\(status.activeStorers)"])
        table.add(["partitions", "\(status.partitions.count)"])
        table.add(["partitions with a runner", "\(status.ownedPartitions)"])
        table.add(["rows waiting for a score", "\(status.lagRows)"])
        table.add(["age of the oldest in seconds", "\(status.lagSeconds)"])
        for (word, count) in status.metrics { table.add(["metrics \(word)", "\(count)"]) }
        var queues = TextTable([
            .init(title: "QUEUE"), .init(title: "READY", alignsRight: true),
            .init(title: "CONSUMERS", alignsRight: true),
        ])
        for queue in status.queues { queues.add([queue.name, "\(queue.messages)", "\(queue.consumers)"]) }
        var partitions = TextTable([
            .init(title: "PARTITION", alignsRight: true), .init(title: "OWNER"),
            .init(title: "READY", alignsRight: true),
            .init(title: "ROWS BEHIND", alignsRight: true), .init(title: "SECONDS BEHIND", alignsRight: true),
        ])
        for one in status.partitions {
            partitions.add(["\(one.number)", one.owner ?? "-", "\(one.ready)", "\(one.lagRows)", "\(one.lagSeconds)"])
        }
        return [table.text, queues.text, partitions.text].joined(separator: "\n")
    }

    private static func json(_ status: ServerStatus) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("runners", Int64(status.runners))
        writer.field("activeStorers", Int64(status.activeStorers))
        writer.field("partitions", Int64(status.partitions.count))
        writer.field("ownedPartitions", Int64(status.ownedPartitions))
        writer.field("lagRows", status.lagRows)
        writer.field("lagSeconds", status.lagSeconds)
        writer.key("metrics")
        writer.beginObject()
        for (word, count) in status.metrics { writer.field(word, Int64(count)) }
        writer.endObject()
        writer.key("queues")
        writer.beginArray()
        for queue in status.queues {
            writer.beginObject()
            writer.field("name", queue.name)
            writer.field("ready", Int64(queue.messages))
            writer.field("consumers", Int64(queue.consumers))
            writer.endObject()
        }
        writer.endArray()
        writer.key("partitionOwners")
        writer.beginArray()
        for one in status.partitions {
            writer.beginObject()
            writer.field("partition", Int64(one.number))
            writer.field("owner", one.owner)
            writer.field("ready", Int64(one.ready))
            writer.field("lagRows", one.lagRows)
            writer.field("lagSeconds", one.lagSeconds)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.text + "\n"
    }
}
