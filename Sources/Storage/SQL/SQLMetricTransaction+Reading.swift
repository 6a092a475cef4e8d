// SPDX-License-Identifier: Apache-2.0

import EngineCore

extension SQLMetricTransaction {
    private static let metricColumns = """
        uid, datasource, name, description, server, location, parameters, status, message, collector_error,
        last_timestamp, poll_interval, tag_name, model_params, last_rowid
        """

    private static func metric(_ row: any SQLRow) -> Metric {
        Metric(
            uid: row.text(0),
            datasource: row.optionalText(1),
            name: row.optionalText(2),
            description: row.optionalText(3),
            server: row.optionalText(4),
            location: row.optionalText(5),
            parameters: row.optionalText(6),
            status: status(row.integer(7)),
            message: row.optionalText(8),
            collectorError: row.optionalText(9),
            lastTimestamp: row.timestamp(10),
            pollInterval: row.optionalInteger(11).map(Int.init),
            tagName: row.optionalText(12),
            modelParams: row.optionalText(13),
            lastRowid: row.integer(14)
        )
    }

    /// Numbers nobody knows count as ERROR, so that they are seen.
    private static func status(_ number: Int64) -> MetricStatus {
        MetricStatus(rawValue: Int(truncatingIfNeeded: number)) ?? .error
    }

    // MARK: metrics

    func metric(uid: String) throws -> Metric? {
        try connection.first("SELECT \(Self.metricColumns) FROM metric WHERE uid = ?", [.text(uid)], Self.metric)
    }

    func metric(named name: String) throws -> Metric? {
        try connection.first(
            "SELECT \(Self.metricColumns) FROM metric WHERE name = ? ORDER BY \(oldestFirst) LIMIT 1",
            [.text(name)],
            Self.metric
        )
    }

    /// Which of several metrics of one name counts as the first.
    ///
    /// Only databases of the original can have several; it has no column for the time of creation, so it is the one
    /// with most rows.
    private var oldestFirst: String { "last_rowid DESC, uid" }

    func metrics(_ query: MetricQuery) throws -> [Metric] {
        var (condition, parameters) = condition(query)
        let column =
            switch query.order {
            case .name: "name"
            case .uid: "uid"
            case .status: "status"
            case .lastTimestamp: "last_timestamp"
            }
        let direction = query.descending ? "DESC" : "ASC"
        parameters.append(.integer(Int64(query.limit ?? Int(Int32.max))))
        parameters.append(.integer(Int64(max(0, query.offset))))
        return try connection.all(
            """
            SELECT \(Self.metricColumns) FROM metric WHERE \(condition)
            ORDER BY \(column) \(direction), uid LIMIT ? OFFSET ?
            """,
            parameters,
            Self.metric
        )
    }

    func metricCount(_ query: MetricQuery) throws -> Int {
        let (condition, parameters) = condition(query)
        return try connection.first("SELECT COUNT(*) FROM metric WHERE \(condition)", parameters) {
            Int($0.integer(0))
        } ?? 0
    }

    private func condition(_ query: MetricQuery) -> (String, [SQLValue]) {
        var conditions = ["1 = 1"]
        var parameters: [SQLValue] = []
        if let part = query.nameContains, !part.isEmpty {
            conditions.append("LOWER(name) LIKE ? ESCAPE '!'")
            parameters.append(.text("%" + Self.escapedForLike(part.lowercased()) + "%"))
        }
        if let pattern = query.namePattern {
            conditions.append(isMySQL ? "name LIKE ? ESCAPE '!'" : "name GLOB ?")
            parameters.append(.text(isMySQL ? Self.likePattern(pattern) : Self.globPattern(pattern)))
        }
        if let statuses = query.statuses {
            let numbers = statuses.map { String($0.rawValue) }.sorted().joined(separator: ", ")
            conditions.append(numbers.isEmpty ? "1 = 0" : "status IN (\(numbers))")
        }
        if let server = query.server {
            conditions.append("server = ?")
            parameters.append(.text(server))
        }
        if let after = query.after {
            conditions.append("uid > ?")
            parameters.append(.text(after))
        }
        if let after = query.afterName {
            conditions.append("name > ?")
            parameters.append(.text(after))
        }
        return (conditions.joined(separator: " AND "), parameters)
    }

    private static func escapedForLike(_ text: String) -> String {
        String(text.flatMap { "!%_".contains($0) ? ["!", $0] : [$0] })
    }

    /// `*` and `?` in LIKE's words.
    static func likePattern(_ pattern: String) -> String {
        String(
            pattern.flatMap { character -> [Character] in
                switch character {
                case "*": ["%"]
                case "?": ["_"]
                case "!", "%", "_": ["!", character]
                default: [character]
                }
            }
        )
    }

