// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Storage
import TestSupport
import Testing

@Suite(
    "Checkpoints in MariaDB",
    .enabled(if: RealServers.sql != nil, "no MariaDB: run by Tests/Support/with-servers")
)
struct SQLCheckpointStoreTests {
    let test: TestSQLDatabase
    let store: SQLCheckpointStore
    let metric = Metric.custom(name: "m")

    init() throws {
        test = try TestSQLDatabase(#require(RealServers.sql))
        let database = MySQLDatabase(MySQLConfiguration(test.server, database: test.name))
        let repository = SQLMetricRepository(database: database)
        try repository.migrate()
        store = SQLCheckpointStore(database: database)
        let metric = metric
        _ = try repository.write { try $0.createMetric(metric) }
    }

    private func checkpoint(generation: Int64 = 1, rowid: Int64, bytes: Int = 1000) -> Checkpoint {
        // Hard to compress, so that a large one takes several parts.
        var state = UInt64(rowid) &+ 1
        let model = (0..<bytes).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        return Checkpoint(uid: metric.uid, generation: generation, rowid: rowid, model: model)
    }

    @Test func aLargeOneComesBackByteForByte() throws {
        let large = checkpoint(rowid: 7, bytes: 9_000_000)
        let stored = try store.save(large)
        #expect(stored.map(\.rowid) == [7])
        #expect(try store.load(stored[0]) == large)
        #expect(try test.shell("SELECT COUNT(*) FROM htmengine_checkpoint").contains("3"))
    }

    @Test func theTwoNewestStayAndOlderOnesAreNoLongerTaken() throws {
        for rowid: Int64 in [10, 20, 30] { try store.save(checkpoint(rowid: rowid)) }
        #expect(try store.candidates(uid: metric.uid).map(\.rowid) == [30, 20])
        try store.save(checkpoint(rowid: 25))
        #expect(try store.candidates(uid: metric.uid).map(\.rowid) == [30, 20])
        try store.save(checkpoint(generation: 2, rowid: 5))
        #expect(try store.candidates(uid: metric.uid).map(\.generation) == [2, 1])
        try store.remove(uid: metric.uid, generationsBelow: 2)
        #expect(try store.candidates(uid: metric.uid).map(\.rowid) == [5])
    }

    @Test func damageAndAbsenceAreNoticed() throws {
        let info = try store.save(checkpoint(rowid: 3))[0]
        try test.shell(
            "UPDATE htmengine_checkpoint SET content = CONCAT(LEFT(content, 100), 'x', SUBSTR(content, 102))"
        )
        #expect(throws: EngineError.self) { try store.load(info) }
        try store.remove(info)
        #expect(throws: EngineError.self) { try store.load(info) }
        #expect(try store.candidates(uid: metric.uid).isEmpty)
    }

    @Test func aMetricThatIsGoneGetsNone() throws {
        try test.shell("DELETE FROM metric")
        #expect(try store.save(checkpoint(rowid: 3)).isEmpty)
    }
}
