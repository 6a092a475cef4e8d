// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine

/// Finds the command, parses its arguments, runs it, and turns whatever happens into an exit status.
package enum CommandRunner {
    /// - Parameter words: The command line without the program's name.
    package static func run(_ words: [String], root: Command = CommandTable.root, context: CommandContext)
        -> CommandStatus
    {
        var command = root
        var path: [String] = []
        var rest = words[...]
        while !command.subcommands.isEmpty {
            let full = (path + [command.name]).joined(separator: " ")
            guard let word = rest.popFirst() else {
                context.errorOutput(command.help(path: path.joined(separator: " ")))
                return .usage
            }
            if word == "--help" || word == "help" || word == "-h" {
                context.output(command.help(path: path.joined(separator: " ")))
                return .success
            }
            if word == "--version", path.isEmpty { return run(["version"], root: root, context: context) }
            guard let next = command.subcommands.first(where: { $0.name == word }) else {
                context.errorOutput("htmengine: unknown command '\(word)'; '\(full) --help' lists them\n")
                return .usage
            }
            path.append(command.name)
            command = next
        }
        let before = rest.prefix { $0 != "--" }
        if before.contains("--help") || before.contains("-h") {
            context.output(command.help(path: path.joined(separator: " ")))
            return .success
        }
        return execute(command, path: path, words: Array(rest), context: context)
    }

    private static func execute(
        _ command: Command,
        path: [String],
        words: [String],
        context: CommandContext
    ) -> CommandStatus {
        guard let body = command.body else { preconditionFailure("a command without body or subcommands") }
        let full = (path + [command.name]).joined(separator: " ")
        do {
            return try body(try Arguments(words, of: command), context)
        } catch let error as UsageError {
            context.errorOutput("\(full): \(error)\nUsage: '\(full) --help' shows it\n")
            return .usage
        } catch let error as ConfigurationError {
            for problem in error.problems { context.errorOutput("\(full): configuration: \(problem)\n") }
            return .failure
        } catch {
            context.errorOutput("\(full): \(error)\n")
            return .failure
        }
    }
}
