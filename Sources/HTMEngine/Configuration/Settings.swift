// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The value of every key after all layers: defaults, files, `overrides/`, environment variables, command line.
package struct Settings: Sendable {
    /// Where a value comes from, for messages and `config print`.
    package enum Source: Sendable, Hashable, CustomStringConvertible {
        case byDefault
        case file(String)
        case variable(String)
        case commandLine(String)

        package var description: String {
            switch self {
            case .byDefault: "default"
            case .file(let path): path
            case .variable(let name): name
            case .commandLine(let option): option
            }
        }
    }

    package struct Value: Sendable {
        package let key: ConfigurationKey
        package fileprivate(set) var text: String
        package fileprivate(set) var source: Source
    }

    /// One per key, in the order of ``ConfigurationKey/all``.
    package private(set) var values: [Value]
    /// What deserves attention but stops nothing: keys nobody knows.
    package private(set) var warnings: [String] = []

    /// Every key at its default.
    package init() {
        values = ConfigurationKey.all.map { Value(key: $0, text: $0.defaultText, source: .byDefault) }
    }

    /// Reads the files of a directory and the variables on top of them.
    ///
    /// - Parameters:
    ///   - directory: Where the files are, each of which may be missing; nil for none.
    ///   - environment: The process's variables.
    /// - Throws: ``ConfigurationError`` naming file, section, key, value and what is expected.
    package init(directory: String?, environment: [String: String]) throws {
        var problems = ConfigurationProblems()
        try self.init(directory: directory, environment: environment, &problems)
        try problems.throwIfAny()
    }

    /// Goes on after a wrong value, with the key's default in its place, so that all of them are found.
    ///
    /// - Throws: ``ConfigurationError`` for a directory that isn't there.
    init(directory: String?, environment: [String: String], _ problems: inout ConfigurationProblems) throws {
        self.init()
        if let directory {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory), isDirectory.boolValue
            else {
                throw ConfigurationError(message: "the configuration directory \(directory) doesn't exist")
            }
            for file in ConfigurationKey.File.allCases { try read(file, in: directory, &problems) }
        }
        for index in values.indices {
            let variable = values[index].key.variable
            if let text = environment[variable] { set(index, text, .variable(variable)) }
        }
        for index in values.indices where try problems.gather({ try check(values[index]) }) == nil {
            values[index] = Value(key: values[index].key, text: values[index].key.defaultText, source: .byDefault)
        }
    }

    /// Sets a key from an option of the command line, which beats everything else.
    package mutating func override(_ key: ConfigurationKey, _ text: String, option: String) throws {
        let index = index(of: key)
        set(index, text, .commandLine(option))
        try check(values[index])
    }

    package func value(_ key: ConfigurationKey) -> Value { values[index(of: key)] }

    package func isSet(_ key: ConfigurationKey) -> Bool { value(key).source != .byDefault }

    // MARK: Typed values; the texts have been checked when they were read.

    package func text(_ key: ConfigurationKey) -> String { value(key).text }
    package func flag(_ key: ConfigurationKey) -> Bool { parsed(key, ConfigurationText.flag) }
    package func integer(_ key: ConfigurationKey) -> Int { parsed(key) { Int($0) } }
    package func number(_ key: ConfigurationKey) -> Double { parsed(key) { Double($0) } }
    package func bytes(_ key: ConfigurationKey) -> Int { parsed(key, ConfigurationText.memory) }
    package func list(_ key: ConfigurationKey) -> [String] { ConfigurationText.list(value(key).text) }

    /// The error for a value that is wrong in a way its kind doesn't say.
    package func wrong(_ key: ConfigurationKey, expected: String) -> ConfigurationError {
        Self.error(value(key), expected: expected)
    }

    private func parsed<Result>(_ key: ConfigurationKey, _ parse: (String) -> Result?) -> Result {
        guard let result = parse(value(key).text) else { preconditionFailure("\(key.name) isn't of that kind") }
        return result
    }

    private func index(of key: ConfigurationKey) -> Int {
        let index = ConfigurationKey.all.firstIndex {
            $0.file == key.file && $0.section == key.section && $0.name == key.name
        }
        guard let index else { preconditionFailure("\(key.name) is missing in ConfigurationKey.all") }
        return index
    }

    private mutating func set(_ index: Int, _ text: String, _ source: Source) {
        values[index].text = text
        values[index].source = source
    }

    private mutating func read(
        _ file: ConfigurationKey.File,
        in directory: String,
        _ problems: inout ConfigurationProblems
    ) throws {
        let overrides = directory + "/overrides"
        var merged: [(section: String, name: String, value: String, path: String)] = []
        for path in [directory + "/" + file.rawValue, overrides + "/" + file.rawValue] {
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let options = try problems.gather {
                let text: String
                do {
                    text = try String(contentsOfFile: path, encoding: .utf8)
                } catch {
                    throw ConfigurationError(message: "can't read \(path): \(error.localizedDescription)")
                }
                return try ConfigurationFile(text: text, path: path).options
            }
            for option in options ?? [] {
                merged.removeAll { $0.section == option.section && $0.name == option.name }
                merged.append((option.section, option.name, option.value, path))
            }
        }
        for option in merged where option.section != "DEFAULT" {
            let interpolated = try problems.gather {
                try ConfigurationText.interpolate(option.value) { name in
                    merged.first { $0.section == option.section && $0.name == name }?.value
                        ?? merged.first { $0.section == "DEFAULT" && $0.name == name }?.value
                } failure: { problem in
                    ConfigurationError(message: "\(option.path), [\(option.section)] \(option.name) \(problem)")
                }
            }
            guard let text = interpolated else { continue }
            let index = ConfigurationKey.all.firstIndex {
                $0.file == file && $0.section == option.section && $0.name == option.name
            }
            if let index {
                set(index, text, .file(option.path))
            } else {
                warnings.append("\(option.path), [\(option.section)] \(option.name): no such key, it has no effect")
            }
        }
    }

    private func check(_ value: Value) throws {
        let isRight =
            switch value.key.kind {
            case .text, .list: true
            case .flag: ConfigurationText.flag(value.text) != nil
            case .integer(let range): Int(value.text).map(range.contains) ?? false
            case .number(let range): Double(value.text).map(range.contains) ?? false
            case .choice(let choices): choices.contains(value.text)
            case .memory: ConfigurationText.memory(value.text) != nil
            }
        guard isRight else { throw Self.error(value, expected: value.key.expectation) }
    }

    private static func error(_ value: Value, expected: String) -> ConfigurationError {
        let key = value.key
        let place = "[\(key.section)] \(key.name)"
        let what = key.isSecret ? "the value given" : "'\(value.text)'"
        return switch value.source {
        case .file(let path): ConfigurationError(message: "\(path), \(place): \(what), expected \(expected)")
        case .byDefault: ConfigurationError(message: "\(key.file.rawValue), \(place): \(what), expected \(expected)")
        case .variable(let name):
            ConfigurationError(
                message: "variable \(name) (\(key.file.rawValue), \(place)): \(what), expected \(expected)"
            )
        case .commandLine(let option):
            ConfigurationError(message: "\(option) (\(key.file.rawValue), \(place)): \(what), expected \(expected)")
        }
    }
}

