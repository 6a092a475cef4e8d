// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine

/// `htmengine migrate`
enum MigrateCommand {
    static let command = Command(
        "migrate",
        summary: "Brings the database up to date; a second run has nothing to do.",
        options: Option.engine + [
            Option("--offline", "Prints the SQL instead of running it.")
        ],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let configuration = try context.configuration(arguments)
        for warning in configuration.warnings { context.errorOutput("warning: \(warning)\n") }
        if arguments.has("--offline") {
            context.output(Migration.script(configuration))
            return .success
        }
        let applied = try Migration.run(configuration, logger: StandardErrorLogger(level: .warning, format: .text))
        for revision in applied { context.output("Applied \(revision)\n") }
        if applied.isEmpty { context.output("Nothing to do: the database is up to date.\n") }
        return .success
    }
}
