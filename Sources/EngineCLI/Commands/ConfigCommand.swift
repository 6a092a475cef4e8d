// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine

/// `htmengine config print|check|reference`
enum ConfigCommand {
    static let command = Command(
        "config",
        summary: "Shows and checks the configuration.",
        subcommands: [
            Command(
                "print",
                summary: "Prints every key with its value and where the value comes from.",
                discussion:
                    "The output is a valid set of configuration files. Of passwords it only says that they are set.",
                options: Option.engine + [.json],
                body: printConfiguration
            ),
            Command(
                "check",
                summary: "Reads the configuration and names whatever is wrong with it.",
                options: Option.engine,
                body: check
            ),
            Command("reference", summary: "Prints the reference of all keys in Markdown.") { _, context in
                context.output(Settings.reference())
                return .success
            },
        ]
    )

    private static func printConfiguration(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let configuration = try context.configuration(arguments)
        warn(configuration, context)
        guard arguments.has("--json") else {
            context.output(configuration.settings.rendered())
            return .success
        }
        var writer = JSONWriter()
        writer.beginArray()
        for value in configuration.settings.values {
            writer.beginObject()
            writer.field("file", value.key.file.rawValue)
            writer.field("section", value.key.section)
            writer.field("key", value.key.name)
            writer.field("value", value.printable)
            writer.field("source", value.source.description)
            writer.endObject()
        }
        writer.endArray()
        context.output(writer.text + "\n")
        return .success
    }

    private static func check(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let configuration = try context.configuration(arguments)
        warn(configuration, context)
        context.output(
            "The configuration is in order: \(configuration.repository.rawValue) and \(configuration.bus.rawValue)"
                + " (\(configuration.reason)).\n"
        )
        return .success
    }

    private static func warn(_ configuration: Configuration, _ context: CommandContext) {
        for warning in configuration.warnings { context.errorOutput("warning: \(warning)\n") }
    }
}
