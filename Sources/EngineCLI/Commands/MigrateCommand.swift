// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine

/// `htmengine migrate`
enum MigrateCommand {
    static let command = Command(
        "migrate",
        summary: "Brings the database up to date; a second run has nothing to do.",
        options: Option.engine + [
            Option("--version", "REV", "Stops at this revision (default: head, the newest)."),
            Option("--offline", "Prints the SQL instead of running it."),
        ],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let configuration = try context.configuration(arguments)
        for warning in configuration.warnings { context.errorOutput("warning: \(warning)\n") }
        if arguments.has("--offline") {
            context.output(try Migration.script(configuration, through: arguments.value("--version")))
            return .success
        }
        let logger = StandardErrorLogger(level: .warning, format: .text)
        let applied = try Migration.run(configuration, through: arguments.value("--version"), logger: logger)
        for revision in applied { context.output("Applied \(revision)\n") }
        if applied.isEmpty { context.output("Nothing to do: the database is up to date.\n") }
        return .success
    }
}
