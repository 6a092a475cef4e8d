// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Backups, old rows, saved models and checks, as people use them: the real binary on a directory of its own.
@Suite struct DataCareTests {
    private let directory: TemporaryDirectory
    private let first = 1_600_000_000

    init() throws {
        directory = try TemporaryDirectory()
        _ = try directory.write("[repository]\nengine = sqlite\n[bus]\nengine = memory\n", to: "conf/application.conf")
        // Small, so that both checkpoints are there after some hundred rows.
        _ = try directory.write("[model_runner]\ntarget_requests_per_checkpoint = 40\n", to: "conf/model-swapper.conf")
    }

    private func start(_ data: String) throws -> RunningEngine {
        try RunningEngine(dataDirectory: directory.path(data), options: ["--config", directory.path("conf")])
    }

    private func command(_ data: String, _ words: String...) throws -> Finished {
        try run(
            [RunningEngine.binary] + words + ["--data", directory.path(data), "--config", directory.path("conf")]
        )
    }

    private func send(_ engine: RunningEngine, _ name: String, _ rows: Range<Int>) throws {
        let body = rows.map { "\(($0 * 7) % 24 + $0 / 90) \(first + $0 * 300)\n" }.joined()
        let answer = try engine.curl("/\(name)", "--data-binary", "@-", "-w", "%{http_code}", input: body).output
        #expect(answer.hasSuffix("\n200"), "\(answer)")
    }

    /// All rows as the engine prints them, once each has its score.
    private func scored(_ engine: RunningEngine, _ name: String, count: Int) throws -> [Substring] {
        try eventually("\(count) rows of \(name) are scored; \(engine.log)") {
            let text = try engine.curl("/\(name)").output
            let rows = text.split(separator: "\n")
            return rows.count == count && !text.contains("None") ? rows : nil
        }
    }

    /// Sends rows in steps, each of which ends with a checkpoint, so that the last two are there.
    private func learn(_ engine: RunningEngine, _ name: String, rows: Int) throws {
        #expect(try engine.curl("/\(name)", "-X", "PUT", "-d", #"{"min":0, "max":40}"#).output.hasPrefix("Created"))
        for start in stride(from: 0, to: rows, by: 50) {
            try send(engine, name, start..<start + 50)
            _ = try scored(engine, name, count: start + 50)
            try eventually("the checkpoint at row \(start + 50) and the one before are there") {
                let files = try checkpointFiles(below: engine.dataDirectory)
                return files.count == min(2, start / 50 + 1)
                    && files.contains { $0.hasSuffix("-\(start + 50).checkpoint") }
                    ? true : nil
            }
        }
    }

