// SPDX-License-Identifier: Apache-2.0

import EngineCore

extension SQLMetricTransaction {
    func overviewRows() throws -> [OverviewRow] {
        try connection.all(
            """
            SELECT m.uid, m.name, m.server, m.status, m.last_rowid, m.last_timestamp, h.generation, h.scored_rowid,
            h.base_rowid, h.automatic FROM metric m LEFT JOIN htmengine_model h ON h.uid = m.uid
            """,
            []
        ) { row in
            OverviewRow(
                uid: row.text(0),
                name: row.text(1),
                server: row.optionalText(2),
                status: MetricStatus(rawValue: Int(truncatingIfNeeded: row.integer(3))) ?? .error,
                lastRowid: row.integer(4),
                lastTimestamp: row.timestamp(5),
                generation: row.integer(6),
                scoredRowid: row.integer(7),
                baseRowid: row.integer(8),
                isAutomatic: row.integer(9) != 0
            )
        }
    }

    func rowid(uid: String, atOrAfter time: Int64) throws -> Int64? {
        let sql = "SELECT rowid, timestamp FROM metric_data WHERE uid = ? AND rowid >= ? ORDER BY rowid LIMIT 1"
        func row(from rowid: Int64) throws -> (rowid: Int64, time: Int64)? {
            try connection.first(sql, [.text(uid), .integer(rowid)]) { ($0.integer(0), $0.timestamp(1) ?? 0) }
        }
        let newest = try connection.first(
            "SELECT rowid, timestamp FROM metric_data WHERE uid = ? ORDER BY rowid DESC LIMIT 1",
            [.text(uid)]
        ) { ($0.integer(0), $0.timestamp(1) ?? 0) }
        guard let newest, newest.1 >= time, let oldest = try row(from: 0) else { return nil }
        if oldest.time >= time { return oldest.rowid }
        // Invariant: the row `low` is older than `time`; the first row from `high` on isn't.
        var low = oldest.rowid
        var high = newest.0
        while high - low > 1 {
            let middle = low + (high - low) / 2
            guard let found = try row(from: middle) else { break }
            if found.time < time { low = found.rowid } else { high = middle }
        }
        return try row(from: high)?.rowid
    }

    func highestScore(uid: String, rowids: ClosedRange<Int64>) throws -> Double? {
        try connection.first(
            "SELECT MAX(anomaly_score) FROM metric_data WHERE uid = ? AND rowid >= ? AND rowid <= ?",
            [.text(uid), .integer(rowids.lowerBound), .integer(rowids.upperBound)]
        ) { $0.optionalDouble(0) } ?? nil
    }

    func forEachRow(uid: String?, scoredAbove threshold: Double, _ body: (HighRow) throws -> Bool) throws {
        // One metric along its own key; all metrics along the index on the score, which few rows pass. SQLite's has the high
        // scores only: for lower ones it reads the table.
        var sql = "SELECT uid, rowid, timestamp, metric_value, anomaly_score FROM metric_data"
        var parameters: [SQLValue] = []
        let indexed = SQLMigration.indexedScoresAbove
        if let uid {
            sql += "\(isMySQL ? " FORCE INDEX (PRIMARY)" : " NOT INDEXED") WHERE uid = ? AND anomaly_score > ?"
            parameters.append(.text(uid))
        } else if isMySQL {
            sql += " FORCE INDEX (anomaly_score_idx) WHERE anomaly_score > ?"
        } else if threshold >= indexed {
            sql += " INDEXED BY anomaly_score_idx WHERE anomaly_score > ? AND anomaly_score > \(indexed)"
        } else {
            sql += " NOT INDEXED WHERE anomaly_score > ?"
        }
        parameters.append(.double(threshold))
        try connection.query(sql + " ORDER BY uid, rowid", parameters) { row in
            try body(
                HighRow(
                    uid: row.text(0),
                    rowid: row.integer(1),
                    timestamp: row.timestamp(2) ?? 0,
                    value: row.double(3),
                    anomalyScore: row.double(4)
                )
            )
        }
    }

