// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The real binary running `serve` on free ports with a data directory of its own; killed when the value goes away.
package final class RunningEngine {
    /// The binary beside the running tests.
    package static let binary = program("htmengine")

    /// Path of another executable of this package, built with the tests.
    package static func program(_ name: String) -> String {
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appendingPathComponent(name).path
    }

    package let dataDirectory: String
    package private(set) var httpPort: UInt16 = 0
    package private(set) var graphitePort: UInt16 = 0
    package private(set) var startupText = ""
    private let process = Process()
    private let scratch: TemporaryDirectory

    /// Starts the engine and waits until it says where it listens.
    ///
    /// - Parameter wrapper: A program with its arguments that becomes the engine, such as `unshare --mount`.
    package init(
        dataDirectory: String,
        options: [String] = [],
        environment: [String: String] = [:],
        wrapper: [String] = []
    ) throws {
        self.dataDirectory = dataDirectory
        let scratch = try TemporaryDirectory()
        self.scratch = scratch
        try scratch.write("", to: "out")
        try scratch.write("", to: "err")
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            wrapper + [
                Self.binary, "serve", "--data", dataDirectory, "--http", "localhost:0", "--graphite", "localhost:0",
            ] + options
        // What the tests ask of the allocator for themselves isn't meant for the engine.
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("MALLOC_") }
            .merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: scratch.path("out"))
        process.standardError = FileHandle(forWritingAtPath: scratch.path("err"))
        try process.runWithSignals()
        startupText = try eventually("the engine says it is running; \(log)") {
            let text = try String(contentsOfFile: scratch.path("out"), encoding: .utf8)
            if !process.isRunning { throw PollingTimeout(description: "the engine ended: \(log)") }
            return text.contains("Stop ") ? text : nil
        }
        httpPort = port(after: "HTTP to 127.0.0.1:")
        graphitePort = port(after: "Graphite plaintext to 127.0.0.1:")
    }

    deinit { kill() }

    /// What it wrote to standard error.
    package var log: String { (try? String(contentsOfFile: scratch.path("err"), encoding: .utf8)) ?? "" }

    private func port(after text: String) -> UInt16 {
        guard let found = startupText.range(of: text) else { return 0 }
        return UInt16(startupText[found.upperBound...].prefix { $0.isNumber }) ?? 0
    }

    package var processIdentifier: Int32 { process.processIdentifier }

    package var url: String { "http://localhost:\(httpPort)" }

    /// Asks it to stop, waits, and returns its exit status.
    package func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// The end nobody can prepare for.
    package func kill() {
        guard process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Runs another subcommand on the same data directory.
    package func command(_ words: String...) throws -> Finished {
        try run([Self.binary] + words + ["--data", dataDirectory])
    }

    /// Runs curl on a path of this engine, quietly.
    package func curl(_ path: String, _ options: String..., input: String = "") throws -> Finished {
        try run(["curl", "-s", url + path] + options, input: input)
    }
}
