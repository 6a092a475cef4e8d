// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// A pattern over dotted names: `*` any run, `?` one character, `[abc]` and `[a-z]` one of these, `[!abc]` none of these, `{a,b}` either;
/// none of them crosses a dot. A backslash takes the next character as it is.
package struct GraphitePattern: Sendable {
    /// Most alternatives that braces may stand for.
    package static let mostAlternatives = 1000

    /// Per dotted node, its alternatives without braces.
    private let nodes: [[[Token]]]
    /// The pattern as written.
    package let text: String

    private enum Token: Sendable, Hashable {
        case character(Unicode.Scalar)
        case anyRun
        case anyOne
        case oneOf([ClosedRange<Unicode.Scalar>], negated: Bool)
    }

    /// - Throws: `EngineError` with code `invalidArgument` when braces stand for too much.
    package init(_ text: String) throws {
        self.text = text
        nodes = try Self.split(text).map { try Self.expandBraces($0).map(Self.tokens) }
        let alternatives = nodes.reduce(0) { $0 + $1.count }
        guard alternatives <= Self.mostAlternatives else {
            throw EngineError(.invalidArgument, "the braces stand for more than \(Self.mostAlternatives) names")
        }
    }

    /// Number of dotted nodes.
    package var depth: Int { nodes.count }

    /// The only name it matches, when it has no wildcards and no braces.
    package var exactName: String? {
        var parts: [String] = []
        for node in nodes {
            guard node.count == 1 else { return nil }
            var part = String.UnicodeScalarView()
            for token in node[0] {
                guard case .character(let scalar) = token else { return nil }
                part.append(scalar)
            }
            parts.append(String(part))
        }
        return parts.joined(separator: ".")
    }

    /// A pattern of `*` and `?` alone, both crossing dots, that matches every name this one matches; for the database.
    package var coarse: String { Self.coarse(nodes[...]) }

    /// As `coarse`, for what follows the first node; nil when nothing does.
    package var coarseAfterFirstNode: String? { nodes.count > 1 ? Self.coarse(nodes.dropFirst()) : nil }

    private static func coarse(_ nodes: ArraySlice<[[Token]]>) -> String {
        nodes.map { alternatives in
            guard alternatives.count == 1 else { return "*" }
            return String(
                String.UnicodeScalarView(
                    alternatives[0].map { token in
                        switch token {
                        case .character(let scalar): scalar
                        case .anyRun: "*"
                        case .anyOne, .oneOf: "?"
                        }
                    }
                )
            )
        }.joined(separator: ".")
    }

    /// Whether the whole name matches.
    package func matches(_ name: some StringProtocol) -> Bool {
        let parts = Self.nodes(of: name)
        return parts.count == nodes.count && matchesPrefix(parts)
    }

    /// Whether the first `depth` nodes of a name match.
    package func matchesPrefix(_ parts: [some StringProtocol]) -> Bool {
        guard parts.count >= nodes.count else { return false }
        for (alternatives, part) in zip(nodes, parts) {
            let scalars = Array(part.unicodeScalars)
            guard alternatives.contains(where: { Self.matches($0[...], scalars[...]) }) else { return false }
        }
        return true
    }

    /// Whether the first node matches `word`.
    package func matchesFirstNode(_ word: String) -> Bool {
        let scalars = Array(word.unicodeScalars)
        return nodes[0].contains { Self.matches($0[...], scalars[...]) }
    }

    /// The dotted nodes of a name.
    package static func nodes<Name: StringProtocol>(of name: Name) -> [Name.SubSequence] {
        name.split(separator: ".", omittingEmptySubsequences: false)
    }

    /// Greedy with one place to come back to, so linear in the name for each `*`.
    private static func matches(_ pattern: ArraySlice<Token>, _ name: ArraySlice<Unicode.Scalar>) -> Bool {
        var at = pattern.startIndex
        var place = name.startIndex
        var retry: (at: Int, place: Int)?
        while place < name.endIndex {
            if at < pattern.endIndex, pattern[at] == .anyRun {
                retry = (at + 1, place)
                at += 1
            } else if at < pattern.endIndex, accepts(pattern[at], name[place]) {
                at += 1
                place += 1
            } else if let back = retry {
                retry = (back.at, back.place + 1)
                at = back.at
                place = back.place + 1
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == .anyRun }
    }

    private static func accepts(_ token: Token, _ scalar: Unicode.Scalar) -> Bool {
        switch token {
        case .character(let wanted): wanted == scalar
        case .anyRun: false
        case .anyOne: true
        case .oneOf(let ranges, let negated): ranges.contains { $0.contains(scalar) } != negated
        }
    }
}

// MARK: - Reading patterns

extension GraphitePattern {
    /// Splits at dots outside braces; a backslash keeps its character.
    private static func split(_ text: String) -> [[Unicode.Scalar]] {
        var result: [[Unicode.Scalar]] = [[]]
        var depth = 0
        var escaped = false
        for scalar in text.unicodeScalars {
            if !escaped {
                if scalar == "{" { depth += 1 }
                if scalar == "}" { depth = max(0, depth - 1) }
                if scalar == ".", depth == 0 {
                    result.append([])
                    continue
                }
            }
            escaped = !escaped && scalar == "\\"
            result[result.count - 1].append(scalar)
        }
        return result
    }

    private static func expandBraces(_ node: [Unicode.Scalar]) throws -> [[Unicode.Scalar]] {
        guard let open = unescaped("{", in: node, from: 0),
            let close = unescaped("}", in: node, from: open + 1)
        else { return [node] }
        var choices: [[Unicode.Scalar]] = [[]]
        var escaped = false
        for scalar in node[(open + 1)..<close] {
            if scalar == ",", !escaped {
                choices.append([])
            } else {
                choices[choices.count - 1].append(scalar)
            }
            escaped = !escaped && scalar == "\\"
        }
        let rests = try expandBraces(Array(node[(close + 1)...]))
        guard choices.count * rests.count <= mostAlternatives else {
            throw EngineError(.invalidArgument, "the braces stand for more than \(mostAlternatives) names")
        }
        return choices.flatMap { choice in rests.map { Array(node[..<open]) + choice + $0 } }
    }

    private static func unescaped(_ wanted: Unicode.Scalar, in node: [Unicode.Scalar], from start: Int) -> Int? {
        var index = start
        while index < node.count {
            if node[index] == "\\" {
                index += 1
            } else if node[index] == wanted {
                return index
            }
            index += 1
        }
        return nil
    }

    private static func tokens(_ node: [Unicode.Scalar]) -> [Token] {
        var result: [Token] = []
        var index = 0
        while index < node.count {
            let scalar = node[index]
            index += 1
            switch scalar {
            case "\\":
                if index < node.count {
                    result.append(.character(node[index]))
                    index += 1
                }
            case "*":
                if result.last != .anyRun { result.append(.anyRun) }
            case "?": result.append(.anyOne)
            case "[":
                if let set = set(in: node, at: &index) {
                    result.append(set)
                } else {
                    result.append(.character("["))
                }
            default: result.append(.character(scalar))
            }
        }
        return result
    }

    /// Reads what follows `[`; nil, with `index` unchanged, when no `]` closes it: then it is an ordinary character.
    private static func set(in node: [Unicode.Scalar], at index: inout Int) -> Token? {
        var next = index
        let negated = next < node.count && (node[next] == "!" || node[next] == "^")
        if negated { next += 1 }
        let first = next
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while next < node.count, node[next] != "]" || next == first {
            let low = node[next]
            if next + 2 < node.count, node[next + 1] == "-", node[next + 2] != "]" {
                let high = node[next + 2]
                if low <= high { ranges.append(low...high) }
                next += 3
            } else {
                ranges.append(low...low)
                next += 1
            }
        }
        guard next < node.count else { return nil }
        index = next + 1
        return .oneOf(ranges, negated: negated)
    }
}
