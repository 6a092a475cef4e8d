// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Storage
import TestSupport
import Testing

@Suite(
    "Partitions in MariaDB",
    .enabled(if: RealServers.sql != nil, "no MariaDB: run by Tests/Support/with-servers")
)
struct SQLPartitionsTests {
    let test: TestSQLDatabase
    let repository: SQLMetricRepository
    let partitions: SQLPartitions

    init() throws {
        test = try TestSQLDatabase(#require(RealServers.sql))
        let database = MySQLDatabase(MySQLConfiguration(test.server, database: test.name))
        repository = SQLMetricRepository(database: database)
        try repository.migrate()
        partitions = SQLPartitions(database: database)
    }

    @Test func theLastOneToWriteItselfDownIsTheOwner() throws {
        try partitions.record([0, 1, 2], owner: "a:1", at: 1_700_000_000)
        try partitions.record([2, 3], owner: "b:2", at: 1_700_000_100)
        #expect(try partitions.owners().mapValues(\.name) == [0: "a:1", 1: "a:1", 2: "b:2", 3: "b:2"])
        // Who gives back takes nothing from others; what stays keeps its time.
        try partitions.record([1], owner: "a:1", at: 1_700_000_200)
        #expect(try partitions.owners().mapValues(\.name) == [1: "a:1", 2: "b:2", 3: "b:2"])
        #expect(try partitions.owners()[1]?.since == 1_700_000_000)
        // A frozen one that still believes to have 3 is corrected by the next round of the other.
        try partitions.record([1, 3], owner: "a:1", at: 1_700_000_300)
        #expect(try partitions.owners()[3]?.name == "a:1")
        try partitions.record([2, 3], owner: "b:2", at: 1_700_000_400)
        let corrected = try #require(try partitions.owners()[3])
        #expect(corrected.name == "b:2")
        #expect(corrected.since == 1_700_000_400)
        try partitions.record([], owner: "a:1", at: 1_700_000_500)
        #expect(try partitions.owners().keys.sorted() == [2, 3])
    }

    @Test func rowsWithoutAScoreAreCountedByPartition() throws {
        let (active, idle) = (Metric.custom(name: "active"), Metric.custom(name: "idle"))
        try repository.write { transaction in
            for metric in [active, idle] {
                _ = try transaction.createMetric(metric)
                let samples = (1...10).map { Sample(timestamp: 1_700_000_000 + Int64($0) * 300, value: 1) }
                try transaction.insertRows([RowBatch(uid: metric.uid, firstRowid: 1, samples: samples)])
            }
            try transaction.setStatus(uid: active.uid, .active, message: nil)
            try transaction.setModelRecord(ModelRecord(uid: active.uid, generation: 1, seenStatus: .active))
        }
        let number = partition(ofUID: active.uid, count: 64)
        var expected = SQLPartitions.Lag()
        expected.rows = 10
        expected.oldest = 1_700_000_300
        #expect(try partitions.lags(count: 64) == [number: expected])
        let scores = (1...4).map { ScoredRow(rowid: $0, rawAnomalyScore: 0, anomalyScore: 0, displayValue: 0) }
        _ = try repository.write { transaction in
            try transaction.storeScores([ScoreBatch(uid: active.uid, generation: 1, rows: scores, publishedRowid: 0)])
        }
        expected.rows = 6
        expected.oldest = 1_700_001_500
        #expect(try partitions.lags(count: 64) == [number: expected])
    }
}
