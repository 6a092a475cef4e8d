// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A mount namespace for an engine of its own, so that tests mount what they like and nobody else sees it.
private enum MountNamespace {
    private static let enter = getuid() == 0 ? ["unshare", "--mount"] : ["unshare", "--map-root-user", "--mount"]

    /// Why this system can't do it; nil when it can.
    static let obstacle: String? = {
        do {
            let tried = try run(enter + ["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
            return tried.status == 0 ? nil : "this system lets us mount nothing: \(tried.errorOutput)"
        } catch {
            return "\(error)"
        }
    }()

    /// Runs commands of a shell in a new namespace and then becomes the program whose words follow.
    static func wrapper(_ commands: String) -> [String] { enter + ["sh", "-c", commands + #" && exec "$@""#, "sh"] }

    /// Runs a program in the namespace of an engine.
    static func command(in engine: RunningEngine, _ words: String...) throws -> Finished {
        let user = getuid() == 0 ? [] : ["--user", "--preserve-credentials"]
        return try run(["nsenter", "--target", "\(engine.processIdentifier)", "--mount"] + user + words)
    }
}

/// Disks that are full or read-only: real file systems, in a mount namespace.
@Suite(.enabled(if: MountNamespace.obstacle == nil, "\(MountNamespace.obstacle ?? "")"))
struct MountedDataTests {
    private let directory: TemporaryDirectory
    private let data: String

    init() throws {
        directory = try TemporaryDirectory()
        data = directory.path("data")
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    }

    private func counter(_ engine: RunningEngine, _ name: String) throws -> Int {
        let line = try engine.curl("/metrics").output.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
    }

    private func time(_ row: Int) -> Int { 1_600_000_000 + row * 300 }

    @Test func aFullDiskRefusesSamplesAndTakesThemAgainWhenThereIsRoom() throws {
        let engine = try RunningEngine(
            dataDirectory: data,
            wrapper: MountNamespace.wrapper("mount -t tmpfs -o size=32m tmpfs \(data)")
        )
        #expect(try engine.curl("/m", "-X", "PUT", "-d", #"{"min":0, "max":100}"#).output.hasPrefix("Created"))
        let filled = try MountNamespace.command(in: engine, "sh", "-c", "cat /dev/zero > \(data)/ballast")
        #expect(filled.errorOutput.contains("No space left on device"), "\(filled.errorOutput)")
        // What the database's log has room for is still taken.
        var stored = 0
        var refused = ""
        while refused.isEmpty, stored < 100_000 {
            let body = (stored..<stored + 500).map { "\($0 % 100) \(time($0))\n" }.joined()
            let answer = try engine.curl("/m", "--data-binary", "@-", "-w", "%{http_code}", input: body).output
            if answer.hasSuffix("200") { stored += 500 } else { refused = answer }
        }
        #expect(refused.hasSuffix("503"), "\(refused)")
        #expect(refused.contains("full"), "\(refused)")
        #expect(!refused.contains("Saved"), "\(refused)")
        let sender = try RawConnection(port: engine.graphitePort)
        let next = (stored..<stored + 500).map { "m \($0 % 100) \(time($0))\n" }.joined()
        try sender.send(next)
        sender.finishSending()
        let failure = #expect(throws: RawConnection.Failure.self) { try sender.receive() }
        #expect(failure?.code == ECONNRESET)
        #expect(try counter(engine, "htmengine_storage_available") == 0)
        // What is there can be read.
        #expect(try engine.curl("/m").output.split(separator: "\n").count == stored)

        let emptied = try MountNamespace.command(in: engine, "rm", "\(data)/ballast")
        #expect(emptied.status == 0, "\(emptied.errorOutput)")
        let again = try RawConnection(port: engine.graphitePort)
        try again.send(next)
        again.finishSending()
        #expect(try again.receive().isEmpty)
        let rows = try eventually("all rows are scored; \(engine.log)") {
            let text = try engine.curl("/m").output
            return text.contains("None") ? nil : text.split(separator: "\n").map { $0.split(separator: " ") }
        }
        #expect(rows.map { String($0[2]) } == (0..<stored + 500).map { "\(time($0))" })
        #expect(try counter(engine, "htmengine_storage_available") == 1)
        #expect(engine.log.contains("the database takes samples again"), "\(engine.log)")
        let verified = try MountNamespace.command(in: engine, RunningEngine.binary, "verify", "--data", data)
        #expect(verified.status == 0, "\(verified.output) \(verified.errorOutput)")
        #expect(engine.stop() == 0, "\(engine.log)")
    }

    @Test func aDirectoryMountedReadOnlyIsNamedAndLeftAsItIs() throws {
        do {
            let engine = try RunningEngine(dataDirectory: data)
            #expect(try engine.curl("/m", "-d", "1 100").output.hasPrefix("Saved"))
            #expect(engine.stop() == 0)
        }
        let before = try FileManager.default.contentsOfDirectory(atPath: data).sorted()
        let serve = [
            RunningEngine.binary, "serve", "--data", data, "--http", "localhost:0", "--graphite", "localhost:0",
        ]
        let refused = try run(
            MountNamespace.wrapper("mount --bind \(data) \(data) && mount -o remount,bind,ro \(data)")
                + ["timeout", "120"] + serve
        )
        #expect(refused.status == 1)
        #expect(refused.errorOutput.contains(data), "\(refused.errorOutput)")
        #expect(refused.errorOutput.contains("Read-only file system"), "\(refused.errorOutput)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: data).sorted() == before)
        let engine = try RunningEngine(dataDirectory: data)
        #expect(try engine.curl("/m").output == "/m 1.0 100 None\n")
        #expect(engine.stop() == 0)
    }

    /// The checkpoints' file system turns read-only while the engine runs: scoring goes on, and so does saving when that has passed.
    @Test func checkpointsWaitUntilTheirFileSystemCanBeWrittenAgain() throws {
        let root = directory.path("models")
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        _ = try directory.write("[repository]\nengine = sqlite\n[bus]\nengine = memory\n", to: "conf/application.conf")
        _ = try directory.write("[storage]\nroot = \(root)\n", to: "conf/model-checkpoint.conf")
        let swapper = "[model_runner]\ntarget_requests_per_checkpoint = 20\n"
        _ = try directory.write(swapper, to: "conf/model-swapper.conf")
        let engine = try RunningEngine(
            dataDirectory: data,
            options: ["--config", directory.path("conf")],
            wrapper: MountNamespace.wrapper("true")
        )
        func send(_ rows: Range<Int>) throws {
            let body = rows.map { "\($0 % 24) \(time($0))\n" }.joined()
            #expect(try engine.curl("/m", "--data-binary", "@-", input: body).output.hasPrefix("Saved"))
            try eventually("\(rows.upperBound) rows are scored; \(engine.log)") {
                let text = try engine.curl("/m").output
                return !text.contains("None") && text.split(separator: "\n").count == rows.upperBound ? true : nil
            }
        }
        #expect(try engine.curl("/m", "-X", "PUT", "-d", #"{"min":0, "max":24}"#).output.hasPrefix("Created"))
        try send(0..<30)
        try eventually("a checkpoint is saved") {
            try counter(engine, "htmengine_checkpoints_saved_total") == 1 ? true : nil
        }
        let mounted = try MountNamespace.command(
            in: engine,
            "sh",
            "-c",
            "mount --bind \(root) \(root) && mount -o remount,bind,ro \(root)"
        )
        #expect(mounted.status == 0, "\(mounted.errorOutput)")
        try send(30..<100)
        try eventually("saving fails") { try counter(engine, "htmengine_checkpoint_errors_total") > 0 ? true : nil }
        let complaint = try eventually("it is said that saving fails; \(engine.log)") {
            engine.log.split(separator: "\n").first { $0.contains("checkpoints can't be saved, trying again: ") }
        }
        #expect(complaint.contains("Read-only file system"), "\(complaint)")
        #expect(try counter(engine, "htmengine_checkpoints_saved_total") == 1)
        // The engine looks at how many there are only now and then.
        try eventually("the checkpoint that can't be saved waits") {
            try counter(engine, "htmengine_checkpoints_waiting") == 1 ? true : nil
        }
        let unmounted = try MountNamespace.command(in: engine, "umount", root)
        #expect(unmounted.status == 0, "\(unmounted.errorOutput)")
        try eventually("what waited is saved; \(engine.log)") {
            try counter(engine, "htmengine_checkpoints_saved_total") > 1 ? true : nil
        }
        try eventually("it is said that saving works again; \(engine.log)") {
            engine.log.contains("checkpoints can be saved again") ? true : nil
        }
        #expect(engine.stop() == 0, "\(engine.log)")
        let verified = try engine.command("verify", "--config", directory.path("conf"))
        #expect(verified.status == 0, "\(verified.output) \(verified.errorOutput)")
    }
}
