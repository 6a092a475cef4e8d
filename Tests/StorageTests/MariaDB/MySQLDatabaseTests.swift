// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import Storage
import TestSupport
import Testing

@Suite(
    "MariaDB, the real server",
    .enabled(if: RealServers.sql != nil, "no MariaDB: run by Tests/Support/with-servers")
)
struct MySQLDatabaseTests {
    let test: TestSQLDatabase
    let database: MySQLDatabase
    let repository: SQLMetricRepository

    init() throws {
        test = try TestSQLDatabase(#require(RealServers.sql))
        database = MySQLDatabase(MySQLConfiguration(test.server, database: test.name))
        repository = SQLMetricRepository(database: database)
    }

    @Test func valuesOfEveryKindComeBackAsTheyWere() throws {
        try database.migrate { connection in
            try connection.executeScript(
                "CREATE TABLE t (n BIGINT, d DOUBLE, s TEXT, b LONGBLOB, w DATETIME) CHARACTER SET utf8mb4"
            )
        }
        let long = String(repeating: "ä🎉", count: 5000)
        var rows = SQLRows(columnCount: 5)
        rows.append(.integer(.min), .double(0.1 + 0.2), .text("naïve 🎉"), .blob([0, 255, 39, 92]), .timestamp(0))
        rows.append(.null, .null, .null, .null, .null)
        rows.append(.integer(.max), .double(-5e-300), .text(""), .blob([]), .timestamp(1_700_000_000))
        rows.append(
            .integer(-1),
            .double(1.7976931348623157e308),
            .text(long),
            .blob([UInt8](repeating: 7, count: 1 << 20)),
            .null
        )
        let inserted = try database.write { try $0.executeMany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows) }
        #expect(inserted == 4)
        let read = try database.read { connection in
            try connection.all("SELECT n, d, s, b, w FROM t ORDER BY n IS NULL, n", []) { row in
                (
                    row.optionalInteger(0), row.optionalDouble(1), row.optionalText(2), row.blob(3), row.timestamp(4),
                    row.isNull(3)
                )
            }
        }
        let integers: [Int64?] = [.min, -1, .max, nil]
        #expect(read.map(\.0) == integers)
        let doubles: [Double?] = [0.1 + 0.2, Double.greatestFiniteMagnitude, -5e-300, nil]
        #expect(read.map(\.1) == doubles)
        #expect(read.map(\.2) == ["naïve 🎉", long, "", nil])
        #expect(read[0].3 == [0, 255, 39, 92])
        #expect(read[1].3.count == 1 << 20)
        let times: [Int64?] = [0, nil, 1_700_000_000, nil]
        #expect(read.map(\.4) == times)
        #expect(read.map(\.5) == [false, false, false, true])
    }

    @Test func updatesOfManyRowsCountTheRowsTheyFound() throws {
        try database.migrate { try $0.executeScript("CREATE TABLE t (n BIGINT PRIMARY KEY, d DOUBLE)") }
        var rows = SQLRows(columnCount: 2)
        for number in 0..<2500 { rows.append(.integer(Int64(number)), .double(Double(number) / 7)) }
        #expect(try database.write { try $0.executeMany("INSERT INTO t (n, d) VALUES (?, ?)", rows) } == 2500)
        var changes = SQLRows(columnCount: 2)
        for number in 0..<2500 { changes.append(.double(Double(number) / 7), .integer(Int64(number) + 1)) }
        #expect(try database.write { try $0.executeMany("UPDATE t SET d = ? WHERE n = ?", changes) } == 2499)
        #expect(try database.write { try $0.execute("UPDATE t SET d = d WHERE n < ?", [.integer(10)]) } == 10)
        let sum = try database.read {
            try $0.first("SELECT SUM(n), COUNT(*) FROM t", []) { ($0.integer(0), $0.integer(1)) }
        }
        #expect(sum?.0 == 3_123_750)
        #expect(sum?.1 == 2500)
    }

