// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Foundation
import Storage
import TestSupport
import Testing

/// Every rule `htmengine verify` checks, broken by hand.
@Suite struct VerificationTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A metric of 130 scored rows with two checkpoints, and what its directory holds.
    private func prepare() throws -> String {
        let engine = try EngineFixture(directory)
        let uid = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: .init(min: 0, max: 200)))
        for (start, checkpoints) in [(0, 1), (60, 2)] {
            try engine.send("m", makeSamples(60, from: start))
            #expect(try engine.allScored("m", count: start + 60))
            #expect(try engine.eventually { try engine.checkpoints.candidates(uid: uid).count == checkpoints })
        }
        try engine.send("m", makeSamples(10, from: 120))
        #expect(try engine.allScored("m", count: 130))
        engine.stop()
        return uid
    }

    private func report() throws -> Verification.Report {
        // Without a runner, which would mend what it can.
        let repository = try EngineFixture.openRepository(directory)
        defer { repository.close() }
        return try Verification(repository: repository, checkpoints: EngineFixture.checkpoints(directory)).run()
    }

    @Test func whatTheEngineLeavesIsGood() throws {
        _ = try prepare()
        let report = try report()
        #expect(report.isGood, "\(report.problems)")
        #expect(report.metrics == 1)
        #expect(report.rows == 130)
        #expect(report.checkpoints == 2)
    }

    @Test(arguments: [
        ("DELETE FROM metric_data WHERE rowid BETWEEN 20 AND 22", "rows 20 to 22 are missing"),
        ("DELETE FROM metric_data WHERE rowid = 130", "last_rowid is 130, the last row is 129"),
        (
            "UPDATE metric_data SET timestamp = (SELECT timestamp FROM metric_data WHERE rowid = 19) WHERE rowid = 20",
            "row 20 is not later than row 19"
        ),
        ("UPDATE metric_data SET raw_anomaly_score = NULL WHERE rowid = 5", "1 rows up to row 130 have no score"),
        ("UPDATE metric_data SET anomaly_score = NULL WHERE rowid < 4", "3 rows up to row 130 have no score"),
        ("UPDATE metric_data SET display_value = NULL WHERE rowid = 5", "1 rows up to row 130 have no score"),
        ("UPDATE htmengine_model SET scored_rowid = 125", "5 rows after row 125 have scores of a past generation"),
        ("UPDATE htmengine_model SET scored_rowid = 140", "scores up to row 140, but there are only 130 rows"),
        ("UPDATE htmengine_model SET checkpoint_rowid = 131", "the checkpoint at row 131 is ahead of the scores (130)"),
        ("UPDATE htmengine_model SET generation = 0", "generation 0 is below 1"),
        ("UPDATE metric SET parameters = NULL", "is active but has no modelSpec"),
        ("UPDATE metric SET model_params = NULL", "is active but has no model"),
    ])
    func brokenRulesAreNamed(_ damage: String, _ problem: String) throws {
        _ = try prepare()
        let done = try run(["sqlite3", directory.path("htmengine.sqlite"), damage])
        try #require(done.status == 0, "\(done.errorOutput)")
        let report = try report()
        #expect(report.problems.contains { $0.hasPrefix("metric m ") && $0.contains(problem) }, "\(report.problems)")
        #expect(!report.isGood)
    }

    @Test func damagedAndFutureCheckpointsAreNamed() throws {
        let uid = try prepare()
        let store = EngineFixture.checkpoints(directory)
        let stored = try store.candidates(uid: uid)
        try #require(stored.count == 2)
        let path = store.path(of: stored[1])
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        var found = try report()
        #expect(found.problemCount == 1)
        #expect(
            found.problems.first?.hasPrefix("checkpoint \(uid) row \(stored[1].rowid): ") == true,
            "\(found.problems)"
        )
        try store.remove(stored[1])
        #expect(try report().isGood)
        // One of a generation the database hasn't come to, as after restoring an older database.
        var ahead = try store.load(stored[0])
        ahead.generation += 1
        try store.save(ahead)
        found = try report()
        #expect(found.problems.contains { $0.contains("generation 2, the model is at 1") }, "\(found.problems)")
    }
}
