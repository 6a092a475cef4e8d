// SPDX-License-Identifier: Apache-2.0

/// One subcommand: its name, what it takes, what it does.
///
/// A command either runs or has subcommands (`send cpu`).
package struct Command: Sendable {
    package typealias Body = @Sendable (Arguments, CommandContext) throws -> CommandStatus

    package let name: String
    /// One line, for the list of commands.
    package let summary: String
    /// Further text of `--help`, in lines.
    package let discussion: String
    /// As the usage line shows them: `NAME`, `[FILE]`, `[NAME...]`.
    package let positionals: [Positional]
    package let options: [Option]
    package let subcommands: [Command]
    package let body: Body?

    package init(
        _ name: String,
        summary: String,
        discussion: String = "",
        positionals: [Positional] = [],
        options: [Option] = [],
        body: @escaping Body
    ) {
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.positionals = positionals
        self.options = options
        self.subcommands = []
        self.body = body
    }

    package init(_ name: String, summary: String, discussion: String = "", subcommands: [Command]) {
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.positionals = []
        self.options = []
        self.subcommands = subcommands
        self.body = nil
    }
}

/// An argument that is known by its place.
package struct Positional: Sendable {
    package enum Count: Sendable { case one, optional, any }
    package let name: String
    package let count: Count
    package let help: String

    package init(_ name: String, _ count: Count, _ help: String) {
        self.name = name
        self.count = count
        self.help = help
    }

    /// One that must be given.
    package init(_ name: String, _ help: String) {
        self.init(name, .one, help)
    }

    var usage: String {
        switch count {
        case .one: name
        case .optional: "[\(name)]"
        case .any: "[\(name)...]"
        }
    }
}

/// An argument that is known by its name, such as `--rate N` or `--json`.
package struct Option: Sendable {
    /// With its dashes.
    package let name: String
    /// What the value is called in help; nil for a flag.
    package let value: String?
    package let help: String

    /// An option with a value.
    package init(_ name: String, _ value: String, _ help: String) {
        self.name = name
        self.value = value
        self.help = help
    }

    /// A flag.
    package init(_ name: String, _ help: String) {
        self.name = name
        value = nil
        self.help = help
    }

    var usage: String { value.map { "\(name) \($0)" } ?? name }

    /// For every command that prints a table.
    package static let json = Option("--json", "Prints JSON instead of a table.")
    /// For every command that works on an engine.
    package static let engine = [
        Option(
            "--config",
            "DIR",
            "Directory of application.conf and its companions (default: APPLICATION_CONFIG_PATH)."
        ),
        Option("--data", "DIR", "Data directory of an embedded engine (default: ./htmengine-data)."),
    ]
}

/// What the shell learns.
package enum CommandStatus: Int32, Sendable {
    case success = 0
    /// It was understood and didn't work.
    case failure = 1
    /// The command line was wrong.
    case usage = 2
}

/// A command line that can't be understood.
package struct UsageError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// A command that was understood and failed, with what to tell the user.
package struct CommandFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
