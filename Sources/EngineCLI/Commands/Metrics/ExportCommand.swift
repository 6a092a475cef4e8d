// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine

/// `htmengine export`
enum ExportCommand {
    static let command = Command(
        "export",
        summary: "Prints a model's spec and its samples of the last 14 days as JSON, for 'import'.",
        positionals: [Positional("NAME", "Name of a monitored metric.")],
        options: Option.engine + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let exported = try context.withEngine(arguments) { engine in
            try engine.access.exportModel(uid: engine.access.existing(arguments[positional: 0]).metric.uid)
        }
        context.output((arguments.has("--json") ? exported.text : exported.indentedText) + "\n")
        return .success
    }
}
