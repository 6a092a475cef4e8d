// SPDX-License-Identifier: Apache-2.0

import EngineCore

extension SQLMetricTransaction {
    private static let reasonColumns =
        "a.rowid, a.channel, a.expected_low, a.expected_high, a.actual, a.one_in, a.model_age"

    /// From the columns of `reasonColumns`.
    private static func reason(_ row: any SQLRow) -> AnomalyReason {
        var expected: ClosedRange<Double>?
        if let low = row.optionalDouble(2), let high = row.optionalDouble(3), low <= high { expected = low...high }
        return AnomalyReason(
            channel: row.text(1),
            expected: expected,
            actual: row.optionalDouble(4),
            oneIn: row.optionalDouble(5),
            modelAge: row.integer(6)
        )
    }

    func reasons(uid: String, rowids: ClosedRange<Int64>) throws -> [Int64: AnomalyReason] {
        let found = try connection.all(
            "SELECT \(Self.reasonColumns) FROM htmengine_anomaly a WHERE a.uid = ? AND a.rowid >= ? AND a.rowid <= ?",
            [.text(uid), .integer(rowids.lowerBound), .integer(rowids.upperBound)]
        ) { ($0.integer(0), Self.reason($0)) }
        return Dictionary(found) { first, _ in first }
    }

    func explainedRows(pattern: String?, limit: Int) throws -> [ExplainedRow] {
        var sql = """
            SELECT \(Self.reasonColumns), a.uid, m.name, d.timestamp, d.metric_value, d.anomaly_score
            FROM htmengine_anomaly a JOIN metric m ON m.uid = a.uid
            JOIN metric_data d ON d.uid = a.uid AND d.rowid = a.rowid
            """
        var parameters: [SQLValue] = []
        if let pattern {
            sql += isMySQL ? " WHERE m.name LIKE ? ESCAPE '!'" : " WHERE m.name GLOB ?"
            parameters.append(.text(isMySQL ? Self.likePattern(pattern) : Self.globPattern(pattern)))
        }
        parameters.append(.integer(Int64(limit)))
        return try connection.all(sql + " ORDER BY a.timestamp DESC, a.uid, a.rowid LIMIT ?", parameters) { row in
            ExplainedRow(
                uid: row.text(7),
                name: row.text(8),
                rowid: row.integer(0),
                timestamp: row.timestamp(9) ?? 0,
                value: row.double(10),
                anomalyScore: row.double(11),
                reason: Self.reason(row)
            )
        }
    }

    /// Writes the reasons that come with scores; the same again changes nothing.
    func storeReasons(_ batches: [ScoreBatch]) throws {
        var reasons = SQLRows(columnCount: 9)
        for batch in batches {
            for row in batch.rows {
                guard let reason = row.reason else { continue }
                reasons.append(
                    .text(batch.uid),
                    .integer(row.rowid),
                    .timestamp(row.timestamp),
                    .text(reason.channel),
                    SQLValue(reason.expected?.lowerBound),
                    SQLValue(reason.expected?.upperBound),
                    SQLValue(reason.actual),
                    SQLValue(reason.oneIn),
                    .integer(reason.modelAge)
                )
            }
        }
        guard reasons.rowCount > 0 else { return }
        try connection.executeMany(
            """
            REPLACE INTO htmengine_anomaly (uid, rowid, timestamp, channel, expected_low, expected_high, actual, one_in,
            model_age) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            reasons
        )
    }

    /// Removes the reasons of a metric up to a row.
    func removeReasons(uid: String, upTo rowid: Int64 = .max) throws {
        try connection.execute(
            "DELETE FROM htmengine_anomaly WHERE uid = ? AND rowid <= ?",
            [.text(uid), .integer(rowid)]
        )
    }
}
