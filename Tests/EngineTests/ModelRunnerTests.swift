// SPDX-License-Identifier: Apache-2.0

import Bus
import Engine
import EngineCore
import EngineSimulation
import Foundation
import Storage
import TestSupport
import Testing

@Suite struct ModelRunnerTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// Whether a metric's stored scores are those of an uninterrupted model.
    private func check(_ rows: [MetricRow]) {
        let expected = FakeModel.scores(of: rows.map(\.sample))
        #expect(rows.map(\.rawAnomalyScore) == expected.map(\.rawAnomalyScore))
        #expect(rows.map(\.anomalyScore) == expected.map(\.anomalyScore))
        #expect(rows.map(\.displayValue) == expected.map { DisplayValue.of(anomalyScore: $0.anomalyScore) })
        #expect(rows.allSatisfy { $0.predictions == "null" })
    }

    private let ranged = ModelSpec.ModelParams(min: 0, max: 200)

    @Test func everyRowIsScoredAndPublishedOnceInOrder() throws {
        let engine = try EngineFixture(directory)
        let subscription = try engine.bus.subscribe(capacity: 1000)
        try engine.send("m", makeSamples(10))
        let uid = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: ranged))
        for start in stride(from: 10, to: 300, by: 7) { try engine.send("m", makeSamples(7, from: start)) }
        #expect(try engine.allScored("m", count: 304))
        check(try engine.rows("m"))
        #expect(try engine.status("m") == .active)
        var rowids: [Int64] = []
        var commands: [ModelCommandResult.Method] = []
        _ = engine.eventually {
            for message in subscription.next(timeoutMilliseconds: 0) ?? [] {
                switch message {
                case .inferenceResults(let results):
                    #expect(results.metric.uid == uid)
                    rowids += results.rows.map(\.rowid)
                case .commandResult(let result): commands.append(result.method)
                case .foreign: Issue.record("a message that isn't the engine's")
                }
            }
            return rowids.count >= 304
        }
        #expect(rowids == Array(1...304))
        #expect(commands == [.defineModel])
    }

    @Test func metricsOfAnotherDatasourceAreLeftAlone() throws {
        let engine = try EngineFixture(directory)
        // As a database of the original may hold them, in any status.
        let parameters = ModelSpec(metric: "x", modelParams: ranged).canonicalJSON(name: "x").text
        let metric = Metric(
            uid: "0123456789abcdef0123456789abcdef",
            datasource: "cloudwatch",
            name: "x",
            parameters: parameters,
            status: .pendingData
        )
        let uid = try engine.repository.write { try $0.createMetric(metric) }.uid
        for body: () throws -> Void in [
            { try engine.operations.monitor(ModelSpec(metric: "x")) },
            { try engine.operations.monitor(ModelSpec(uid: uid)) },
            { try engine.operations.activate(uid: uid) },
            { _ = try engine.operations.export(uid: uid) },
        ] {
            let error = #expect(throws: EngineError.self) { try body() }
            #expect(error?.code == .unsupportedDatasource && error?.uid == uid)
        }
        #expect(try engine.operations.metric(uid).parameters == parameters)
    }

    @Test func aRangeIsEstimatedOnceThereAreRowsEnough() throws {
        let engine = try EngineFixture(directory)
        let uid = try engine.operations.monitor(ModelSpec(metric: "m"))
        try engine.send("m", makeSamples(19))
        #expect(try engine.status("m") == .pendingData)
        try engine.send("m", makeSamples(1, from: 19))
        #expect(try engine.allScored("m", count: 20))
        let values = makeSamples(20).map(\.value)
        let padded = (values.max()! - values.min()!) * 1.4
        let definition = try #require(try engine.repository.read { try $0.metric(uid: uid)?.modelParams })
        let encoder = try JSONValue.parse(definition)["modelConfig"]?["modelParams"]?["sensorParams"]?["encoders"]
        let resolution = try #require(encoder?["c1"]?["resolution"]?.doubleValue)
        #expect(abs(resolution - padded / 130) < 1e-9)
    }

    @Test func restartsGoOnWithTheSameBits() throws {
        for round in 0..<4 {
            let engine = try EngineFixture(directory)
            if round == 0 { try engine.operations.monitor(ModelSpec(metric: "m", modelParams: ranged)) }
            try engine.send("m", makeSamples(70, from: round * 70))
            if round % 2 == 0 { #expect(try engine.allScored("m", count: (round + 1) * 70)) }
            engine.stop()
        }
        let engine = try EngineFixture(directory)
        #expect(try engine.allScored("m", count: 280))
        check(try engine.rows("m"))
        let report = try Verification(repository: engine.repository, checkpoints: engine.checkpoints).run()
        #expect(report.isGood, "\(report.problems)")
        #expect(report.rows == 280)
        #expect(report.checkpoints > 0)
    }

    @Test func checkpointsThatWaitForScoresDontWaitForEver() throws {
        // All at once, so that there is no time in between: a model is saved in line with its rows then, at twice 50.
        let engine = try EngineFixture(directory)
        let uid = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: ranged))
        try engine.send("m", makeSamples(530))
        #expect(try engine.allScored("m", count: 530))
        #expect(engine.runner.waitUntilIdle(timeoutMilliseconds: 120_000))
        #expect(try engine.eventually { try engine.checkpoints.candidates(uid: uid).first?.rowid ?? 0 >= 430 })
        check(try engine.rows("m"))
    }

    @Test func modelsThatDontFitInMemoryAreSwappedWithoutAChange() throws {
        let engine = try EngineFixture(
            directory,
            runner: {
                $0.memoryBudget = 4000
                $0.workers = 2
                $0.rowsWorthSaving = 5
            }
        )
        let names = (0..<20).map { "m\($0)" }
        for name in names { try engine.operations.monitor(ModelSpec(metric: name, modelParams: ranged)) }
        for start in stride(from: 0, to: 60, by: 10) {
            for (seed, name) in names.enumerated() { try engine.send(name, makeSamples(10, seed: seed, from: start)) }
        }
        for name in names {
            #expect(try engine.allScored(name, count: 60))
            check(try engine.rows(name))
        }
        #expect(engine.counters["htmengine_models_evicted_total"] > 20)
    }

    @Test func damagedCheckpointsAreReportedAndReplaced() throws {
        var engine = try EngineFixture(directory)
        let stored = try checkpointsAfter200Rows(&engine)
        #expect(stored.count == 2)
        try damageFiles(below: directory.path("checkpoints"))
        engine = try EngineFixture(directory)
        try engine.send("m", makeSamples(20, from: 200))
        #expect(try engine.allScored("m", count: 220))
        check(try engine.rows("m"))
        #expect(engine.counters["htmengine_checkpoints_damaged_total"] == 2)
    }

    /// Scores 200 rows of metric `m` in four goes and stops the engine.
    ///
    /// - Returns: Its checkpoints, the newest first.
    private func checkpointsAfter200Rows(_ engine: inout EngineFixture) throws -> [CheckpointInfo] {
        let uid = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: ranged))
        for start in stride(from: 0, to: 200, by: 50) {
            try engine.send("m", makeSamples(50, from: start))
            #expect(try engine.allScored("m", count: start + 50))
            // Else a later one might take its place before it is saved.
            #expect(
                try engine.eventually { try engine.checkpoints.candidates(uid: uid).first?.rowid == Int64(start) + 50 }
            )
        }
        engine.stop()
        return try engine.checkpoints.candidates(uid: uid)
    }

    private func damageFiles(below path: String) throws {
        let files = FileManager.default.enumerator(atPath: path)
        while let name = files?.nextObject() as? String { try damage(path + "/" + name) }
    }

    private func damage(_ file: String) throws {
        guard var data = FileManager.default.contents(atPath: file), data.count > 20 else { return }
        data[data.count / 2] ^= 0x40
        try data.write(to: URL(fileURLWithPath: file))
    }

    @Test func theCheckpointBeforeADamagedOneTakesOver() throws {
        var engine = try EngineFixture(directory)
        let stored = try checkpointsAfter200Rows(&engine)
        try #require(stored.count == 2)
        try damage(engine.checkpoints.path(of: stored[0]))
        engine = try EngineFixture(directory)
        try engine.send("m", makeSamples(20, from: 200))
        #expect(try engine.allScored("m", count: 220))
        check(try engine.rows("m"))
        #expect(engine.counters["htmengine_checkpoints_damaged_total"] == 1)
        // Only the rows behind the older one had to be replayed.
        #expect(engine.counters["htmengine_rows_replayed_total"] == 200 - stored[1].rowid)
    }

    @Test func checkpointsComeAfterTheConfiguredNumberOfRows() throws {
        #expect(ModelRunner.Configuration().rowsPerCheckpoint == 500)
        let engine = try EngineFixture(directory, runner: { $0.rowsPerCheckpoint = 30 })
        let uid = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: ranged))
        var seen: [Int64] = []
        for row in 0..<100 {
            try engine.send("m", makeSamples(1, from: row))
            #expect(try engine.allScored("m", count: row + 1))
            guard (row + 1) % 30 == 0 else { continue }
            seen.append(Int64(row + 1))
            let newest = Array(seen.suffix(2).reversed())
            #expect(try engine.eventually { try engine.checkpoints.candidates(uid: uid).map(\.rowid) == newest })
        }
        // They are counted after they are there.
        #expect(engine.eventually { engine.counters["htmengine_checkpoints_saved_total"] == 3 })
    }

    @Test func theLeastRecentlyUsedModelLeavesMemory() throws {
        // A model counts 1,000 bytes: three fit.
        let engine = try EngineFixture(
            directory,
            runner: {
                $0.memoryBudget = 3000
                $0.workers = 1
            }
        )
        // The runner's own look at the start, which may bring models in, is over.
        #expect(engine.eventually { engine.counters["htmengine_repair_looks_total"] > 0 })
        for name in ["a", "b", "c", "d"] {
            try engine.operations.monitor(ModelSpec(metric: name, modelParams: ranged))
        }
        /// Sends a row and says how many models had to be loaded for it.
        func loads(_ name: String, row: Int) throws -> Int64 {
            let before = engine.counters["htmengine_models_loaded_total"]
            try engine.send(name, makeSamples(1, from: row))
            #expect(try engine.allScored(name, count: row + 1))
            return engine.counters["htmengine_models_loaded_total"] - before
        }
        for (row, name) in [(0, "a"), (0, "b"), (0, "c"), (1, "a")] { _ = try loads(name, row: row) }
        // The fourth drops b, which was used longest ago; a was used since.
        _ = try loads("d", row: 0)
        #expect(try loads("a", row: 2) == 0)
        #expect(try loads("c", row: 1) == 0)
        #expect(try loads("b", row: 1) == 1)
        #expect(try loads("d", row: 1) == 1)
    }

    @Test func anEarlierModelNeverMixesIntoTheNext() throws {
        let engine = try EngineFixture(directory)
        try engine.send("m", makeSamples(300))
        var uid = ""
        for round in 0..<15 {
            uid = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: ranged))
            if round % 3 == 0 { try engine.send("m", makeSamples(5, from: 300 + round * 5)) }
            #expect(try engine.operations.unmonitor(uid: uid))
            #expect(try engine.operations.unmonitor(uid: uid) == false)
        }
        #expect(try engine.rows("m").allSatisfy { $0.anomalyScore == nil && $0.rawAnomalyScore == nil })
        try engine.operations.monitor(ModelSpec(metric: "m", modelParams: ranged))
        #expect(try engine.allScored("m", count: 325))
        check(try engine.rows("m"))
        #expect(try engine.repository.read { try $0.modelRecord(uid: uid)?.generation } == 31)
    }

    @Test func aFailureIsShownAndTriedAgain() throws {
        let engine = try EngineFixture(directory)
        engine.factory.failing.withLock { $0 = true }
        let uid = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: ranged))
        #expect(try engine.eventually { try engine.status("m") == .error })
        let metric = try engine.operations.metric("m")
        #expect(metric.message?.contains("out of order") == true)
        // Samples are stored in every status.
        try engine.send("m", makeSamples(30))
        #expect(try engine.rows("m").count == 30)
        #expect(try engine.repository.read { try $0.modelRecord(uid: uid)?.retryAt } != nil)
        engine.factory.failing.withLock { $0 = false }
        try engine.operations.retry(uid: uid)
        #expect(try engine.allScored("m", count: 30))
        #expect(try engine.operations.metric("m").message == nil)
        check(try engine.rows("m"))
    }

    @Test func aFailureThatPassesIsTriedAgainByItself() throws {
        let clock = SimulatedClock()
        // Its own looks are left out, but for the one at the start: the test's are counted.
        let engine = try EngineFixture(directory, runner: { $0.repairInterval = 1_000_000 }, clock: clock)
        #expect(engine.eventually { engine.counters["htmengine_repair_looks_total"] > 0 })
        engine.factory.failing.withLock { $0 = true }
        try engine.send("m", makeSamples(30))
        let uid = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: ranged))
        func failures() throws -> Int64? {
            guard try engine.status("m") == .error else { return nil }
            return try engine.repository.read { try $0.modelRecord(uid: uid)?.failures }
        }
        // 10 s, 20 s, 40 s … at most an hour.
        for (failure, delay) in [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600].enumerated() {
            #expect(try engine.eventually { try failures() == Int64(failure + 1) })
            clock.advance(milliseconds: UInt64(delay) * 1000 - 1000)
            #expect(engine.runner.lookForWork() == 0, "after \(delay - 1) s")
            clock.advance(milliseconds: 1000)
            engine.runner.lookForWork()
        }
        #expect(try engine.eventually { try failures() == 12 })
        engine.factory.failing.withLock { $0 = false }
        clock.advance(milliseconds: 3_600_000)
        engine.runner.lookForWork()
        #expect(try engine.allScored("m", count: 30))
        #expect(try engine.status("m") == .active)
        check(try engine.rows("m"))
    }

    @Test func rowsWithoutAHintAreFoundWhileItRuns() throws {
        let engine = try EngineFixture(directory, runner: { $0.repairInterval = 1 })
        let uid = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: ranged))
        try engine.send("m", makeSamples(30))
        #expect(try engine.allScored("m", count: 30))
        try engine.repository.write {
            try $0.insertRows([RowBatch(uid: uid, firstRowid: 31, samples: makeSamples(10, from: 30))])
        }
        #expect(try engine.allScored("m", count: 40))
        check(try engine.rows("m"))
    }

    @Test func whatNobodyHintedAtIsFound() throws {
        var engine = try EngineFixture(directory)
        let uid = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: ranged))
        try engine.send("m", makeSamples(30))
        #expect(try engine.allScored("m", count: 30))
        engine.stop()
        // Rows that come while no runner is there.
        let database = try SQLiteDatabase(.init(path: directory.path("htmengine.sqlite")))
        let repository = SQLMetricRepository(database: database)
        try repository.write {
            try $0.insertRows([RowBatch(uid: uid, firstRowid: 31, samples: makeSamples(40, from: 30))])
        }
        repository.close()
        engine = try EngineFixture(directory)
        #expect(try engine.allScored("m", count: 70))
        check(try engine.rows("m"))
    }

    @Test func aStatusSetByAnotherProgramIsTakenUp() throws {
        let engine = try EngineFixture(directory)
        try engine.send("m", makeSamples(30))
        let uid = try engine.operations.metric("m").uid
        let definition = ModelDefinition.standard(minimum: 0, maximum: 200)
        // As the original's library does: status, parameters and model_params, but no record of ours.
        try engine.repository.write { transaction in
            try transaction.setDefinition(
                uid: uid,
                parameters: ModelSpec(metric: "m").canonicalJSON(name: "m").text,
                modelParams: definition.text,
                server: nil
            )
            try transaction.setStatus(uid: uid, .createPending, message: nil)
        }
        _ = engine.runner.lookForWork()
        #expect(try engine.allScored("m", count: 30))
        check(try engine.rows("m"))
    }

    @Test(arguments: [true, false])
    func rowsThatAreGoneLeadToANewGenerationAndAReport(areDamaged: Bool) throws {
        var engine = try EngineFixture(directory)
        let uid = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: ranged))
        for start in stride(from: 0, to: 300, by: 50) {
            try engine.send("m", makeSamples(50, from: start))
            #expect(try engine.allScored("m", count: start + 50))
            #expect(
                try engine.eventually { try engine.checkpoints.candidates(uid: uid).first?.rowid == Int64(start) + 50 }
            )
        }
        let before = try engine.rows("m")
        let record = try #require(
            try engine.repository.read { reading in
                try engine.eventually { try reading.modelRecord(uid: uid) != nil }
                    ? try reading.modelRecord(uid: uid) : nil
            }
        )
        #expect(record.generation == 1)
        engine.stop()
        engine = try EngineFixture(directory)
        let retention = Retention(
            repository: engine.repository,
            logger: SilentLogger(),
            counters: engine.counters,
            firstRows: 20
        )
        let removed = try retention.removeRows(olderThan: .max)
        #expect(removed > 0)
        let kept = try #require(try engine.rows("m").first)
        let noted = try #require(try engine.repository.read { try $0.modelRecord(uid: uid) })
        #expect(kept.rowid == noted.previousCheckpointRowid + 1)
        engine.stop()
        // With the checkpoints the model goes on; without them it is rebuilt from the rows left.
        if areDamaged {
            try damageFiles(below: directory.path("checkpoints"))
        } else {
            try FileManager.default.removeItem(atPath: directory.path("checkpoints"))
        }
        engine = try EngineFixture(directory)
        try engine.send("m", makeSamples(10, from: 300))
        let count = 310 - Int(removed)
        #expect(try engine.allScored("m", count: count))
        let after = try engine.rows("m")
        #expect(Array(after.prefix(count - 10)) == Array(before.suffix(count - 10)))
        let rebuilt = try #require(try engine.repository.read { try $0.modelRecord(uid: uid) })
        #expect(rebuilt.generation == 2)
        #expect(rebuilt.note?.contains("rebuilt") == true)
        #expect(engine.counters["htmengine_models_rebuilt_total"] == 1)
        #expect(engine.counters["htmengine_checkpoints_damaged_total"] == (areDamaged ? 2 : 0))
        // The new model's scores are those of a model that begins with the first row left.
        #expect(
            after.suffix(10).map(\.rawAnomalyScore)
                == FakeModel.scores(of: after.map(\.sample)).suffix(10).map(\.rawAnomalyScore)
        )
        let report = try Verification(repository: engine.repository, checkpoints: engine.checkpoints).run()
        #expect(report.isGood, "\(report.problems)")
    }

    @Test func aRangeIsEstimatedFromTheRowsRetentionLeft() throws {
        let engine = try EngineFixture(directory)
        try engine.send("m", makeSamples(60))
        let uid = try engine.operations.metric("m").uid
        let retention = Retention(
            repository: engine.repository,
            logger: SilentLogger(),
            counters: engine.counters,
            firstRows: 20
        )
        // Nobody monitors it: what is old goes. 50 rows, five minutes apart.
        #expect(try retention.removeRows(olderThan: 1_600_000_000 + 50 * 300) == 50)
        try engine.operations.monitor(ModelSpec(metric: "m"))
        #expect(try engine.status("m") == .pendingData)
        // Rows that were removed don't count towards the twenty it waits for, and those it waits with stay.
        try engine.send("m", makeSamples(9, from: 60))
        #expect(try engine.status("m") == .pendingData)
        #expect(try retention.removeRows(olderThan: .max) == 0)
        try engine.send("m", makeSamples(1, from: 69))
        #expect(try engine.allScored("m", count: 20))
        let values = makeSamples(20, from: 50).map(\.value)
        let padded = (values.max()! - values.min()!) * 1.4
        let definition = try #require(try engine.repository.read { try $0.metric(uid: uid)?.modelParams })
        let encoder = try JSONValue.parse(definition)["modelConfig"]?["modelParams"]?["sensorParams"]?["encoders"]
        let resolution = try #require(encoder?["c1"]?["resolution"]?.doubleValue)
        #expect(abs(resolution - padded / 130) < 1e-9)
        check(try engine.rows("m"))
    }

    @Test func exportAndImportCarryAModelOver() throws {
        let engine = try EngineFixture(directory)
        let uid = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: ranged))
        try engine.send("m", makeSamples(40))
        #expect(try engine.allScored("m", count: 40))
        let exported = try engine.operations.export(uid: uid, days: nil)
        try engine.operations.deleteMetric(uid: uid)
        #expect(try engine.status("m") == nil)
        try engine.operations.importModel(ModelSpec(json: JSONValue.parse(exported.text)))
        #expect(try engine.allScored("m", count: 40))
        check(try engine.rows("m"))
        #expect(throws: EngineError.self) { try engine.operations.export(uid: "no such uid") }
    }
}
