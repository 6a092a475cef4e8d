// SPDX-License-Identifier: Apache-2.0

/// The arguments of one command after parsing.
///
/// Asking for an option or positional the command doesn't declare is our bug and traps.
package struct Arguments: Sendable {
    private let command: Command
    private var values: [String: String] = [:]
    private var flags: Set<String> = []
    private var positionals: [String] = []

    /// Parses what follows the command's name. `--name value` and `--name=value` are the same; `--` ends the options.
    ///
    /// - Throws: ``UsageError``.
    package init(_ words: [String], of command: Command) throws {
        self.command = command
        var rest = words[...]
        var onlyPositionals = false
        while let word = rest.popFirst() {
            if word == "--", !onlyPositionals {
                onlyPositionals = true
            } else if !onlyPositionals, word.hasPrefix("--") {
                try take(option: word, &rest)
            } else if !onlyPositionals, word.hasPrefix("-"), word != "-", Double(word) == nil {
                throw UsageError("unknown option \(word)")
            } else {
                positionals.append(word)
            }
        }
        try checkCount()
    }

    private mutating func take(option word: String, _ rest: inout ArraySlice<String>) throws {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let option = command.options.first(where: { $0.name == parts[0] }) else {
            throw UsageError("unknown option \(parts[0])")
        }
        if option.value == nil {
            guard parts.count == 1 else { throw UsageError("\(option.name) takes no value") }
            flags.insert(option.name)
        } else if parts.count == 2 {
            values[option.name] = parts[1]
        } else if let value = rest.popFirst() {
            values[option.name] = value
        } else {
            throw UsageError("\(option.name) needs a value: \(option.usage)")
        }
    }

    private func checkCount() throws {
        let required = command.positionals.filter { $0.count == .one }
        if positionals.count < required.count {
            throw UsageError("missing \(required[positionals.count].name)")
        }
        let takesAny = command.positionals.contains { $0.count == .any }
        if !takesAny, positionals.count > command.positionals.count {
            throw UsageError("unexpected argument '\(positionals[command.positionals.count])'")
        }
    }

    // MARK: Options

    package func has(_ flag: String) -> Bool {
        precondition(command.options.contains { $0.name == flag && $0.value == nil }, "undeclared flag")
        return flags.contains(flag)
    }

    package func value(_ option: String) -> String? {
        precondition(command.options.contains { $0.name == option && $0.value != nil }, "undeclared option")
        return values[option]
    }

    /// - Throws: ``UsageError`` when it is no finite number.
    package func number(_ option: String) throws -> Double? {
        guard let text = value(option) else { return nil }
        guard let number = Double(text), number.isFinite else {
            throw UsageError("\(option) '\(text)' is not a number")
        }
        return number
    }

    /// - Throws: ``UsageError`` when it is no whole number of the range.
    package func integer(_ option: String, in range: ClosedRange<Int> = 0...Int.max) throws -> Int? {
        guard let text = value(option) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let expected =
                range.upperBound == .max
                ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
            throw UsageError("\(option) '\(text)' is not a whole number \(expected)")
        }
        return number
    }

    // MARK: Positionals

    package subscript(positional index: Int) -> String { positionals[index] }

    package func optional(_ index: Int) -> String? { index < positionals.count ? positionals[index] : nil }

    package var all: [String] { positionals }
}
