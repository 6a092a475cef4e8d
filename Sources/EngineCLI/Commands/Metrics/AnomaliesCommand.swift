// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import HTMEngine

/// `htmengine anomalies`
enum AnomaliesCommand {
    static let command = Command(
        "anomalies",
        summary: "Lists anomalous samples with the reason for each, newest first.",
        discussion: """
            A sample is listed when its anomaly score is above 0.9999. The reason says what raised it, what would have been usual,
            how rare it is and how much the model had seen.
            """,
        positionals: [
            Positional("PATTERN", .optional, "Only names that fit: * stands for any run of characters, ? for one.")
        ],
        options: [Option("--limit", "N", "At most so many (default: 50).")] + Option.engine + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let limit = try arguments.integer("--limit", in: 1...100_000) ?? 50
        let rows = try context.withEngine(arguments) { engine in
            try engine.access.explainedRows(pattern: arguments.optional(0), limit: limit)
        }
        context.output(arguments.has("--json") ? json(rows) : table(rows))
        return .success
    }

    private static func table(_ rows: [ExplainedRow]) -> String {
        guard !rows.isEmpty else { return "No anomalies.\n" }
        var table = TextTable([
            .init(title: "TIME (UTC)"), .init(title: "NAME"), .init(title: "VALUE", alignsRight: true),
            .init(title: "SCORE", alignsRight: true), .init(title: "WHY"),
        ])
        for row in rows {
            table.add([
                Timestamps.sqlText(row.timestamp), row.name, NumberFormat.twelveDigits(row.value),
                NumberFormat.twelveDigits(row.anomalyScore), row.reason.text,
            ])
        }
        return table.text
    }

    private static func json(_ rows: [ExplainedRow]) -> String {
        var writer = JSONWriter()
        writer.beginArray()
        for row in rows { row.write(to: &writer) }
        writer.endArray()
        return writer.text + "\n"
    }
}
