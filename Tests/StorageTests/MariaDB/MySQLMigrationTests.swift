// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import Storage
import TestSupport
import Testing

@Suite(
    "Migrations on MariaDB",
    .enabled(if: RealServers.sql != nil, "no MariaDB: run by Tests/Support/with-servers")
)
struct MySQLMigrationTests {
    let test: TestSQLDatabase
    let database: MySQLDatabase
    let repository: SQLMetricRepository

    init() throws {
        test = try TestSQLDatabase(#require(RealServers.sql))
        database = MySQLDatabase(MySQLConfiguration(test.server, database: test.name))
        repository = SQLMetricRepository(database: database)
    }

    static let recorded = [
        "database_000_57ab75d58038.sql", "database_001_1d2eddc43366.sql", "database_002_872a895b8e8.sql",
        "database_003_315d6ad6c19f.sql",
    ]
    static let hasGolden = Golden.original("database_003_315d6ad6c19f.sql") != nil

    /// Columns, keys and references of the original's tables, one a line; our own index aside.
    private func schema(of test: TestSQLDatabase) throws -> String {
        let tables = "('metric', 'metric_data', 'instance_status_history', 'lock', 'alembic_version')"
        return try test.shell(
            """
            SELECT table_name, ordinal_position, column_name, column_type, is_nullable, column_default, extra,
            character_set_name, collation_name FROM information_schema.columns
            WHERE table_schema = DATABASE() AND table_name IN \(tables) ORDER BY table_name, ordinal_position;
            SELECT table_name, index_name, seq_in_index, column_name, non_unique FROM information_schema.statistics
            WHERE table_schema = DATABASE() AND table_name IN \(tables) AND index_name NOT LIKE 'htmengine%'
            ORDER BY table_name, index_name, seq_in_index;
            SELECT constraint_name, table_name, referenced_table_name, update_rule, delete_rule
            FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE()
            AND table_name IN \(tables) ORDER BY 1;
            SELECT table_name, engine, table_collation FROM information_schema.tables
            WHERE table_schema = DATABASE() AND table_name IN \(tables) ORDER BY 1;
            SELECT * FROM alembic_version; SELECT * FROM `lock`;
            """
        )
    }

    @Test(.enabled(if: hasGolden, "no recorded databases"))
    func aFreshDatabaseHasTheOriginalsTables() throws {
        let original = try TestSQLDatabase(test.server)
        let dump = try #require(Golden.original("database_003_315d6ad6c19f.sql"))
        try original.shell(String(contentsOfFile: dump, encoding: .utf8))
        try repository.migrate()
        #expect(try schema(of: test) == schema(of: original))
    }

    @Test(.enabled(if: hasGolden, "no recorded databases"), arguments: recorded)
    func eachRecordedRevisionIsTakenOver(_ file: String) throws {
        let original = try TestSQLDatabase(test.server)
        let newest = try #require(Golden.original("database_003_315d6ad6c19f.sql"))
        try original.shell(String(contentsOfFile: newest, encoding: .utf8))
        let dump = try #require(Golden.original(file))
        try test.shell(String(contentsOfFile: dump, encoding: .utf8))
        try test.shell(
            """
            INSERT INTO metric (uid, name, datasource, status, last_rowid) VALUES ('0a', 'm', 'custom', 0, 1);
            INSERT INTO metric_data (uid, rowid, timestamp, metric_value) VALUES ('0a', 1, '2015-06-13 04:01:55', 5.6)
            """
        )
        let applied = try repository.migrate()
        #expect(applied.count == SQLMigration.all(.mysql).count - Self.recorded.firstIndex(of: file)! - 1)
        #expect(try repository.migrate() == [])
        #expect(try schema(of: test) == schema(of: original))
        let row = try #require(try repository.read { try $0.rows(RowQuery(uid: "0a")) }.first)
        #expect(row.value == 5.6)
        #expect(Timestamps.sqlText(row.timestamp) == "2015-06-13 04:01:55")
        #expect(try repository.read { try $0.heads(names: ["m"]) }.first?.lastTimestamp == row.timestamp)
    }

    @Test(.enabled(if: hasGolden, "no recorded databases"))
    func aDatabaseWithDataKeepsItsRowsAndScores() throws {
        let dump = try #require(Golden.original("database_with_data.sql"))
        try test.shell(String(contentsOfFile: dump, encoding: .utf8))
        let before = try test.shell("CHECKSUM TABLE metric, metric_data")
        try repository.migrate()
        #expect(try test.shell("CHECKSUM TABLE metric, metric_data") == before)
        let metric = try #require(try repository.read { try $0.metric(named: "nyc_taxi") })
        #expect(metric.status == .active)
        let rows = try repository.read { try $0.rows(RowQuery(uid: metric.uid)) }
        #expect(rows.count == 10_320)
        #expect(rows[6].rawAnomalyScore == 0.949999988079071)
        #expect(rows[9638].anomalyScore == 0.8951075229304006)
        let work = try repository.read { try $0.metricsWithWork(after: "", limit: 100, firstRows: 288, now: 0) }
        #expect(work.contains { $0.uid == metric.uid })
    }

    @Test func ourTablesAreTheSameInBothDialects() throws {
        try repository.migrate()
        let directory = try TemporaryDirectory()
        let embedded = SQLMetricRepository(
            database: try SQLiteDatabase(.init(path: directory.path("database.sqlite")))
        )
        defer { embedded.close() }
        try embedded.migrate()
        let tables = try embedded.database.read { connection in
            try connection.all("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'htmengine%'", []) {
                $0.text(0)
            }
        }
        #expect(tables.count >= 10)
        for table in tables {
            let theirs = try database.read { connection in
                try connection.all(
                    """
                    SELECT column_name FROM information_schema.columns
                    WHERE table_schema = DATABASE() AND table_name = ? ORDER BY 1
                    """,
                    [.text(table)]
                ) { $0.text(0) }
            }
            let ours = try embedded.database.read { connection in
                try connection.all("SELECT name FROM pragma_table_info(?) ORDER BY 1", [.text(table)]) { $0.text(0) }
            }
            #expect(theirs == ours, "\(table)")
        }
    }

    @Test func twoAtOnceDoTheWorkOnce() throws {
        let applied = Monitor<[[String]]>([])
        let threads = (0..<4).map { _ in
            ServiceThread(name: "migrate") {
                let other = MySQLDatabase(MySQLConfiguration(test.server, database: test.name))
                let labels = (try? SQLMetricRepository(database: other).migrate()) ?? ["failed"]
                applied.withLock { $0.append(labels) }
            }
        }
        for thread in threads { thread.join() }
        let all = applied.withLock { $0 }
        #expect(all.flatMap { $0 }.sorted() == SQLMigration.all(.mysql).map(\.label).sorted())
    }

    @Test func aStepCutShortIsDoneAgain() throws {
        try repository.migrate()
        // As if the server had died before the last steps were noted.
        try test.shell("UPDATE alembic_version SET version_num = '57ab75d58038'; DELETE FROM htmengine_schema")
        #expect(try repository.migrate().count == SQLMigration.all(.mysql).count - 1)
        #expect(try test.shell("SELECT version_num FROM alembic_version").contains("315d6ad6c19f"))
    }

    @Test func namesOfAnotherCollationBecomeByteExact() throws {
        let latin = SQLMigration.all(.mysql)[0].script
            .replacingOccurrences(of: "CHARSET=utf8mb4 COLLATE=utf8mb4_bin", with: "CHARSET=latin1")
        try database.migrate { connection in
            try connection.executeScript(latin)
            try connection.executeScript(
                """
                INSERT INTO alembic_version VALUES ('57ab75d58038');
                INSERT INTO metric (uid, name, last_rowid) VALUES ('1', 'CPU', 0), ('2', 'cpu', 0), ('3', 'CPU', 0)
                """
            )
        }
        try repository.migrate()
        #expect(try repository.read { try $0.metric(named: "cpu") }?.uid == "2")
        #expect(try repository.read { try $0.metric(named: "CPU") }?.uid == "1")
        #expect(try repository.read { try $0.metric(named: "Cpu") } == nil)
        #expect(try database.doubledNames() == ["CPU"])
    }
}
