// SPDX-License-Identifier: Apache-2.0

extension SQLMigration {
    /// The notes people write on metrics.
    static func annotations(_ number: Int64, tableOptions: String = "") -> SQLMigration {
        SQLMigration(
            .ours(number),
            "notes on metrics",
            """
            CREATE TABLE IF NOT EXISTS htmengine_annotation (
                id VARCHAR(40) NOT NULL PRIMARY KEY,
                metric VARCHAR(40) NOT NULL,
                timestamp DATETIME NOT NULL,
                created DATETIME NOT NULL,
                user_name VARCHAR(100),
                message TEXT NOT NULL
            ) \(tableOptions);
            DROP INDEX IF EXISTS htmengine_annotation_idx\(tableOptions.isEmpty ? "" : " ON htmengine_annotation");
            CREATE INDEX htmengine_annotation_idx ON htmengine_annotation (metric, timestamp)
            """
        )
    }
}
