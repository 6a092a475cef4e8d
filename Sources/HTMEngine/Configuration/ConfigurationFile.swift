// SPDX-License-Identifier: Apache-2.0

internal import CInih
import Foundation

/// The sections and options of one INI file, as the original's parser reads them: section names as written, option names in
/// lower case, a line that begins with a blank continues the value before it, the last of two equal options counts.
package struct ConfigurationFile: Sendable {
    package struct Option: Sendable {
        package var section: String
        package var name: String
        package var value: String
        package var line: Int
    }

    /// In the order of the file; each section and name once.
    package private(set) var options: [Option] = []

    /// - Parameters:
    ///   - text: The file's contents.
    ///   - path: For messages.
    /// - Throws: ``ConfigurationError`` naming file and line.
    package init(text: String, path: String) throws {
        let reader = LineReader(text: text)
        let context = Unmanaged.passUnretained(reader).toOpaque()
        let status = ini_parse_stream(readLine, context, takeOption, context)
        let problem =
            reader.problem ?? (status > 0 ? (Int(status), "is neither a section, an option nor a comment") : nil)
        if let (line, what) = problem {
            throw ConfigurationError(message: "\(path), line \(line) \(what)")
        }
        if status < 0 { throw ConfigurationError(message: "\(path) can't be read as a configuration file") }
        options = reader.options
    }

    func value(section: String, name: String) -> String? {
        options.first { $0.section == section && $0.name == name }?.value
    }
}

/// What libinih reads from and writes to while it parses.
private final class LineReader {
    private var lines: [Substring]
    private var next = 0
    var options: [ConfigurationFile.Option] = []
    var problem: (line: Int, what: String)?

    init(text: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    var lineNumber: Int { next }

    /// The line libinih is working on continues the value before it.
    var continues: Bool { next > 0 && (lines[next - 1].first == " " || lines[next - 1].first == "\t") }

    /// As `fgets`.
    func read(into buffer: UnsafeMutablePointer<CChar>, capacity: Int) -> UnsafeMutablePointer<CChar>? {
        guard next < lines.count, problem == nil else { return nil }
        let bytes = Array(lines[next].utf8)
        next += 1
        guard bytes.count < capacity - 1, !bytes.contains(0) else {
            problem = (
                next,
                "is longer than \(capacity - 2) bytes or holds a zero byte; continue long values on a line that begins with a blank"
            )
            return nil
        }
        for (index, byte) in bytes.enumerated() { buffer[index] = CChar(bitPattern: byte) }
        buffer[bytes.count] = CChar(UInt8(ascii: "\n"))
        buffer[bytes.count + 1] = 0
        return buffer
    }

    func take(section: String, name: String, value: String) {
        let name = name.lowercased()
        if let index = options.firstIndex(where: { $0.section == section && $0.name == name }) {
            options[index].value = continues ? options[index].value + "\n" + value : value
            options[index].line = lineNumber
        } else {
            options.append(.init(section: section, name: name, value: value, line: lineNumber))
        }
    }
}

private func readLine(
    _ buffer: UnsafeMutablePointer<CChar>?,
    _ capacity: Int32,
    _ context: UnsafeMutableRawPointer?
) -> UnsafeMutablePointer<CChar>? {
    guard let buffer, let context else { return nil }
    return Unmanaged<LineReader>.fromOpaque(context).takeUnretainedValue().read(into: buffer, capacity: Int(capacity))
}

private func takeOption(
    _ context: UnsafeMutableRawPointer?,
    _ section: UnsafePointer<CChar>?,
    _ name: UnsafePointer<CChar>?,
    _ value: UnsafePointer<CChar>?
) -> Int32 {
    guard let context, let section, let name else { return 1 }
    Unmanaged<LineReader>.fromOpaque(context).takeUnretainedValue()
        .take(
            section: String(cString: section),
            name: String(cString: name),
            value: value.map { String(cString: $0) } ?? ""
        )
    return 1
}