    func displayRanking(end: Int64, barSeconds: Int64, barCount: Int64) throws -> [(uid: String, score: Double)] {
        let start = end - barSeconds * barCount
        guard isMySQL else {
            return try displayRankingByMetric(times: start + 1...end, end: end, barSeconds: barSeconds)
        }
        return try connection.all(
            """
            SELECT uid, SUM(highest) AS score FROM (
            SELECT uid, TIMESTAMPDIFF(SECOND, timestamp, ?) DIV ? AS bar, MAX(display_value) AS highest FROM metric_data
            WHERE timestamp > ? AND timestamp <= ? AND display_value IS NOT NULL GROUP BY uid, bar
            ) bars GROUP BY uid ORDER BY score DESC, uid
            """,
            [.timestamp(end), .integer(barSeconds), .timestamp(start), .timestamp(end)]
        ) { ($0.text(0), $0.double(1)) }
    }

    /// `displayRanking` without an index on time: each metric's newest rows, which lie together, back to the first that is too old.
    private func displayRankingByMetric(
        times: ClosedRange<Int64>,
        end: Int64,
        barSeconds: Int64
    ) throws -> [(uid: String, score: Double)] {
        let uids = try connection.all(
            "SELECT uid FROM metric WHERE last_timestamp >= ?",
            [.timestamp(times.lowerBound)]
        ) { $0.text(0) }
        var ranking: [(uid: String, score: Double)] = []
        for uid in uids {
            // The highest display value of each bar.
            var bars: [Int64: Int64] = [:]
            try connection.query(
                "SELECT timestamp, display_value FROM metric_data WHERE uid = ? ORDER BY rowid DESC",
                [.text(uid)]
            ) { row in
                guard let time = row.timestamp(0), time >= times.lowerBound else { return false }
                if time <= times.upperBound, let value = row.optionalInteger(1) {
                    bars[(end - time) / barSeconds] = max(value, bars[(end - time) / barSeconds] ?? value)
                }
                return true
            }
            if !bars.isEmpty { ranking.append((uid, Double(bars.values.reduce(0, +)))) }
        }
        return ranking.sorted { ($1.score, $0.uid) < ($0.score, $1.uid) }
    }

    // MARK: annotations

    private static let annotationColumns = "id, metric, timestamp, created, user_name, message"

    private static func annotation(_ row: any SQLRow) -> Annotation {
        Annotation(
            id: row.text(0),
            metric: row.text(1),
            timestamp: row.timestamp(2) ?? 0,
            created: row.timestamp(3) ?? 0,
            user: row.optionalText(4),
            message: row.text(5)
        )
    }

    func annotation(id: String) throws -> Annotation? {
        try connection.first(
            "SELECT \(Self.annotationColumns) FROM htmengine_annotation WHERE id = ?",
            [.text(id)],
            Self.annotation
        )
    }

    func annotations(_ query: AnnotationQuery) throws -> [Annotation] {
        let (condition, parameters) = condition(query)
        return try connection.all(
            """
            SELECT \(Self.annotationColumns) FROM htmengine_annotation WHERE \(condition)
            ORDER BY timestamp DESC, id LIMIT ? OFFSET ?
            """,
            parameters + [.integer(Int64(query.limit)), .integer(Int64(query.offset))],
            Self.annotation
        )
    }

    func annotationCount(_ query: AnnotationQuery) throws -> Int {
        let (condition, parameters) = condition(query)
        return try connection.first("SELECT COUNT(*) FROM htmengine_annotation WHERE \(condition)", parameters) {
            Int($0.integer(0))
        } ?? 0
    }

    private func condition(_ query: AnnotationQuery) -> (String, [SQLValue]) {
        // On servers no foreign key removes the notes of a deleted metric.
        var conditions = ["metric IN (SELECT uid FROM metric)"]
        var parameters: [SQLValue] = []
        if let metric = query.metric {
            conditions.append("metric = ?")
            parameters.append(.text(metric))
        }
        if let times = query.times {
            conditions.append("timestamp >= ? AND timestamp <= ?")
            parameters += [.timestamp(times.lowerBound), .timestamp(times.upperBound)]
        }
        return (conditions.joined(separator: " AND "), parameters)
    }

    func insertAnnotation(_ annotation: Annotation) throws {
        try connection.execute(
            "INSERT INTO htmengine_annotation (\(Self.annotationColumns)) VALUES (?, ?, ?, ?, ?, ?)",
            [
                .text(annotation.id), .text(annotation.metric), .timestamp(annotation.timestamp),
                .timestamp(annotation.created), SQLValue(annotation.user), .text(annotation.message),
            ]
        )
    }

    func deleteAnnotation(id: String) throws -> Bool {
        try connection.execute("DELETE FROM htmengine_annotation WHERE id = ?", [.text(id)]) > 0
    }
}
