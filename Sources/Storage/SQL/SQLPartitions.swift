// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// What the database knows of partitions: who said last to have them, and how far scoring is behind in each.
package struct SQLPartitions: Sendable {
    package struct Owner: Sendable, Equatable {
        /// Host and process id, `web-1:4711`.
        package var name: String
        /// When it took the partition over.
        ///
        /// Unit: Unix seconds.
        package var since: Int64
    }

    /// Rows of active metrics that wait for a score.
    package struct Lag: Sendable, Equatable {
        package var rows: Int64 = 0
        /// Time of the oldest of them; nil when there is none.
        ///
        /// Unit: Unix seconds.
        package var oldest: Int64?

        package init() {}

        package mutating func add(_ other: Lag) {
            rows += other.rows
            oldest = [oldest, other.oldest].compactMap(\.self).min()
        }
    }

    private let database: any SQLDatabase

    package init(database: any SQLDatabase) { self.database = database }

    /// Writes down that `owner` has these partitions and no others. Rows that say so already stay as they are.
    package func record(_ owned: Set<Int>, owner: String, at time: Int64) throws {
        try database.write { connection in
            let known = try connection.all("SELECT number FROM htmengine_partition WHERE owner = ?", [.text(owner)]) {
                Int($0.integer(0))
            }
            var gone = SQLRows(columnCount: 2)
            for number in Set(known).subtracting(owned).sorted() { gone.append(.integer(Int64(number)), .text(owner)) }
            var new = SQLRows(columnCount: 3)
            for number in owned.subtracting(known).sorted() {
                new.append(.integer(Int64(number)), .text(owner), .timestamp(time))
            }
            if gone.rowCount > 0 {
                // Another one may have written itself down meanwhile.
                try connection.executeMany("DELETE FROM htmengine_partition WHERE number = ? AND owner = ?", gone)
            }
            if new.rowCount > 0 {
                try connection.executeMany(
                    "REPLACE INTO htmengine_partition (number, owner, since) VALUES (?, ?, ?)",
                    new
                )
            }
        }
    }

    /// The owners written down, by partition.
    package func owners() throws -> [Int: Owner] {
        try database.read { connection in
            let rows = try connection.all("SELECT number, owner, since FROM htmengine_partition", []) { row in
                (Int(row.integer(0)), Owner(name: row.text(1), since: row.timestamp(2) ?? 0))
            }
            return Dictionary(rows) { $1 }
        }
    }

    /// How far scoring is behind, by partition; those that are up to date are left out.
    ///
    /// - Parameter count: Number of partitions.
    package func lags(count: Int) throws -> [Int: Lag] {
        try database.read { connection in
            let scored =
                "\(connection.dialect == .mysql ? "GREATEST" : "MAX")(COALESCE(h.scored_rowid, 0), COALESCE(h.base_rowid, 0))"
            var lags: [Int: Lag] = [:]
            try connection.query(
                """
                SELECT m.uid, m.last_rowid - \(scored), d.timestamp
                FROM metric m LEFT JOIN htmengine_model h ON h.uid = m.uid
                LEFT JOIN metric_data d ON d.uid = m.uid AND d.rowid = \(scored) + 1
                WHERE m.status = 1 AND m.last_rowid > \(scored)
                """,
                []
            ) { row in
                var lag = Lag()
                lag.rows = row.integer(1)
                lag.oldest = row.timestamp(2)
                lags[partition(ofUID: row.text(0), count: count), default: Lag()].add(lag)
                return true
            }
            return lags
        }
    }
}
