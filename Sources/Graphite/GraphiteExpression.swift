// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// One target of a render request, parsed.
package indirect enum GraphiteExpression: Sendable, Hashable {
    /// A metric name or pattern as written, escapes included.
    case path(String)
    case call(name: String, arguments: [GraphiteExpression], named: [String: GraphiteExpression])
    case number(GraphiteNumber)
    case string(String)
    case boolean(Bool)
    case none

    /// The first path in the expression, going down first arguments; what `aliasByNode` looks at.
    var firstPath: String? {
        switch self {
        case .path(let path): path
        case .call(_, let arguments, _): arguments.first?.firstPath
        default: nil
        }
    }
}

/// A number in a target, whole or not, because its text appears in the names of series.
package struct GraphiteNumber: Sendable, Hashable {
    package var value: Double
    package var isWhole: Bool

    package init(_ value: Double, isWhole: Bool) {
        self.value = value
        self.isWhole = isWhole
    }

    /// As Python prints it: `100`, `123.456`.
    var text: String {
        isWhole && value.magnitude < 9e15 ? String(Int64(value)) : NumberFormat.shortest(value)
    }
}

/// Reads targets: `alias(scale(web.*.load,10),"Load")`, `web.{a,b}.load|sumSeries()`.
///
/// Source of the grammar: Graphite's documentation, "Functions", and graphite-web's behaviour. Unlike it, text after a complete
/// expression is an error.
package struct GraphiteParser {
    /// Longest target. Unit: bytes.
    package static let longestTarget = 16 * 1024
    /// Deepest nesting of calls.
    package static let deepestNesting = 32

    private let text: [UInt8]
    private var position = 0
    private var depth = 0

    /// Parses one target.
    /// - Throws: `EngineError` with code `invalidArgument`.
    package static func parse(_ target: String) throws -> GraphiteExpression {
        guard target.utf8.count <= longestTarget else {
            throw EngineError(.invalidArgument, "the target is longer than \(longestTarget) bytes")
        }
        var parser = GraphiteParser(text: Array(target.utf8))
        let expression = try parser.piped()
        parser.skipBlanks()
        guard parser.position == parser.text.count else { throw parser.wrong("a comma, a pipe or the end") }
        return expression
    }

    private init(text: [UInt8]) { self.text = text }

    // MARK: Expressions

    private mutating func piped() throws -> GraphiteExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepestNesting else {
            throw EngineError(.invalidArgument, "the target is nested more than \(Self.deepestNesting) calls deep")
        }
        var result = try callOrPath()
        while true {
            skipBlanks()
            guard take("|") else { return result }
            skipBlanks()
            guard case .call(let name, let arguments, let named) = try callOrPath() else {
                throw wrong("a function call after the pipe")
            }
            result = .call(name: name, arguments: [result] + arguments, named: named)
        }
    }

    private mutating func callOrPath() throws -> GraphiteExpression {
        skipBlanks()
        let start = position
        if let name = identifier() {
            let afterName = position
            skipBlanks()
            if take("(") { return try call(name) }
            position = afterName
        }
        position = start
        return .path(try path())
    }

    private mutating func call(_ name: String) throws -> GraphiteExpression {
        var arguments: [GraphiteExpression] = []
        var named: [String: GraphiteExpression] = [:]
        skipBlanks()
        if take(")") { return .call(name: name, arguments: [], named: [:]) }
        while true {
            skipBlanks()
            if let key = argumentName() {
                guard named.updateValue(try argument(), forKey: key) == nil else {
                    throw EngineError(.invalidArgument, "\(name) has the argument \(key) twice")
                }
            } else {
                guard named.isEmpty else { throw wrong("name=value, since arguments by name come last") }
                arguments.append(try argument())
            }
            skipBlanks()
            if take(")") { return .call(name: name, arguments: arguments, named: named) }
            guard take(",") else { throw wrong("a comma or a closing parenthesis") }
        }
    }

    private mutating func argumentName() -> String? {
        let start = position
        if let name = identifier() {
            skipBlanks()
            if take("=") { return name }
        }
        position = start
        return nil
    }

    private mutating func argument() throws -> GraphiteExpression {
        skipBlanks()
        if let quote = current, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            return .string(try quoted(quote))
        }
        // A number or a word only when it fills the argument: `1min.load` and `true.positives` are metrics.
        let start = position
        while let byte = current, !",) \t".utf8.contains(byte) { position += 1 }
        let token = String(decoding: text[start..<position], as: UTF8.self)
        skipBlanks()
        if current == nil || current == UInt8(ascii: ",") || current == UInt8(ascii: ")") {
            switch token.lowercased() {
            case "true": return .boolean(true)
            case "false": return .boolean(false)
            case "none": return .none
            case "inf": return .number(GraphiteNumber(.infinity, isWhole: false))
            default: break
            }
            if let number = Self.number(token) { return .number(number) }
        }
        position = start
        return try piped()
    }

    private static func number(_ token: String) -> GraphiteNumber? {
        let digits = token.utf8.first == UInt8(ascii: "-") ? token.utf8.dropFirst() : token.utf8[...]
        guard let first = digits.first, (48...57).contains(first),
            digits.allSatisfy({ (48...57).contains($0) || ".eE-".utf8.contains($0) }),
            let value = Double(token), value.isFinite
        else { return nil }
        return GraphiteNumber(value, isWhole: digits.allSatisfy { (48...57).contains($0) })
    }

    private mutating func quoted(_ quote: UInt8) throws -> String {
        position += 1
        let start = position
        while let byte = current, byte != quote { position += 1 }
        guard current == quote else { throw wrong("a closing quote") }
        defer { position += 1 }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    // MARK: Paths

    private mutating func path() throws -> String {
        let start = position
        var inBraces = false
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\\"):
                guard position + 1 < text.count else { throw wrong("a character after the backslash") }
                position += 1
            case UInt8(ascii: "{"):
                guard !inBraces else { throw wrong("no braces within braces") }
                inBraces = true
            case UInt8(ascii: "}"):
                guard inBraces else { throw wrong("an opening brace before the closing one") }
                inBraces = false
            case UInt8(ascii: ","):
                if !inBraces { return try checkedPath(from: start) }
            case 0...0x20, UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "|"), UInt8(ascii: "'"),
                UInt8(ascii: "\""), 0x7F:
                guard !inBraces else { throw wrong("a closing brace") }
                return try checkedPath(from: start)
            default: break
            }
            position += 1
        }
        guard !inBraces else { throw wrong("a closing brace") }
        return try checkedPath(from: start)
    }

    private func checkedPath(from start: Int) throws -> String {
        guard position > start else { throw wrong("a metric name or a function call") }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    // MARK: Characters

    private var current: UInt8? { position < text.count ? text[position] : nil }

    private mutating func skipBlanks() {
        while let byte = current, byte == 0x20 || (9...13).contains(byte) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Letters, digits and underscores, not beginning with a digit.
    private mutating func identifier() -> String? {
        let start = position
        while let byte = current {
            let isLetter = (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
            guard isLetter || (position > start && (48...57).contains(byte)) else { break }
            position += 1
        }
        return position > start ? String(decoding: text[start..<position], as: UTF8.self) : nil
    }

    private func wrong(_ expected: String) -> EngineError {
        let rest = String(decoding: text[min(position, text.count)...].prefix(20), as: UTF8.self)
        let found = rest.isEmpty ? "its end" : "'\(rest)'"
        return EngineError(
            .invalidArgument,
            "the target can't be read at character \(position + 1) (\(found)); expected \(expected)"
        )
    }
}
