// SPDX-License-Identifier: Apache-2.0

extension SQLMigration {
    /// SQLite only: no index on the time of all rows, and one on the score of the high ones alone.
    ///
    /// Both took a part of every sample's way to the disk: the one on time two fifths of what a stored row takes, the one on the
    /// score a page of its own for nearly every score, since neighbouring rows have different scores. What needs rows of a time finds
    /// them metric by metric, along the key.
    static func fewerIndexes(_ number: Int64, isMySQL: Bool) -> SQLMigration {
        SQLMigration(
            .ours(number),
            isMySQL ? "nothing to do here: SQLite writes fewer indexes" : "fewer index entries to write",
            isMySQL
                ? "DO 0"
                : """
                DROP INDEX IF EXISTS timestamp_idx;
                DROP INDEX IF EXISTS anomaly_score_idx;
                CREATE INDEX anomaly_score_idx ON metric_data (anomaly_score) WHERE anomaly_score > \(indexedScoresAbove)
                """
        )
    }

    /// In SQLite, rows scored above this are in `anomaly_score_idx`: the same number in the index and in every query that uses it.
    static let indexedScoresAbove = 0.99
}