/// How texts of the configuration are read.
enum ConfigurationText {
    /// The words the original's parser takes, in any case.
    static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "1", "yes", "true", "on": true
        case "0", "no", "false", "off": false
        default: nil
        }
    }

    /// Bytes.
    static func memory(_ text: String) -> Int? {
        let text = text.uppercased().filter { $0 != " " }
        if text.hasSuffix("%") {
            guard let share = Double(text.dropLast()), (0...100).contains(share), share > 0 else { return nil }
            return Int(Double(ProcessInfo.processInfo.physicalMemory) * share / 100)
        }
        for (suffix, factor) in [("KB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("B", 1), ("", 1)]
        where text.hasSuffix(suffix) {
            guard let count = Double(text.dropLast(suffix.count)), count > 0, count * Double(factor) < 1e15 else {
                return nil
            }
            return Int(count * Double(factor))
        }
        return nil
    }

    static func list(_ text: String) -> [String] {
        text.split { $0 == "," || $0.isWhitespace }.map(String.init)
    }

    /// Replaces `%(name)s` by that option's value, and `%%` by `%`; a `%` before anything else stays.
    static func interpolate(
        _ text: String,
        depth: Int = 0,
        value: (String) -> String?,
        failure: (String) -> ConfigurationError
    ) throws -> String {
        guard depth < 10 else { throw failure("refers to itself through %(…)s") }
        var result = ""
        var rest = text[...]
        while let percent = rest.firstIndex(of: "%") {
            result += rest[..<percent]
            rest = rest[rest.index(after: percent)...]
            if rest.first == "%" {
                result += "%"
                rest = rest.dropFirst()
            } else if rest.first == "(" {
                guard let end = rest.range(of: ")s") else {
                    throw failure("has %( without )s; write %% for a percent sign")
                }
                let name = rest[rest.index(after: rest.startIndex)..<end.lowerBound].lowercased()
                guard let replacement = value(name) else { throw failure("refers to %(\(name))s, which isn't there") }
                result += try interpolate(replacement, depth: depth + 1, value: value, failure: failure)
                rest = rest[end.upperBound...]
            } else {
                result += "%"
            }
        }
        return result + rest
    }

    /// Replaces `$NAME`, `${NAME}` and a leading `~` or `~user`, as a shell does.
    static func expandPath(_ text: String, environment: [String: String]) -> String {
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            let isBraced = rest.first == "{"
            let body = isBraced ? rest.dropFirst() : rest
            let name = body.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            let after = body[name.endIndex...]
            if !name.isEmpty, !isBraced || after.first == "}", let value = environment[String(name)] {
                result += value
                rest = isBraced ? after.dropFirst() : after
            } else {
                result += "$"
            }
        }
        result += rest
        guard result.hasPrefix("~") else { return result }
        if result == "~" || result.hasPrefix("~/"), let home = environment["HOME"] { return home + result.dropFirst() }
        return NSString(string: result).expandingTildeInPath
    }
}
