// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Storage
import TestSupport
import Testing

/// The contract of `MetricRepository`, run against the embedded database.
@Suite struct MetricRepositoryTests {
    private let directory: TemporaryDirectory
    private let repository: SQLMetricRepository

    init() throws {
        directory = try TemporaryDirectory()
        repository = SQLMetricRepository(database: try SQLiteDatabase(.init(path: directory.path("t.sqlite"))))
        try repository.migrate()
    }

    private func makeMetric(_ name: String, rows: Int = 0, status: MetricStatus = .unmonitored) throws -> String {
        try repository.write { transaction in
            let uid = try transaction.createMetric(.custom(name: name)).uid
            if rows > 0 {
                let samples = (1...rows).map { Sample(timestamp: Int64($0) * 300, value: Double($0) / 7) }
                try transaction.insertRows([RowBatch(uid: uid, firstRowid: 1, samples: samples)])
            }
            try transaction.setModelRecord(ModelRecord(uid: uid, generation: 1, seenStatus: status))
            try transaction.setStatus(uid: uid, status, message: nil)
            return uid
        }
    }

    @Test func migratingTwiceDoesNothingTheSecondTime() throws {
        #expect(try repository.migrate().isEmpty)
        #expect(try repository.integrityProblems().isEmpty)
    }

    @Test func aNameIsCreatedOnce() throws {
        let uid = try makeMetric("a/b c")
        let again = try repository.write { try $0.createMetric(.custom(name: "a/b c")) }
        #expect(again.uid == uid)
        #expect(!again.isNew)
        let metric = try #require(try repository.read { try $0.metric(named: "a/b c") })
        #expect(metric.description == "Custom metric a/b c")
        #expect(metric.pollInterval == 300)
        #expect(try repository.read { try $0.metric(named: "A/b c") } == nil)
    }

    @Test func rowsKeepEveryBitOfTheirValues() throws {
        let uid = try makeMetric("m")
        let values = [0.1, -2.5, Double.leastNonzeroMagnitude, 1.7976931348623157e308, 1 / 3.0, 4.94e-300]
        let samples = values.enumerated().map { Sample(timestamp: 1_700_000_000 + Int64($0), value: $1) }
        try repository.write { try $0.insertRows([RowBatch(uid: uid, firstRowid: 1, samples: samples)]) }
        let rows = try repository.read { try $0.rows(RowQuery(uid: uid)) }
        #expect(rows.map(\.value.bitPattern) == values.map(\.bitPattern))
        #expect(rows.map(\.timestamp) == samples.map(\.timestamp))
        #expect(rows.map(\.rowid) == [1, 2, 3, 4, 5, 6])
        let head = try #require(try repository.read { try $0.heads(uids: [uid]) }.first)
        #expect(head.lastRowid == 6)
        #expect(head.lastTimestamp == 1_700_000_005)
    }

    @Test func queriesSelectByRowidTimeAndScore() throws {
        let uid = try makeMetric("m", rows: 10, status: .active)
        try repository.write { transaction in
            let rows = (1...5).map {
                ScoredRow(rowid: $0, rawAnomalyScore: 0.1, anomalyScore: Double($0) / 10, displayValue: 1000)
            }
            let batch = ScoreBatch(uid: uid, generation: 1, rows: rows, publishedRowid: 0)
            let accepted = try transaction.storeScores([batch])
            #expect(accepted == [true])
        }
        func rowids(_ query: RowQuery) throws -> [Int64] { try repository.read { try $0.rows(query).map(\.rowid) } }
        #expect(try rowids(RowQuery(uid: uid, rowids: 3...5)) == [3, 4, 5])
        #expect(try rowids(RowQuery(uid: uid, times: 600...900)) == [2, 3])
        #expect(try rowids(RowQuery(uid: uid, minimumAnomalyScore: 0.4)) == [4, 5])
        #expect(try rowids(RowQuery(uid: uid, minimumAnomalyScore: 0)) == [1, 2, 3, 4, 5])
        #expect(try rowids(RowQuery(uid: uid, newestFirst: true, limit: 2)) == [10, 9])
        #expect(try repository.read { try $0.unscoredRowCount() } == 5)
    }

