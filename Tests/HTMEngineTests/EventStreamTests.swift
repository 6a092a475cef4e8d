// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import HTMEngine
import HTTPAPI
import Synchronization
import TestSupport
import Testing

/// What an application hears of an engine on its socket.
@Suite struct EventStreamTests {
    /// Gives its text, then stays silent until it is cancelled.
    private final class Events: HTTPBodySource {
        private let text: Monitor<String?>
        private let isCancelled = Monitor(false)

        init(_ text: String) { self.text = Monitor(text) }

        func next() -> [UInt8]? {
            let first = text.withLock { text in
                defer { text = nil }
                return text
            }
            if let first { return Array(first.utf8) }
            return isCancelled.wait(timeoutMilliseconds: 10_000) { $0 ? true : nil } == true ? nil : Array(":\n\n".utf8)
        }

        func cancel() { isCancelled.update { $0 = true } }
    }

    private final class Warnings: Logger {
        let lines = Mutex<[String]>([])
        var level: LogLevel { .warning }
        func log(_ level: LogLevel, _ service: String, _ message: String) { lines.withLock { $0.append(message) } }
    }

    @Test func anEventThatCannotBeReadIsReportedAndHarmsNoOther() throws {
        let directory = try TemporaryDirectory()
        let text = """
            event: command
            data: {"method":"deleteModel","modelId":"m1"

            event: command
            data: {"method":"eatModel","modelId":"m2","commandId":"c","status":0}

            event: command
            data: {"method":"deleteModel",
            data:  "modelId":"m3","commandId":"c","status":0}


            """
        let server = HTTPServer(logger: SilentLogger()) { _ in HTTPResponse(status: 200, body: .stream(Events(text))) }
        try server.serve(ListeningSocket.bindUnix(path: directory.path("s")), isLocal: true)
        defer { server.stop() }
        let warnings = Warnings()
        let subscription = try SocketAccess(socketPath: directory.path("s"), logger: warnings).subscribe(queue: nil)
        defer { subscription.cancel() }
        let messages = try eventually("a message") { () -> [EngineMessage]? in
            let messages = try #require(subscription.next(timeoutMilliseconds: 100))
            return messages.isEmpty ? nil : messages
        }
        #expect(messages.map(\.uid) == ["m3"])
        let lines = warnings.lines.withLock { $0 }
        #expect(lines.count == 2)
        #expect(lines.first?.contains("not valid JSON") == true && lines.first?.contains("\"m1\"") == true, "\(lines)")
        #expect(
            lines.last?.contains("$.method is \"eatModel\"; expected defineModel or deleteModel") == true,
            "\(lines)"
        )
    }
}
