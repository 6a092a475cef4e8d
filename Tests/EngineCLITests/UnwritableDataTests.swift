// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A data directory the engine may not write to.
@Suite struct UnwritableDataTests {
    /// Runs a subcommand so that permissions count, which they don't for root with all its capabilities.
    private func command(_ words: [String]) throws -> Finished {
        let bound = getuid() == 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"] : []
        return try run(["timeout", "120"] + bound + [RunningEngine.binary] + words)
    }

    @Test(arguments: [0o555, 0o000])
    func aReadOnlyDirectoryIsNamedAndLeftAsItIs(_ mode: Int) throws {
        let directory = try TemporaryDirectory()
        let data = directory.path("data")
        do {
            let engine = try RunningEngine(dataDirectory: data)
            #expect(try engine.curl("/m", "-d", "1 100").output.hasPrefix("Saved"))
            #expect(engine.stop() == 0)
        }
        let before = try FileManager.default.contentsOfDirectory(atPath: data).sorted()
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: data)
        defer { try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: data) }
        let refused = try command(["serve", "--data", data, "--http", "localhost:0", "--graphite", "localhost:0"])
        #expect(refused.status == 1)
        #expect(refused.errorOutput.contains(data), "\(refused.errorOutput)")
        #expect(refused.errorOutput.lowercased().contains("permission denied"), "\(refused.errorOutput)")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: data)
        #expect(try FileManager.default.contentsOfDirectory(atPath: data).sorted() == before)
        // It runs again once it may write.
        let engine = try RunningEngine(dataDirectory: data)
        #expect(try engine.curl("/m").output == "/m 1.0 100 None\n")
    }

    @Test func aReadOnlyFileIsNamed() throws {
        let directory = try TemporaryDirectory()
        let data = directory.path("data")
        do {
            let engine = try RunningEngine(dataDirectory: data)
            #expect(engine.stop() == 0)
        }
        let file = data + "/htmengine.sqlite"
        try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: file)
        let refused = try command(["serve", "--data", data, "--http", "localhost:0", "--graphite", "localhost:0"])
        #expect(refused.status == 1)
        let expected = "\(file) can't be written: expected a file that user"
        #expect(refused.errorOutput.contains(expected), "\(refused.errorOutput)")
    }

    /// The system refuses writes while the engine runs, as a disk does that went read-only: senders are told, nothing that was
    /// acknowledged is lost, and it goes on by itself when that has passed.
    @Test func aDiskThatTakesNothingMoreIsNamedAndRecoveredFrom() throws {
        let directory = try TemporaryDirectory()
        let data = directory.path("data")
        let engine = try RunningEngine(dataDirectory: data)
        func limitFileSize(_ limit: String) throws {
            let finished = try run(["prlimit", "--pid", String(engine.processIdentifier), "--fsize=\(limit):"])
            #expect(finished.status == 0, "\(finished.errorOutput)")
        }
        #expect(try engine.curl("/m", "-X", "PUT", "-d", #"{"min":0, "max":10}"#).output.hasPrefix("Created"))
        #expect(try engine.curl("/m", "-d", "1 100").output.hasPrefix("Saved"))
        // Beyond what the log of the test needs, and below what the database's log has reached by making its tables.
        try limitFileSize("65536")
        let refused = try engine.curl("/m", "-d", "2 200", "-w", "%{http_code}").output
        #expect(refused.hasSuffix("503"), "\(refused)")
        #expect(refused.contains("disk I/O error (\(data)/htmengine.sqlite)"), "\(refused)")
        // What is there can be read, and it says that it doesn't take samples.
        #expect(try engine.curl("/m").output.hasPrefix("/m 1.0 100 "))
        #expect(try engine.curl("/metrics").output.contains("htmengine_storage_available 0\n"))
        try limitFileSize("unlimited")
        #expect(try engine.curl("/m", "-d", "2 200").output.hasPrefix("Saved"))
        #expect(try engine.curl("/metrics").output.contains("htmengine_storage_available 1\n"))
        let rows = try eventually("both rows are scored") {
            let rows = try engine.curl("/m").output
            return rows.contains("None") ? nil : rows
        }
        #expect(rows == "/m 1.0 100 0.0\n/m 2.0 200 0.0\n")
        #expect(engine.log.contains("the database takes samples again"), "\(engine.log)")
        #expect(engine.stop() == 0, "\(engine.log)")
        let verified = try engine.command("verify")
        #expect(verified.status == 0, "\(verified.output)")
    }
}