    @Test func scoresOfAnotherGenerationAreLeftOut() throws {
        let old = try makeMetric("old", rows: 1, status: .active)
        let good = try makeMetric("good", rows: 1, status: .active)
        let asleep = try makeMetric("asleep", rows: 1, status: .unmonitored)
        let row = ScoredRow(rowid: 1, rawAnomalyScore: 1, anomalyScore: 0, displayValue: 0)
        let accepted = try repository.write {
            try $0.storeScores([
                ScoreBatch(uid: old, generation: 2, rows: [row], publishedRowid: 0),
                ScoreBatch(uid: good, generation: 1, rows: [row], publishedRowid: 0),
                ScoreBatch(uid: asleep, generation: 1, rows: [row], publishedRowid: 0),
                ScoreBatch(uid: "missing", generation: 1, rows: [row], publishedRowid: 0),
            ])
        }
        #expect(accepted == [false, true, false, false])
        let scores = try repository.read { reading in
            try [old, good, asleep].map { try reading.rows(RowQuery(uid: $0))[0].rawAnomalyScore }
        }
        #expect(scores == [nil, 1, nil])
    }

    @Test func reasonsAreKeptAsLongAsTheirScores() throws {
        let uid = try makeMetric("m.one", rows: 4, status: .active)
        let reasons = [
            AnomalyReason(channel: "range", expected: -1.5...2.25, actual: 9, oneIn: 1e6, modelAge: 700),
            AnomalyReason(channel: "temporal", expected: nil, actual: nil, oneIn: nil, modelAge: 1),
        ]
        let rows: [ScoredRow] = [nil, reasons[0], reasons[1], nil].enumerated().map { index, reason in
            let rowid = Int64(index) + 1
            return ScoredRow(
                rowid: rowid,
                timestamp: rowid * 300,
                rawAnomalyScore: 0,
                anomalyScore: 0.99995,
                displayValue: 1_000_000,
                reason: reason
            )
        }
        // The same again changes nothing.
        for _ in 0..<2 {
            try repository.write {
                let batch = ScoreBatch(uid: uid, generation: 1, rows: rows, publishedRowid: 0)
                let old = ScoreBatch(uid: uid, generation: 0, rows: rows, publishedRowid: 0)
                let accepted = try $0.storeScores([old, batch])
                #expect(accepted == [false, true])
            }
        }
        func kept() throws -> [Int64: AnomalyReason] {
            try repository.read { try $0.reasons(uid: uid, rowids: 1...4) }
        }
        #expect(try kept() == [2: reasons[0], 3: reasons[1]])
        #expect(try repository.read { try $0.reasons(uid: uid, rowids: 3...3) }.count == 1)
        let list = try repository.read { try $0.explainedRows(pattern: "m.*", limit: 10) }
        #expect(list.map(\.rowid) == [3, 2] && list.map(\.name) == ["m.one", "m.one"])
        #expect(list.last?.value == 2.0 / 7)
        #expect(list.last?.anomalyScore == 0.99995)
        #expect(list.last?.reason == reasons[0])
        #expect(try repository.read { try $0.explainedRows(pattern: "M.*", limit: 10) }.isEmpty)
        #expect(try repository.read { try $0.explainedRows(pattern: nil, limit: 1) }.map(\.rowid) == [3])
        _ = try repository.write { try $0.deleteRows(uid: uid, upTo: 2, olderThan: 10_000, limit: 100) }
        #expect(try kept() == [3: reasons[1]])
        try repository.write { try $0.clearModel(uid: uid) }
        #expect(try kept().isEmpty)
    }

    @Test func workIsFoundThroughTheModelTable() throws {
        let lagging = try makeMetric("lagging", rows: 3, status: .active)
        let waiting = try makeMetric("waiting", rows: 4, status: .pendingData)
        _ = try makeMetric("too few", rows: 2, status: .pendingData)
        let pending = try makeMetric("pending", rows: 0, status: .createPending)
        _ = try makeMetric("plain", rows: 3)
        func work() throws -> Set<String> {
            Set(
                try repository.read { try $0.metricsWithWork(after: "", limit: 10, firstRows: 3, now: 1000) }
                    .map(\.uid)
            )
        }
        #expect(try work() == [lagging, waiting, pending])
        try repository.write { transaction in
            let rows = (1...3).map {
                ScoredRow(rowid: $0, rawAnomalyScore: 0, anomalyScore: 0, displayValue: 0)
            }
            _ = try transaction.storeScores([
                ScoreBatch(uid: lagging, generation: 1, rows: rows, publishedRowid: 0)
            ])
            var record = try #require(try transaction.modelRecord(uid: pending))
            record.retryAt = 1000
            try transaction.setModelRecord(record)
            try transaction.setStatus(uid: pending, .error, message: "no luck")
        }
        #expect(try work() == [waiting, pending])
    }

