// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine

/// `htmengine unmonitor`
enum UnmonitorCommand {
    static let command = Command(
        "unmonitor",
        summary: "Removes a metric's model and its scores; the samples stay.",
        positionals: [Positional("NAME", "Name of the metric.")],
        options: [Option("--delete-data", "Removes the metric with all its samples.")] + Option.engine + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let isDeletion = arguments.has("--delete-data")
        let metric = try context.withEngine(arguments) { engine in
            let metric = try engine.access.existing(arguments[positional: 0]).metric
            if isDeletion {
                try engine.access.deleteMetric(named: metric.name ?? "")
            } else {
                try engine.access.unmonitor(uid: metric.uid)
            }
            return metric
        }
        let word = isDeletion ? "Deleted" : "Unmonitored"
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.beginObject()
            writer.field("uid", metric.uid)
            writer.field("deleted", isDeletion)
            writer.endObject()
            context.output(writer.text + "\n")
        } else {
            context.output("\(word) \(metric.name ?? "") (\(metric.uid))\n")
        }
        return .success
    }
}
