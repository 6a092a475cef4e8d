// SPDX-License-Identifier: Apache-2.0

/// How important a log line is, least first.
package enum LogLevel: Int, Sendable, Comparable, CaseIterable {
    case debug, info, warning, error

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// Where log lines go.
///
/// Implementations are thread-safe and never throw; they must not block for long.
package protocol Logger: Sendable {
    /// Lines below this level are not worth composing.
    var level: LogLevel { get }
    /// Writes one line. `service` names the part that speaks, e.g. `runner`.
    func log(_ level: LogLevel, _ service: String, _ message: String)
}

extension Logger {
    package func debug(_ service: String, _ message: @autoclosure () -> String) {
        if level <= .debug { log(.debug, service, message()) }
    }

    package func info(_ service: String, _ message: @autoclosure () -> String) {
        if level <= .info { log(.info, service, message()) }
    }

    package func warning(_ service: String, _ message: @autoclosure () -> String) {
        if level <= .warning { log(.warning, service, message()) }
    }

    package func error(_ service: String, _ message: @autoclosure () -> String) {
        log(.error, service, message())
    }
}

/// A logger that keeps nothing.
package struct SilentLogger: Logger {
    package init() {}
    package var level: LogLevel { .error }
    package func log(_ level: LogLevel, _ service: String, _ message: String) {}
}