    @Test func clearingAModelLeavesTheSamples() throws {
        let uid = try makeMetric("m", rows: 2, status: .active)
        try repository.write { transaction in
            let row = ScoredRow(rowid: 1, rawAnomalyScore: 1, anomalyScore: 0.5, displayValue: 1000)
            _ = try transaction.storeScores([ScoreBatch(uid: uid, generation: 1, rows: [row], publishedRowid: 0)])
            try transaction.clearModel(uid: uid)
        }
        let rows = try repository.read { try $0.rows(RowQuery(uid: uid)) }
        #expect(rows.count == 2)
        #expect(rows.allSatisfy { $0.anomalyScore == nil && $0.displayValue == nil && $0.predictions == nil })
        #expect(try repository.write { try $0.deleteMetric(uid: uid) })
        #expect(try repository.read { try $0.rowCount(uid: uid) } == 0)
        #expect(try repository.read { try $0.modelRecord(uid: uid) } == nil)
    }

    @Test func aFailingWriteLeavesNothingAndHarmsNoOther() throws {
        struct Stop: Error {}
        let results = Monitor<[Bool]>([])
        let threads = (0..<40).map { index in
            ServiceThread(name: "write-\(index)") { [repository] in
                do {
                    try repository.write { transaction in
                        _ = try transaction.createMetric(.custom(name: "m\(index)"))
                        if index % 2 == 1 { throw Stop() }
                    }
                    results.update { $0.append(true) }
                } catch {
                    results.update { $0.append(false) }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(results.withLock { $0.filter { $0 }.count } == 20)
        let names = try repository.read { try $0.metrics(MetricQuery()).compactMap(\.name) }
        #expect(Set(names) == Set(stride(from: 0, to: 40, by: 2).map { "m\($0)" }))
    }

    @Test func retentionRemovesOnlyFromTheOldEnd() throws {
        let uid = try makeMetric("m", rows: 10)
        let removed = try repository.write {
            try $0.deleteRows(uid: uid, upTo: 8, olderThan: 300 * 5, limit: 100)
        }
        #expect(removed == 4)
        #expect(try repository.read { try $0.firstRowid(uid: uid) } == 5)
        #expect(try repository.write { try $0.deleteRows(uid: uid, upTo: 8, olderThan: .max, limit: 2) } == 2)
        #expect(try repository.write { try $0.deleteRows(uid: uid, upTo: 8, olderThan: .max, limit: 100) } == 2)
        #expect(try repository.read { try $0.firstRowid(uid: uid) } == 9)
    }

    @Test func patternsAreNotLikeWildcards() throws {
        for name in ["cpu.load", "cpu_load", "cpuXload", "[x]", "50%"] { _ = try makeMetric(name) }
        func names(_ change: (inout MetricQuery) -> Void) throws -> [String] {
            var query = MetricQuery()
            change(&query)
            return try repository.read { try $0.metrics(query).compactMap(\.name) }
        }
        #expect(try names { $0.nameContains = "U_L" } == ["cpu_load"])
        #expect(try names { $0.namePattern = "cpu?load" } == ["cpu.load", "cpuXload", "cpu_load"])
        #expect(try names { $0.namePattern = "[x]*" } == ["[x]"])
        #expect(try names { $0.nameContains = "%" } == ["50%"])
    }

    @Test func aSecondEngineIsRefused() throws {
        let error = #expect(throws: EngineError.self) {
            _ = try SQLiteDatabase(.init(path: directory.path("t.sqlite")))
        }
        #expect(error?.code == .alreadyRunning)
        repository.close()
        let second = try SQLiteDatabase(.init(path: directory.path("t.sqlite")))
        second.close()
    }

    @Test func highRowsOfAllMetricsAreFoundWhateverTheIndexHolds() throws {
        let scores = [0.2, 0.5, 0.985, 0.99, 0.9901, 0.995, 0.99995]
        let uids = try (1...3).map { try makeMetric("m\($0)", rows: scores.count, status: .active) }
        for uid in uids {
            let rows = scores.enumerated().map { index, score in
                ScoredRow(
                    rowid: Int64(index + 1),
                    timestamp: Int64(index + 1) * 300,
                    rawAnomalyScore: 0,
                    anomalyScore: score,
                    displayValue: 0,
                    predictions: "null",
                    reason: nil
                )
            }
            let batch = ScoreBatch(uid: uid, generation: 1, rows: rows, publishedRowid: 0)
            #expect(try repository.write { try $0.storeScores([batch]) } == [true])
        }
        for threshold in [0, 0.5, 0.98, 0.9899, 0.99, 0.991, 0.9999, 1] {
            var found: [String: [Double]] = [:]
            try repository.read { reading in
                try reading.forEachRow(uid: nil, scoredAbove: threshold) { row in
                    found[row.uid, default: []].append(row.anomalyScore)
                    return true
                }
            }
            let expected = scores.filter { $0 > threshold }
            for uid in uids { #expect(found[uid] ?? [] == expected, "above \(threshold)") }
        }
    }
}