    @Test func aBodyThatThrowsLeavesNothing() throws {
        struct Refusal: Error {}
        try database.migrate { try $0.executeScript("CREATE TABLE t (n BIGINT PRIMARY KEY)") }
        #expect(throws: Refusal.self) {
            try database.write { connection in
                try connection.execute("INSERT INTO t VALUES (?)", [.integer(1)])
                throw Refusal()
            }
        }
        #expect(try database.read { try $0.first("SELECT COUNT(*) FROM t", []) { $0.integer(0) } } == 0)
    }

    /// Two threads lock two rows in opposite order, again and again: without retries one of them would fail.
    @Test func deadlocksAreTriedAgain() throws {
        try database.migrate {
            try $0.executeScript(
                "CREATE TABLE t (n BIGINT PRIMARY KEY, hits BIGINT); INSERT INTO t VALUES (1, 0), (2, 0)"
            )
        }
        let failures = Monitor<[String]>([])
        let threads = [[1, 2], [2, 1]].map { order in
            ServiceThread(name: "deadlock") {
                for _ in 0..<40 {
                    do {
                        try database.write { connection in
                            for row in order {
                                try connection.execute(
                                    "UPDATE t SET hits = hits + 1 WHERE n = ?",
                                    [.integer(Int64(row))]
                                )
                            }
                        }
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(failures.withLock { $0 } == [])
        #expect(try database.read { try $0.all("SELECT hits FROM t", []) { $0.integer(0) } } == [80, 80])
    }

    @Test func aKilledConnectionIsReplaced() throws {
        let id = try database.read { try $0.first("SELECT CONNECTION_ID()", []) { $0.integer(0) } }
        try test.shell("KILL \(#require(id))")
        let other = try database.read { try $0.first("SELECT CONNECTION_ID()", []) { $0.integer(0) } }
        #expect(other != id)
    }

    @Test func theServerEndsWhatNobodyGoesOnWith() throws {
        // A host without power or network says no farewell: what its open transaction has locked must not stay locked for the 8
        // hours of the server's default.
        let limits = try database.read {
            try $0.first("SELECT @@SESSION.wait_timeout, @@SESSION.idle_transaction_timeout", []) {
                [$0.integer(0), $0.integer(1)]
            }
        }
        #expect(limits == [60, 15])
    }

    @Test func aUnixSocketWorks() throws {
        var configuration = MySQLConfiguration(test.server, database: test.name)
        configuration.unixSocket = test.server.socket
        configuration.host = "192.0.2.1"
        try MySQLDatabase(configuration).check()
    }

    @Test(.enabled(if: RealServers.sql?.authority != nil, "no openssl for a certificate"))
    func tlsIsUsedWhenAskedForAndChecksTheServer() throws {
        var configuration = MySQLConfiguration(test.server, database: test.name)
        configuration.tls = .init(authorityFile: test.server.authority)
        let secure = MySQLDatabase(configuration)
        let cipher = try secure.read { try $0.first("SHOW STATUS LIKE 'Ssl_cipher'", []) { $0.text(1) } }
        #expect(cipher?.isEmpty == false)
        // The same server is not trusted by the system's own authorities.
        configuration.tls = .init()
        configuration.retrySeconds = 0
        #expect(throws: EngineError.self) { try MySQLDatabase(configuration).check() }
    }

    @Test func errorsSayWhereAndWhatToDoButNeverThePassword() throws {
        var wrong = MySQLConfiguration(test.server, database: test.name)
        wrong.password = "not-the-s3cret"
        wrong.retrySeconds = 0
        let refused = try #require(throws: EngineError.self) { try MySQLDatabase(wrong).check() }
        for part in [wrong.host, "\(wrong.port)", wrong.user, test.name, "CREATE USER", "GRANT ALL"] {
            #expect(refused.message.contains(part))
        }
        #expect(!refused.message.contains("s3cret"))

        var missing = MySQLConfiguration(test.server, database: "nosuch`db")
        missing.retrySeconds = 0
        let unknown = try #require(throws: EngineError.self) {
            try SQLMetricRepository(database: MySQLDatabase(missing)).migrate()
        }
        #expect(unknown.message.contains("CREATE DATABASE `nosuch``db`"))
        #expect(!unknown.message.contains(test.server.password))

        var away = MySQLConfiguration(test.server, database: test.name)
        away.port = 1
        away.retrySeconds = 0
        let unreachable = try #require(throws: EngineError.self) { try MySQLDatabase(away).check() }
        #expect(unreachable.code == .storageUnavailable)
        #expect(unreachable.message.contains("port 1"))
    }

    @Test func theRepositoryStoresAndScores() throws {
        let applied = try repository.migrate()
        #expect(applied.count == SQLMigration.all(.mysql).count)
        #expect(try repository.migrate() == [])
        let metric = Metric.custom(name: "größe.🎉")
        let reasons = [
            1000: AnomalyReason(channel: "range", expected: -0.1...0.3, actual: 1 / 3, oneIn: 1e6, modelAge: 1000),
            1500: AnomalyReason(channel: "temporal", expected: nil, actual: nil, oneIn: nil, modelAge: 1500),
        ]
        try repository.write { transaction in
            #expect(try transaction.createMetric(metric).isNew)
            #expect(try transaction.createMetric(.custom(name: "größe.🎉")).uid == metric.uid)
            // Byte for byte: another case and another normal form are other names.
            #expect(try transaction.createMetric(.custom(name: "Größe.🎉")).isNew)
            #expect(try transaction.createMetric(.custom(name: "gro\u{308}ße.🎉")).isNew)
            let samples = (1...2000).map { Sample(timestamp: 1_700_000_000 + Int64($0) * 300, value: Double($0) / 3) }
            try transaction.insertRows([RowBatch(uid: metric.uid, firstRowid: 1, samples: samples)])
            try transaction.setStatus(uid: metric.uid, .active, message: nil)
            try transaction.setModelRecord(ModelRecord(uid: metric.uid, generation: 1, seenStatus: .active))
            let scores = (1...2000).map {
                ScoredRow(
                    rowid: Int64($0),
                    timestamp: 1_700_000_000 + Int64($0) * 300,
                    rawAnomalyScore: 1 / Double($0),
                    anomalyScore: 0.1 + 0.2,
                    displayValue: 1000,
                    reason: reasons[$0]
                )
            }
            let stored = try transaction.storeScores([
                ScoreBatch(uid: metric.uid, generation: 1, rows: scores, publishedRowid: 0),
                ScoreBatch(uid: metric.uid, generation: 9, rows: scores, publishedRowid: 0),
            ])
            #expect(stored == [true, false])
        }
        let rows = try repository.read { try $0.rows(RowQuery(uid: metric.uid, rowids: 1999...2000)) }
        let values: [Double] = [1999.0 / 3, 2000.0 / 3]
        #expect(rows.map(\.value) == values)
        let raw: [Double?] = [1 / 1999.0, 1 / 2000.0]
        #expect(rows.map(\.rawAnomalyScore) == raw)
        #expect(rows.allSatisfy { $0.anomalyScore == 0.1 + 0.2 })
        let kept = try repository.read { try $0.reasons(uid: metric.uid, rowids: 1...2000) }
        #expect(kept == [1000: reasons[1000], 1500: reasons[1500]])
        let explained = try repository.read { try $0.explainedRows(pattern: "grö?e.*", limit: 10) }
        #expect(explained.map(\.rowid) == [1500, 1000])
        #expect(explained.last?.timestamp == 1_700_300_000)
        let head = try #require(try repository.read { try $0.heads(names: ["größe.🎉", "nobody"]) }.first)
        #expect(head.lastRowid == 2000)
        #expect(head.scoredRowid == 2000)
        #expect(head.lastTimestamp == 1_700_600_000)
        #expect(try repository.integrityProblems() == [])
    }
}
