// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation

/// Runs a program for each alert: JSON on its standard input, the most important fields in `HTMENGINE_ALERT_…` variables.
///
/// No shell stands between, so nothing in a metric's name can become a command. Exit status 0 means taken over.
package struct CommandSink: AlertSink {
    package let name = "command"
    private let words: [String]
    private let timeoutSeconds: Int

    /// - Parameter command: An absolute path and arguments, separated by blanks.
    /// - Throws: `EngineError` with code `configuration`.
    package init(command: String, timeoutSeconds: Int = 30) throws {
        words = command.split(separator: " ").map(String.init)
        guard let program = words.first, program.hasPrefix("/") else {
            throw EngineError(.configuration, "the command has no absolute path; expected /PATH/PROGRAM and arguments")
        }
        self.timeoutSeconds = timeoutSeconds
    }

    package func deliver(_ delivery: AlertDelivery) throws {
        let event = delivery.event
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("_NTA_UTILS_CONFIG__") }
            .merging([
                "HTMENGINE_ALERT_ID": event.id, "HTMENGINE_ALERT_PHASE": delivery.phase.rawValue,
                "HTMENGINE_ALERT_KIND": event.kind.rawValue, "HTMENGINE_ALERT_METRIC": event.metric,
                "HTMENGINE_ALERT_SERVER": event.server, "HTMENGINE_ALERT_TEXT": AlertText.subject(delivery),
            ]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let input = Pipe()
        process.standardInput = input
        do {
            try process.run()
        } catch {
            throw EngineError(.failed, "\(words[0]) can't be run: \(error.localizedDescription)")
        }
        // Shorter than a pipe's buffer, so this can't block. A program that doesn't read is no failure.
        signal(SIGPIPE, SIG_IGN)
        try? input.fileHandleForWriting.write(contentsOf: Data((AlertText.json(delivery) + "\n").utf8))
        try? input.fileHandleForWriting.close()
        let deadline = Date(timeIntervalSinceNow: Double(timeoutSeconds))
        while process.isRunning, Date() < deadline { usleep(20_000) }
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            throw EngineError(.failed, "\(words[0]) was stopped after \(timeoutSeconds) s")
        }
        guard process.terminationStatus == 0 else {
            throw EngineError(.failed, "\(words[0]) ended with status \(process.terminationStatus)")
        }
    }
}
