// SPDX-License-Identifier: Apache-2.0

import Bus
import Engine
import EngineCore
import EngineSimulation
import Foundation
import Storage
import TestSupport
import Testing

/// What happens when disk or database fail, and that work goes on when it has passed.
@Suite struct FailureTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func open(_ change: (inout SQLiteDatabase.Configuration) -> Void = { _ in }) throws -> SQLMetricRepository {
        var configuration = SQLiteDatabase.Configuration(path: directory.path("htmengine.sqlite"))
        change(&configuration)
        let repository = SQLMetricRepository(database: try SQLiteDatabase(configuration))
        try repository.migrate()
        return repository
    }

    private func makeStorer(_ repository: any MetricRepository, patience: Int64 = 0, bus: InProcessBus = InProcessBus())
        -> Storer
    {
        var configuration = Storer.Configuration()
        configuration.patience = patience
        return Storer(
            repository: repository,
            bus: bus,
            logger: SilentLogger(),
            counters: EngineCounters(),
            configuration: configuration
        )
    }

    @Test func aFullDiskRefusesSamplesAndTakesThemWhenThereIsRoom() throws {
        let samples = makeSamples(2000).map { IncomingSample(name: "m", sample: $0) }
        var stored: [IncomingSample] = []
        do {
            // The empty tables take some 40 pages, the two thousand rows as many again.
            let repository = try open { $0.maximumPages = 60 }
            defer { repository.close() }
            let storer = makeStorer(repository)
            storer.start()
            defer { storer.stop() }
            var refused = false
            for start in stride(from: 0, to: 2000, by: 100) {
                do {
                    let chunk = Array(samples[start..<start + 100])
                    try #expect(storer.store(chunk).isEmpty)
                    stored += chunk
                } catch let error as EngineError {
                    #expect(error.code == .storageUnavailable, "\(error)")
                    #expect(error.message.contains("full"), "\(error)")
                    refused = true
                    break
                }
            }
            #expect(refused)
            // What was acknowledged can still be read.
            let uid = try #require(try repository.read { try $0.metric(named: "m") }).uid
            #expect(try repository.read { try $0.rowCount(uid: uid) } == Int64(stored.count))
        }
        let repository = try open()
        defer { repository.close() }
        let storer = makeStorer(repository)
        storer.start()
        defer { storer.stop() }
        #expect(try storer.store(Array(samples[stored.count...])).isEmpty)
        let uid = try #require(try repository.read { try $0.metric(named: "m") }).uid
        let rows = try repository.read { try $0.rows(RowQuery(uid: uid)) }
        #expect(rows.map(\.sample) == samples.map(\.sample))
    }

    @Test func aFileThatIsNoDatabaseIsNamed() throws {
        let path = directory.path("htmengine.sqlite")
        try Data(repeating: 0x41, count: 8192).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: EngineError.self) { _ = try open() }
        #expect(error?.code == .storageCorrupt)
    }

    @Test func aDatabaseAnotherProgramHasLockedRefusesAndGoesOnAfterwards() throws {
        let engine = try EngineFixture(directory)
        try engine.operations.monitor(ModelSpec(metric: "m", modelParams: .init(min: 0, max: 200)))
        try engine.send("m", makeSamples(30))
        #expect(try engine.allScored("m", count: 30))
        let intruder = Process()
        let (commands, answers) = (Pipe(), Pipe())
        intruder.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        intruder.arguments = ["sqlite3", directory.path("htmengine.sqlite")]
        (intruder.standardInput, intruder.standardOutput) = (commands, answers)
        try intruder.runWithSignals()
        defer { intruder.terminate() }
        let lock = ".timeout 60000\nBEGIN IMMEDIATE;\n.print locked\n"
        try commands.fileHandleForWriting.write(contentsOf: Data(lock.utf8))
        #expect(answers.fileHandleForReading.availableData == Data("locked\n".utf8))
        // Without patience; its hints reach the engine's runner.
        let storer = makeStorer(engine.repository, bus: engine.bus)
        storer.start()
        defer { storer.stop() }
        // Refused, in words that tell the sender to come again; nothing of it is stored.
        let next = makeSamples(10, from: 30).map { IncomingSample(name: "m", sample: $0) }
        let error = #expect(throws: EngineError.self) { _ = try storer.store(next) }
        #expect(error?.code == .storageUnavailable, "\(String(describing: error))")
        #expect(error?.message.contains("locked") == true, "\(String(describing: error))")
        // Reading goes on meanwhile.
        #expect(try engine.rows("m").count == 30)
        // In words too: another program this process starts just now may hold the pipe open.
        try commands.fileHandleForWriting.write(contentsOf: Data("ROLLBACK;\n.quit\n".utf8))
        try commands.fileHandleForWriting.close()
        intruder.waitUntilExit()
        #expect(try storer.store(next).isEmpty)
        #expect(try engine.allScored("m", count: 40))
        #expect(try engine.rows("m").map(\.sample) == makeSamples(40))
    }

    @Test func aMissingDirectoryIsNamed() {
        let error = #expect(throws: EngineError.self) {
            _ = try SQLiteDatabase(.init(path: directory.path("no/such/htmengine.sqlite")))
        }
        #expect(error?.code == .storageUnavailable)
        #expect(error?.message.contains("no/such") == true)
    }

    @Test func damagedPagesAreFoundByVerify() throws {
        let path = directory.path("htmengine.sqlite")
        var repository = try open()
        let storer = makeStorer(repository)
        storer.start()
        _ = try storer.store(makeSamples(2000).map { IncomingSample(name: "m", sample: $0) })
        storer.stop()
        let checkpoints = FileCheckpointStore(root: directory.path("checkpoints"))
        #expect(try Verification(repository: repository, checkpoints: checkpoints).run().isGood)
        repository.close()
        var data = try #require(FileManager.default.contents(atPath: path))
        let middle = data.count / 2 / 4096 * 4096
        data.replaceSubrange(middle..<middle + 512, with: Data(repeating: 0xFF, count: 512))
        try data.write(to: URL(fileURLWithPath: path))
        repository = try open()
        defer { repository.close() }
        #expect(try repository.integrityProblems().isEmpty == false)
    }

    @Test func withoutACheckpointDirectoryScoringGoesOn() throws {
        let engine = try EngineFixture(directory)
        try engine.operations.monitor(ModelSpec(metric: "m", modelParams: .init(min: 0, max: 200)))
        try engine.send("m", makeSamples(60))
        #expect(try engine.allScored("m", count: 60))
        let uid = try engine.operations.metric("m").uid
        #expect(try engine.eventually { try engine.checkpoints.candidates(uid: uid).isEmpty == false })
        // A file where the directory was: nothing can be written below it, not even by root.
        let root = directory.path("checkpoints")
        try FileManager.default.removeItem(atPath: root)
        try Data("in the way".utf8).write(to: URL(fileURLWithPath: root))
        try engine.send("m", makeSamples(100, from: 60))
        #expect(try engine.allScored("m", count: 160))
        #expect(engine.eventually { engine.counters["htmengine_checkpoint_errors_total"] > 0 })
        try FileManager.default.removeItem(atPath: root)
        // What waited is saved as soon as it can be.
        #expect(try engine.eventually { try engine.checkpoints.candidates(uid: uid).isEmpty == false })
        try engine.send("m", makeSamples(60, from: 160))
        #expect(try engine.allScored("m", count: 220))
        #expect(try engine.eventually { try engine.checkpoints.candidates(uid: uid).first?.rowid == 220 })
    }

    /// Timestamps belong to the samples: our clock decides what is too far ahead, when a failed model is tried again, and which rows
    /// are old.
    @Test func aClockSetBackHarmsNothing() throws {
        let clock = SimulatedClock()
        let engine = try EngineFixture(directory, clock: clock)
        let day: Int64 = 86_400
        let now = clock.wallSeconds()
        let samples = (0..<40).map { Sample(timestamp: now - 200 * day + Int64($0) * 300, value: Double($0)) }
        try engine.operations.monitor(ModelSpec(metric: "m", modelParams: .init(min: 0, max: 200)))
        try #expect(engine.send("m", samples).isEmpty)
        try #expect(engine.send("m", [Sample(timestamp: now, value: 1)]).isEmpty)
        #expect(try engine.allScored("m", count: 41))
        engine.factory.failing.withLock { $0 = true }
        let failed = try engine.operations.monitor(ModelSpec(metric: "failed", modelParams: .init(min: 0, max: 200)))
        #expect(try engine.eventually { try engine.status("failed") == .error })

        clock.setBack(seconds: 100 * day)
        // What continues a metric whose last sample now lies ahead is refused for its time, and nothing else is.
        let next = Sample(timestamp: now + 300, value: 2)
        #expect(try engine.send("m", [next]).map(\.reason) == [.tooFarInFuture])
        #expect(try engine.send("other", [Sample(timestamp: clock.wallSeconds(), value: 1)]).isEmpty)
        // A failed model isn't left alone for a hundred days.
        engine.factory.failing.withLock { $0 = false }
        engine.runner.lookForWork()
        #expect(try engine.eventually { try engine.status("failed") == .active })
        #expect(try engine.repository.read { try $0.modelRecord(uid: failed)?.failures } == 0)
        // Rows look younger than they are: none goes too early.
        let maintenance = Maintenance(
            repository: engine.repository,
            checkpoints: engine.checkpoints,
            clock: clock,
            logger: SilentLogger(),
            counters: engine.counters
        )
        #expect(try maintenance.removeRows(olderThanDays: 150) == 0)

        // Set right again: all goes on where it was.
        clock.setBack(seconds: -100 * day)
        try #expect(engine.send("m", [next]).isEmpty)
        #expect(try engine.allScored("m", count: 42))
        #expect(try engine.rows("m").map(\.sample.value) == (0..<40).map(Double.init) + [1, 2])
        #expect(try maintenance.verify().isGood)
    }

    @Test func aBackupMadeWhileRunningGoesOnFromThere() throws {
        let engine = try EngineFixture(directory)
        try engine.operations.monitor(ModelSpec(metric: "m", modelParams: .init(min: 0, max: 200)))
        try engine.send("m", makeSamples(130))
        #expect(try engine.allScored("m", count: 130))
        let copy = try TemporaryDirectory()
        let maintenance = Maintenance(
            repository: engine.repository,
            checkpoints: engine.checkpoints,
            logger: SilentLogger(),
            counters: engine.counters
        )
        let target = FileCheckpointStore(root: copy.path("checkpoints"))
        let database = try #require(engine.repository.database as? SQLiteDatabase)
        try maintenance.backup(to: target) { try database.backup(to: copy.path("htmengine.sqlite")) }
        try engine.send("m", makeSamples(50, from: 130))
        #expect(try engine.allScored("m", count: 180))
        let restored = try EngineFixture(copy)
        try restored.send("m", makeSamples(50, from: 130))
        #expect(try restored.allScored("m", count: 180))
        #expect(try restored.rows("m") == engine.rows("m"))
        #expect(try maintenance.verify().isGood)
    }

    @Test func retentionLeavesWhatModelsNeed() throws {
        let engine = try EngineFixture(directory)
        try engine.operations.monitor(ModelSpec(metric: "m", modelParams: .init(min: 0, max: 200)))
        for start in stride(from: 0, to: 200, by: 50) {
            try engine.send("m", makeSamples(50, from: start))
            #expect(try engine.allScored("m", count: start + 50))
        }
        try engine.send("waiting", makeSamples(15))
        try engine.operations.monitor(ModelSpec(metric: "waiting"))
        try engine.send("plain", makeSamples(15))
        let uid = try engine.operations.metric("m").uid
        #expect(
            try engine.eventually {
                try engine.repository.read { try $0.modelRecord(uid: uid)?.previousCheckpointRowid ?? 0 } > 0
            }
        )
        let maintenance = Maintenance(
            repository: engine.repository,
            checkpoints: engine.checkpoints,
            logger: SilentLogger(),
            counters: engine.counters
        )
        #expect(try maintenance.removeRows(olderThanDays: 30) > 0)
        #expect(try engine.rows("plain").isEmpty)
        #expect(try engine.rows("waiting").count == 15)
        let kept = try engine.rows("m")
        #expect(kept.count >= 50)
        #expect(kept.last?.rowid == 200)
        try engine.send("m", makeSamples(30, from: 200))
        #expect(try engine.allScored("m", count: kept.count + 30))
        #expect(try maintenance.verify().isGood)
        #expect(throws: EngineError.self) { try maintenance.removeRows(olderThanDays: 0) }
    }
}
