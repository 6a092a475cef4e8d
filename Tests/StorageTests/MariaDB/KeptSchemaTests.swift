// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import Storage
import TestSupport
import Testing

/// Databases of all our versions on MariaDB: the embedded ones are tested with the engine.
@Suite(
    "Kept databases on MariaDB",
    .enabled(if: RealServers.sql != nil, "no MariaDB: run by Tests/Support/with-servers")
)
struct KeptSchemaTests {
    private static let dumps = KeptFormats.names(".mysql.sql")

    @Test func everyVersionHasItsFile() {
        for case .ours(let version) in SQLMigration.all(.mysql).map(\.revision) {
            let name = "schema-\(version).mysql.sql"
            #expect(Self.dumps.contains(name), "\(name) is missing: run Tests/Support/with-servers Tests/Formats/keep")
        }
    }

    private func schema(of test: TestSQLDatabase) throws -> String {
        try test.shell(
            """
            SELECT table_name, column_name, column_type, is_nullable, column_default, collation_name
            FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, column_name;
            SELECT table_name, index_name, seq_in_index, column_name, non_unique FROM information_schema.statistics
            WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index;
            SELECT * FROM htmengine_schema; SELECT * FROM alembic_version
            """
        )
    }

    @Test(arguments: dumps)
    func itIsBroughtUpToDateWithItsRows(_ dump: String) throws {
        let server = try #require(RealServers.sql)
        let fresh = try TestSQLDatabase(server)
        let kept = try TestSQLDatabase(server)
        try kept.shell(String(contentsOfFile: KeptFormats.path(dump), encoding: .utf8))
        for test in [fresh, kept] {
            let database = MySQLDatabase(MySQLConfiguration(test.server, database: test.name))
            let repository = SQLMetricRepository(database: database)
            try repository.migrate()
        }
        #expect(try schema(of: kept) == schema(of: fresh))
        let repository = SQLMetricRepository(database: MySQLDatabase(MySQLConfiguration(server, database: kept.name)))
        let metric = try #require(try repository.read { try $0.metric(named: "kept") })
        #expect(metric.status == .active)
        #expect(try repository.read { try $0.modelRecord(uid: metric.uid)?.scoredRowid } == Int64(KeptFormats.rowCount))
        let rows = try repository.read { try $0.rows(RowQuery(uid: metric.uid)) }
        let expected = try KeptFormats.rows().prefix(KeptFormats.rowCount)
        #expect(rows.count == expected.count)
        for (row, line) in zip(rows, expected) {
            let fields = line.split(separator: " ")
            #expect(row.value == Double(fields[1]))
            #expect(row.timestamp == Int64(fields[2]))
            // Printed with twelve digits.
            #expect(abs((row.anomalyScore ?? .nan) - (Double(fields[3]) ?? .nan)) < 1e-11)
        }
    }
}