    private func checkpointFiles(below data: String) throws -> [String] {
        let root = data + "/checkpoints"
        let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".checkpoint") }.sorted().map { root + "/" + $0 }
    }

    private func damage(_ path: String) throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count / 2] ^= 0x10
        try bytes.write(to: URL(fileURLWithPath: path))
    }

    private func counter(_ engine: RunningEngine, _ name: String) throws -> Int {
        let line = try engine.curl("/metrics").output.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
    }

    @Test func aBackupMadeUnderLoadIsStartedOnAndGoesOn() throws {
        let engine = try start("data")
        try learn(engine, "m", rows: 150)
        let copy = directory.path("copy")
        // While the copy is made, others go on sending.
        let url = engine.url + "/other"
        let sender = Thread {
            for row in 0..<100 {
                _ = try? run(["curl", "-s", url, "-d", "1 \(1_600_000_000 + row * 300)"])
            }
        }
        sender.start()
        let made = try command("data", "backup", copy)
        #expect(made.status == 0, "\(made.errorOutput)")
        #expect(made.output == "Database and 2 checkpoints copied to \(copy)\n")
        let again = try command("data", "backup", copy)
        #expect(again.status == 1)
        #expect(again.errorOutput.contains(copy), "\(again.errorOutput)")
        try send(engine, "m", 150..<200)
        let original = try scored(engine, "m", count: 200)

        let restored = try start("copy")
        #expect(try scored(restored, "m", count: 150) == Array(original.prefix(150)))
        try send(restored, "m", 150..<200)
        #expect(try scored(restored, "m", count: 200) == original)
        #expect(try counter(restored, "htmengine_checkpoints_damaged_total") == 0)
        // From its checkpoint, not from the first row on.
        #expect(try counter(restored, "htmengine_rows_replayed_total") < 100)
        #expect(restored.stop() == 0, "\(restored.log)")
        let verified = try command("copy", "verify")
        #expect(verified.status == 0, "\(verified.output)")
        try eventually("the sender is done", within: 600) { sender.isFinished ? true : nil }
        #expect(engine.stop() == 0, "\(engine.log)")
        #expect(try command("data", "verify").status == 0)
    }

    @Test func oldRowsGoAndBothCheckpointsDamagedLeadToANewGeneration() throws {
        var engine = try start("data")
        try learn(engine, "m", rows: 200)
        let before = try engine.curl("/m").output.split(separator: "\n")
        // The database hears of a checkpoint a little after it is saved.
        let older = try eventually("the database knows both checkpoints") {
            let query = "SELECT checkpoint_rowid, previous_checkpoint_rowid FROM htmengine_model"
            let path = directory.path("data") + "/htmengine.sqlite"
            let rows = try run(["sqlite3", "-readonly", path, query]).output.split(whereSeparator: \.isNewline)
            let numbers = rows.first?.split(separator: "|").compactMap { Int($0) } ?? []
            return numbers.count == 2 && numbers[0] == 200 && numbers[1] > 0 ? numbers[1] : nil
        }
        let removed = try command("data", "gc", "--older-than", "90d")
        #expect(removed.status == 0, "\(removed.errorOutput)")
        // Up to the older of the two checkpoints, and not a row more.
        #expect(removed.output == "Removed \(older) rows\n")
        let count = older
        let left = 200 - count
        #expect(try engine.curl("/m").output.split(separator: "\n") == Array(before.suffix(left)))
        #expect(engine.stop() == 0, "\(engine.log)")
        #expect(try command("data", "verify").status == 0)
        let files = try checkpointFiles(below: directory.path("data"))
        try #require(files.count == 2)
        for file in files { try damage(file) }
        let damaged = try command("data", "verify")
        #expect(damaged.status == 1)
        for file in files { #expect(damaged.output.contains(file), "\(damaged.output)") }

        engine = try start("data")
        try send(engine, "m", 200..<220)
        let after = try scored(engine, "m", count: left + 20)
        // Scores that were stored stay as they are.
        #expect(Array(after.prefix(left)) == Array(before.suffix(left)))
        #expect(try counter(engine, "htmengine_checkpoints_damaged_total") == 2)
        #expect(try counter(engine, "htmengine_models_rebuilt_total") == 1)
        #expect(
            engine.log.contains("rebuilt from row \(count + 1): no checkpoint could be read and older rows are gone"),
            "\(engine.log)"
        )
        for file in files { #expect(engine.log.contains(file), "\(engine.log)") }
        let metrics = try command("data", "metrics").output
        #expect(metrics.contains("rebuilt from row \(count + 1): "), "\(metrics)")
        #expect(engine.stop() == 0, "\(engine.log)")
        let verified = try command("data", "verify")
        #expect(verified.status == 0, "\(verified.output)")
        #expect(try command("data", "gc").status == 2)
        #expect(try command("data", "gc", "--older-than", "0d").status == 2)
    }

    @Test func aLearnedModelIsLookedAtCheckedAndCarriedToAnotherEngine() throws {
        let engine = try start("data")
        try learn(engine, "m", rows: 150)
        let list = try command("data", "checkpoint", "list", "m", "--hash")
        #expect(list.status == 0, "\(list.errorOutput)")
        #expect(list.output.split(separator: "\n").count == 3, "\(list.output)")
        let inspected = try command("data", "checkpoint", "inspect", "m")
        for word in ["segments", "synapses", "records", "state_hash"] {
            #expect(inspected.output.contains(word), "\(inspected.output)")
        }
        #expect(try command("data", "checkpoint", "verify").output == "2 checkpoints read, 0 damaged\n")
        let file = directory.path("m.model")
        let exported = try command("data", "checkpoint", "export", "m", file)
        #expect(exported.status == 0, "\(exported.errorOutput)")

        let other = try start("other")
        let imported = try command("other", "checkpoint", "import", file)
        #expect(imported.status == 0, "\(imported.errorOutput)")
        // What the model learned came along: the next rows get the same scores, without the rows before them.
        for engine in [engine, other] { try send(engine, "m", 150..<250) }
        let scores = try scored(engine, "m", count: 250).suffix(100)
        let carried = try eventually("the carried model's rows are scored; \(other.log)") {
            let text = try other.curl("/m").output
            return text.contains("None") || text.isEmpty ? nil : text.split(separator: "\n")
        }
        #expect(Array(carried.suffix(100)) == Array(scores))
        for (engine, data) in [(engine, "data"), (other, "other")] {
            #expect(engine.stop() == 0, "\(engine.log)")
            let verified = try command(data, "verify")
            #expect(verified.status == 0, "\(verified.output)")
        }
        let files = try checkpointFiles(below: directory.path("data"))
        try damage(try #require(files.last))
        let damaged = try command("data", "checkpoint", "verify")
        #expect(damaged.status == 1)
        #expect(damaged.output.hasSuffix(" checkpoints read, 1 damaged\n"), "\(damaged.output)")
        #expect(damaged.errorOutput.contains(files.last ?? ""), "\(damaged.errorOutput)")
    }

    @Test func aModelInErrorIsShownAndTriedAgainByHand() throws {
        var engine = try start("data")
        try learn(engine, "m", rows: 50)
        #expect(engine.stop() == 0)
        let path = directory.path("data") + "/htmengine.sqlite"
        func sql(_ statement: String) throws {
            let done = try run(["sqlite3", path, statement])
            try #require(done.status == 0, "\(done.errorOutput)")
        }
        try sql("CREATE TABLE kept AS SELECT model_params FROM metric; UPDATE metric SET model_params = 'nonsense'")
        engine = try start("data")
        // Samples are stored in every status.
        try send(engine, "m", 50..<60)
        try eventually("the metric is in ERROR; \(engine.log)") {
            try command("data", "metrics").output.contains("error (4)") ? true : nil
        }
        let metrics = try command("data", "metrics").output
        #expect(metrics.contains("model_params can't be read"), "\(metrics)")
        // Said after the database has it.
        try eventually("the failure is counted and said; \(engine.log)") {
            let failures = try counter(engine, "htmengine_model_failures_total")
            return failures == 1 && engine.log.contains("goes to status ERROR") ? true : nil
        }
        #expect(engine.stop() == 0)
        try sql("UPDATE metric SET model_params = (SELECT model_params FROM kept); DROP TABLE kept")
        engine = try start("data")
        // What only a person can mend isn't tried again before one says so.
        #expect(try command("data", "metrics").output.contains("error (4)"))
        let retried = try command("data", "monitor", "--retry", "m")
        #expect(retried.status == 0, "\(retried.errorOutput)")
        _ = try scored(engine, "m", count: 60)
        #expect(try command("data", "metrics").output.contains("active (1)"))
        let active = try command("data", "monitor", "--retry", "m")
        #expect(active.status == 1)
        #expect(active.errorOutput.contains("only a metric in status error can be tried again"))
        #expect(engine.stop() == 0)
        #expect(try command("data", "verify").status == 0)
    }

    @Test func theExitCodeOfVerifyTells() throws {
        let engine = try start("data")
        try learn(engine, "m", rows: 50)
        #expect(try command("data", "verify").status == 0)
        #expect(engine.stop() == 0)
        let good = try command("data", "verify")
        #expect(good.status == 0)
        #expect(good.output.hasSuffix("checked: all is well\n"), "\(good.output)")
        let done = try run(
            ["sqlite3", directory.path("data") + "/htmengine.sqlite", "DELETE FROM metric_data WHERE rowid = 7"]
        )
        #expect(done.status == 0, "\(done.errorOutput)")
        let bad = try command("data", "verify")
        #expect(bad.status == 1)
        #expect(bad.output.contains("rows 7 to 7 are missing"), "\(bad.output)")
    }

    /// Pages that were damaged under the engine: what needs them is refused and named, and a backup brings all of it back.
    @Test func aCorruptDatabaseRefusesSamplesAndABackupHelps() throws {
        var engine = try start("data")
        try learn(engine, "m", rows: 200)
        #expect(try command("data", "backup", directory.path("copy")).status == 0)
        #expect(engine.stop() == 0)
        let path = directory.path("data") + "/htmengine.sqlite"
        let page = try run(["sqlite3", path, "SELECT rootpage FROM sqlite_master WHERE name = 'metric_data'"]).output
        let number = try #require(Int(page.trimmingCharacters(in: .whitespacesAndNewlines)))
        let handle = try #require(FileHandle(forUpdatingAtPath: path))
        try handle.seek(toOffset: UInt64(number - 1) * 4096)
        try handle.write(contentsOf: Data(repeating: 0xFF, count: 4096))
        try handle.close()
        engine = try start("data")
        let refused = try engine.curl("/m", "-d", "5 \(first + 200 * 300)", "-w", "%{http_code}").output
        #expect(refused.hasSuffix("503") || refused.hasSuffix("500"), "\(refused)")
        let sender = try RawConnection(port: engine.graphitePort)
        try sender.send("m 5 \(first + 200 * 300)\n")
        sender.finishSending()
        let failure = #expect(throws: RawConnection.Failure.self) { try sender.receive() }
        #expect(failure?.code == ECONNRESET)
        #expect(engine.log.contains("malformed") || engine.log.contains("corrupt"), "\(engine.log)")
        engine.kill()
        let verified = try command("data", "verify")
        #expect(verified.status == 1)
        engine = try start("copy")
        try send(engine, "m", 200..<210)
        _ = try scored(engine, "m", count: 210)
        #expect(engine.stop() == 0, "\(engine.log)")
        #expect(try command("copy", "verify").status == 0)
    }

    /// On TCP the death of the process shows as a reset, never as the orderly end that acknowledges.
    @Test func aKilledEngineResetsItsConnections() throws {
        let engine = try start("data")
        let half = try RawConnection(port: engine.graphitePort)
        try half.send("m 1 100\nm 2 2")
        let finished = try RawConnection(port: engine.graphitePort)
        try finished.send("m 3 300\n")
        finished.finishSending()
        #expect(try finished.receive().isEmpty)
        let open = try RawConnection(port: engine.graphitePort)
        try eventually("all of them are accepted") {
            try counter(engine, "htmengine_graphite_connections_total") == 3 ? true : nil
        }
        engine.kill()
        for connection in [half, open] {
            let failure = #expect(throws: RawConnection.Failure.self) { try connection.receive() }
            #expect(failure?.code == ECONNRESET)
        }
    }
}
