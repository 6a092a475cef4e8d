// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine

/// `htmengine metrics`
enum MetricsCommand {
    private static let pageSize = 1000

    static let command = Command(
        "metrics",
        summary: "Lists metrics with their status, rows and latest score.",
        positionals: [
            Positional("PATTERN", .optional, "Only names that fit: * stands for any run of characters, ? for one.")
        ],
        options: Option.engine + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let metrics = try context.withEngine(arguments) { engine in
            try all(engine.access, pattern: arguments.optional(0))
        }
        context.output(arguments.has("--json") ? json(metrics) : table(metrics))
        return .success
    }

    private static func all(_ access: any EngineAccess, pattern: String?) throws -> [MetricSummary] {
        var result: [MetricSummary] = []
        while true {
            let page = try access.metrics(pattern: pattern, after: result.last?.metric.name, limit: pageSize)
            result += page
            if page.count < pageSize { return result }
        }
    }

    private static func table(_ metrics: [MetricSummary]) -> String {
        guard !metrics.isEmpty else { return "No metrics yet.\n" }
        var table = TextTable([
            .init(title: "NAME"), .init(title: "STATUS"), .init(title: "ROWS", alignsRight: true),
            .init(title: "SCORED", alignsRight: true), .init(title: "LAST VALUE", alignsRight: true),
            .init(title: "LAST SCORE", alignsRight: true), .init(title: "LAST TIME (UTC)"), .init(title: "MESSAGE"),
        ])
        for summary in metrics {
            table.add([
                summary.metric.name ?? "",
                "\(summary.metric.status.word) (\(summary.metric.status.rawValue))",
                String(summary.rows), String(summary.scoredRows),
                summary.lastRow.map { NumberFormat.twelveDigits($0.value) } ?? "-",
                summary.lastScore.map(NumberFormat.twelveDigits) ?? "-",
                summary.lastRow.map { Timestamps.sqlText($0.timestamp) } ?? "-",
                summary.metric.message ?? "",
            ])
        }
        return table.text
    }

    private static func json(_ metrics: [MetricSummary]) -> String {
        var writer = JSONWriter()
        writer.beginArray()
        for summary in metrics {
            writer.beginObject()
            writer.field("uid", summary.metric.uid)
            writer.field("name", summary.metric.name)
            writer.field("status", Int64(summary.metric.status.rawValue))
            writer.field("statusText", summary.metric.status.word)
            writer.field("message", summary.metric.message)
            writer.field("rows", summary.rows)
            writer.field("scoredRows", summary.scoredRows)
            writer.field("lastValue", summary.lastRow?.value)
            writer.field("lastScore", summary.lastScore)
            writer.field("lastTime", summary.lastRow?.timestamp)
            writer.endObject()
        }
        writer.endArray()
        return writer.text + "\n"
    }
}
