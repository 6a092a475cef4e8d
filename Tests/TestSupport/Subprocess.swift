// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A program run to its end.
package struct Finished: Sendable {
    package var status: Int32
    package var output: String
    package var errorOutput: String
}

/// Runs a program found on PATH (or at a path) and waits for it.
///
/// Output goes through files, so that no amount of it can block.
@discardableResult
package func run(
    _ arguments: [String],
    input: String = "",
    environment: [String: String] = [:],
    directory: String? = nil
) throws -> Finished {
    let scratch = try TemporaryDirectory()
    try scratch.write(input, to: "in")
    try scratch.write("", to: "out")
    try scratch.write("", to: "err")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    process.standardInput = FileHandle(forReadingAtPath: scratch.path("in"))
    process.standardOutput = FileHandle(forWritingAtPath: scratch.path("out"))
    process.standardError = FileHandle(forWritingAtPath: scratch.path("err"))
    try process.runWithSignals()
    process.waitUntilExit()
    return Finished(
        status: process.terminationStatus,
        output: try String(contentsOfFile: scratch.path("out"), encoding: .utf8),
        errorOutput: try String(contentsOfFile: scratch.path("err"), encoding: .utf8)
    )
}

extension Process {
    /// Starts the program with no signal blocked.
    ///
    /// Tests run on Dispatch's threads, which block every signal, and children inherit that: they would outlive a SIGTERM.
    package func runWithSignals() throws {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try run()
    }
}