    /// SQLite's GLOB also knows `[…]`, which we don't want.
    static func globPattern(_ pattern: String) -> String {
        String(pattern.flatMap { $0 == "[" ? Array("[[]") : [$0] })
    }

    // MARK: heads

    private static let headQuery = """
        SELECT m.uid, m.name, m.status, m.last_rowid, m.last_timestamp, h.generation, h.scored_rowid
        FROM metric m LEFT JOIN htmengine_model h ON h.uid = m.uid
        """

    private static func head(_ row: any SQLRow) -> MetricHead {
        MetricHead(
            uid: row.text(0),
            name: row.text(1),
            status: status(row.integer(2)),
            lastRowid: row.integer(3),
            lastTimestamp: row.timestamp(4),
            generation: row.integer(5),
            scoredRowid: row.integer(6)
        )
    }

    func heads(uids: [String]) throws -> [MetricHead] { try heads(column: "m.uid", uids, lock: false) }

    func lockedHeads(uids: [String]) throws -> [MetricHead] { try heads(column: "m.uid", uids, lock: true) }

    func heads(names: [String]) throws -> [MetricHead] {
        var best: [String: MetricHead] = [:]
        for head in try heads(column: "m.name", names, lock: false) {
            // Of doubles in a taken-over database the same one counts as in `metric(named:)`.
            if let known = best[head.name], (known.lastRowid, head.uid) > (head.lastRowid, known.uid) { continue }
            best[head.name] = head
        }
        return Array(best.values)
    }

    private func heads(column: String, _ keys: [String], lock: Bool) throws -> [MetricHead] {
        var heads: [MetricHead] = []
        heads.reserveCapacity(keys.count)
        if isMySQL {
            // In one order everywhere, so that two transactions don't lock each other out.
            let sorted = keys.sorted()
            var start = 0
            while start < sorted.count {
                let size = [512, 64, 8, 1].first { $0 <= sorted.count - start } ?? 1
                let marks = Array(repeating: "?", count: size).joined(separator: ", ")
                let sql = "\(Self.headQuery) WHERE \(column) IN (\(marks)) ORDER BY m.uid\(lock ? " FOR UPDATE" : "")"
                heads += try connection.all(sql, sorted[start..<start + size].map(SQLValue.text), Self.head)
                start += size
            }
        } else {
            let sql = "\(Self.headQuery) WHERE \(column) = ?"
            for key in keys {
                try connection.query(sql, [.text(key)]) { row in
                    heads.append(Self.head(row))
                    return true
                }
            }
        }
        return try heads.map(withTimestamp)
    }

    /// The original never kept `last_timestamp`: there the newest row says it.
    private func withTimestamp(_ head: MetricHead) throws -> MetricHead {
        guard head.lastTimestamp == nil, head.lastRowid > 0 else { return head }
        var head = head
        head.lastTimestamp =
            try connection.first(
                "SELECT timestamp FROM metric_data WHERE uid = ? ORDER BY rowid DESC LIMIT 1",
                [.text(head.uid)]
            ) { $0.timestamp(0) } ?? nil
        return head
    }

    // MARK: rows

    func rows(_ query: RowQuery) throws -> [MetricRow] {
        var rows: [MetricRow] = []
        try forEachRow(query) { row in
            rows.append(row)
            return true
        }
        return rows
    }

    func forEachRow(_ query: RowQuery, _ body: (MetricRow) throws -> Bool) throws {
        var conditions = "uid = ?"
        var parameters: [SQLValue] = [.text(query.uid)]
        if let rowids = query.rowids {
            conditions += " AND rowid >= ? AND rowid <= ?"
            parameters += [.integer(rowids.lowerBound), .integer(rowids.upperBound)]
        }
        if let times = query.times {
            conditions += " AND timestamp >= ? AND timestamp <= ?"
            parameters += [.timestamp(times.lowerBound), .timestamp(times.upperBound)]
        }
        if let score = query.minimumAnomalyScore {
            conditions += score > 0 ? " AND anomaly_score >= ?" : " AND anomaly_score IS NOT NULL"
            if score > 0 { parameters.append(.double(score)) }
        }
        var sql = """
            SELECT rowid, timestamp, metric_value, raw_anomaly_score, anomaly_score, display_value,
            multi_step_best_predictions FROM metric_data\(clusteredIndex) WHERE \(conditions)
            ORDER BY rowid \(query.newestFirst ? "DESC" : "ASC")
            """
        if let limit = query.limit {
            sql += " LIMIT ?"
            parameters.append(.integer(Int64(max(0, limit))))
        }
        try connection.query(sql, parameters) { row in
            try body(
                MetricRow(
                    rowid: row.integer(0),
                    timestamp: row.timestamp(1) ?? 0,
                    value: row.double(2),
                    rawAnomalyScore: row.optionalDouble(3),
                    anomalyScore: row.optionalDouble(4),
                    displayValue: row.optionalInteger(5),
                    predictions: row.optionalText(6)
                )
            )
        }
    }

