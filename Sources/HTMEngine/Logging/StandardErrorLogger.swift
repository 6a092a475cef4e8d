// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation

/// Writes log lines to standard error, one write call each, so that lines of several threads never mix.
///
/// Times are UTC. Control characters in messages are escaped: a metric's name can't forge a line or colour a terminal.
package struct StandardErrorLogger: Logger {
    package enum Format: String, Sendable, CaseIterable {
        /// `2026-11-23 12:00:00Z info runner: message`
        case text
        /// One JSON object a line with `time`, `level`, `service` and `message`.
        case json
    }

    package let level: LogLevel
    let format: Format
    let descriptor: Int32
    let clock: any EngineClock

    package init(
        level: LogLevel,
        format: Format,
        descriptor: Int32 = STDERR_FILENO,
        clock: any EngineClock = SystemClock()
    ) {
        self.level = level
        self.format = format
        self.descriptor = descriptor
        self.clock = clock
    }

    package func log(_ level: LogLevel, _ service: String, _ message: String) {
        guard level >= self.level else { return }
        let line = Self.line(format, time: clock.wallSeconds(), level: level, service: service, message: message)
        let bytes = Array(line.utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // Nobody to tell when standard error is gone.
            guard count > 0 else { return }
            written += count
        }
    }

    /// The text of one line, with its line end.
    package static func line(_ format: Format, time: Int64, level: LogLevel, service: String, message: String) -> String
    {
        switch format {
        case .text:
            return "\(Timestamps.sqlText(time))Z \(level) \(service): \(escaped(message))\n"
        case .json:
            var writer = JSONWriter()
            writer.beginObject()
            writer.field("time", Timestamps.sqlText(time).replacing(" ", with: "T") + "Z")
            writer.field("level", "\(level)")
            writer.field("service", service)
            writer.field("message", message)
            writer.endObject()
            return writer.text + "\n"
        }
    }

    private static func escaped(_ message: String) -> String {
        guard message.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            return message
        }
        var result = ""
        for scalar in message.unicodeScalars {
            if scalar.properties.generalCategory == .control {
                result += scalar == "\n" ? "\\n" : "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Configuration {
    /// The logger the configuration asks for.
    package func makeLogger() -> StandardErrorLogger {
        let level = LogLevel.allCases.first { "\($0)" == settings.text(.logLevel) } ?? .info
        return StandardErrorLogger(level: level, format: .init(rawValue: settings.text(.logFormat)) ?? .text)
    }
}
