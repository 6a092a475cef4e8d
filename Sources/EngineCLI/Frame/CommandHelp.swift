// SPDX-License-Identifier: Apache-2.0

extension Command {
    /// The text of `--help`.
    ///
    /// - Parameter path: The words before it, such as `htmengine send`.
    func help(path: String) -> String {
        let full = path.isEmpty ? name : "\(path) \(name)"
        var lines = ["\(summary)", ""]
        if subcommands.isEmpty {
            let options = options.isEmpty ? "" : " [OPTIONS]"
            lines.append("Usage: \(full)\(options)\(positionals.map { " " + $0.usage }.joined())")
        } else {
            lines.append("Usage: \(full) COMMAND")
        }
        if !discussion.isEmpty { lines += ["", discussion] }
        lines += Self.block("Commands", subcommands.map { ($0.name, $0.summary) })
        lines += Self.block("Arguments", positionals.map { ($0.name, $0.help) })
        if subcommands.isEmpty {
            lines += Self.block("Options", options.map { ($0.usage, $0.help) } + [("--help", "Shows this text.")])
        } else {
            lines += ["", "'\(full) COMMAND --help' says more about each."]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func block(_ title: String, _ rows: [(String, String)]) -> [String] {
        guard !rows.isEmpty else { return [] }
        let width = min(30, rows.map(\.0.count).max() ?? 0)
        return ["", "\(title):"]
            + rows.map { left, right in
                let padding = String(repeating: " ", count: max(0, width - left.count))
                return left.count > width
                    ? "  \(left)\n  \(String(repeating: " ", count: width))  \(right)" : "  \(left)\(padding)  \(right)"
            }
    }
}