    /// Rows of one metric are always read along its own key: without statistics a planner might take the index on time, which
    /// holds the rows of all metrics.
    private var clusteredIndex: String { isMySQL ? " FORCE INDEX (PRIMARY)" : " NOT INDEXED" }

    func rowCount(uid: String) throws -> Int64 {
        try connection.first("SELECT COUNT(*) FROM metric_data WHERE uid = ?", [.text(uid)]) { $0.integer(0) } ?? 0
    }

    func firstRowid(uid: String) throws -> Int64? {
        try connection.first("SELECT MIN(rowid) FROM metric_data WHERE uid = ?", [.text(uid)]) {
            $0.optionalInteger(0)
        } ?? nil
    }

    func valueRange(uid: String) throws -> ClosedRange<Double>? {
        try connection.first(
            "SELECT MIN(metric_value), MAX(metric_value) FROM metric_data WHERE uid = ?",
            [.text(uid)]
        ) { row in
            row.isNull(0) ? nil : row.double(0)...row.double(1)
        } ?? nil
    }

    func unscoredRowCount() throws -> Int64 {
        try connection.first(
            """
            SELECT COALESCE(SUM(m.last_rowid - COALESCE(h.scored_rowid, 0)), 0)
            FROM metric m LEFT JOIN htmengine_model h ON h.uid = m.uid WHERE m.status = 1
            """,
            []
        ) { $0.integer(0) } ?? 0
    }

    // MARK: models

    func modelRecord(uid: String) throws -> ModelRecord? {
        try connection.first(
            """
            SELECT uid, generation, scored_rowid, published_rowid, base_rowid, checkpoint_rowid,
            previous_checkpoint_rowid, seen_status, failures, retry_at, note, automatic FROM htmengine_model WHERE uid = ?
            """,
            [.text(uid)]
        ) { row in
            ModelRecord(
                uid: row.text(0),
                generation: row.integer(1),
                scoredRowid: row.integer(2),
                publishedRowid: row.integer(3),
                baseRowid: row.integer(4),
                checkpointRowid: row.integer(5),
                previousCheckpointRowid: row.integer(6),
                seenStatus: Self.status(row.integer(7)),
                failures: row.integer(8),
                retryAt: row.optionalInteger(9),
                note: row.optionalText(10),
                isAutomatic: row.integer(11) != 0
            )
        }
    }

    func metricsWithWork(after uid: String, limit: Int, firstRows: Int64, now: Int64) throws -> [MetricHead] {
        try connection.all(
            """
            \(Self.headQuery) WHERE m.uid > ? AND (
            m.status = 2
            OR (m.status = 1 AND (h.uid IS NULL OR h.scored_rowid < m.last_rowid))
            OR (m.status = 8 AND m.last_rowid >= ?)
            OR (m.status = 4 AND h.retry_at IS NOT NULL AND (h.retry_at <= ? OR h.retry_at > ?))
            OR (h.uid IS NULL AND m.status <> 0)
            OR (h.uid IS NOT NULL AND h.seen_status <> m.status))
            ORDER BY m.uid LIMIT ?
            """,
            [
                .text(uid), .integer(firstRows), .integer(now), .integer(now + ModelRecord.longestRetryDelay),
                .integer(Int64(limit)),
            ],
            Self.head
        )
    }

    func unpublishedModels(after uid: String, limit: Int) throws -> [UnpublishedModel] {
        try connection.all(
            """
            SELECT m.uid, h.generation, h.published_rowid, h.scored_rowid FROM metric m JOIN htmengine_model h ON h.uid = m.uid
            WHERE m.uid > ? AND m.status = 1 AND h.published_rowid < h.scored_rowid ORDER BY m.uid LIMIT ?
            """,
            [.text(uid), .integer(Int64(limit))]
        ) { row in
            UnpublishedModel(
                uid: row.text(0),
                generation: row.integer(1),
                publishedRowid: row.integer(2),
                scoredRowid: row.integer(3)
            )
        }
    }

    func setting(_ name: String) throws -> String? {
        try connection.first("SELECT value FROM htmengine_setting WHERE name = ?", [.text(name)]) { $0.text(0) }
    }
}
