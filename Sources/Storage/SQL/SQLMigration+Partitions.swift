// SPDX-License-Identifier: Apache-2.0

extension SQLMigration {
    /// Which runner said last that it has a partition; for people who watch, the broker alone decides.
    static func partitions(_ number: Int64, tableOptions: String = "") -> SQLMigration {
        SQLMigration(
            .ours(number),
            "owners of partitions",
            """
            CREATE TABLE IF NOT EXISTS htmengine_partition (
                number INTEGER NOT NULL PRIMARY KEY,
                owner VARCHAR(200) NOT NULL,
                since DATETIME NOT NULL
            ) \(tableOptions)
            """
        )
    }
}
