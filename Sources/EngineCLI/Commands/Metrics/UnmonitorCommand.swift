// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine

/// `htmengine unmonitor`
enum UnmonitorCommand {
    static let command = Command(
        "unmonitor",
        summary: "Removes a metric's model and its scores; the samples stay.",
        positionals: [Positional("NAME", .optional, "Name of the metric.")],
        options: [Option("--delete-data", "Removes the metric with all its samples.")] + MatchingMetrics.options
            + Option.engine + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let isDeletion = arguments.has("--delete-data")
        let word = isDeletion ? "Deleted" : "Unmonitored"
        if let matching = try MatchingMetrics(arguments) {
            return try matching.run(arguments, context, done: word) {
                isDeletion || $0.metric.status.isMonitored
            } act: { metric, access in
                try remove(metric, isDeletion: isDeletion, access)
            }
        }
        let name = arguments.optional(0) ?? ""
        let metric = try context.withEngine(arguments) { engine in
            let metric = try engine.access.existing(name).metric
            try remove(metric, isDeletion: isDeletion, engine.access)
            return metric
        }
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

    private static func remove(_ metric: Metric, isDeletion: Bool, _ access: any EngineAccess) throws {
        if isDeletion {
            try access.deleteMetric(named: metric.name ?? "")
        } else {
            try access.unmonitor(uid: metric.uid)
        }
    }
}
