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
        // One metric along its own key; all metrics along the index on the score, which few rows pass.
        var sql = "SELECT uid, rowid, timestamp, metric_value, anomaly_score FROM metric_data"
        var parameters: [SQLValue] = []
        if let uid {
            sql += "\(isMySQL ? " FORCE INDEX (PRIMARY)" : " NOT INDEXED") WHERE uid = ? AND anomaly_score > ?"
            parameters.append(.text(uid))
        } else {
            sql +=
                "\(isMySQL ? " FORCE INDEX" : " INDEXED BY") \(isMySQL ? "(anomaly_score_idx)" : "anomaly_score_idx")"
            sql += " WHERE anomaly_score > ?"
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
        let age =
            isMySQL
            ? "TIMESTAMPDIFF(SECOND, timestamp, ?)"
            : "(CAST(strftime('%s', ?) AS INTEGER) - CAST(strftime('%s', timestamp) AS INTEGER))"
        let bar = isMySQL ? "\(age) DIV ?" : "\(age) / ?"
        return try connection.all(
            """
            SELECT uid, SUM(highest) AS score FROM (
            SELECT uid, \(bar) AS bar, MAX(display_value) AS highest FROM metric_data
            WHERE timestamp > ? AND timestamp <= ? AND display_value IS NOT NULL GROUP BY uid, bar
            ) bars GROUP BY uid ORDER BY score DESC, uid
            """,
            [
                .timestamp(end), .integer(barSeconds), .timestamp(end - barSeconds * barCount), .timestamp(end),
            ]
        ) { ($0.text(0), $0.double(1)) }
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
