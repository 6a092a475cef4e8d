// SPDX-License-Identifier: Apache-2.0

import EngineCore

extension SQLMetricTransaction {
    func createMetric(_ metric: Metric) throws -> (uid: String, isNew: Bool) {
        // The row lock of the original: with it, two of us can't create one name twice.
        if isMySQL {
            _ = try connection.first("SELECT name FROM `lock` WHERE name = 'metrics' FOR UPDATE", []) { _ in true }
        }
        if let name = metric.name, let known = try self.metric(named: name) { return (known.uid, false) }
        try connection.execute(
            """
            INSERT INTO metric (uid, datasource, name, description, server, location, parameters, status, message,
            collector_error, last_timestamp, poll_interval, tag_name, model_params, last_rowid)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(metric.uid), SQLValue(metric.datasource), SQLValue(metric.name), SQLValue(metric.description),
                SQLValue(metric.server), SQLValue(metric.location), SQLValue(metric.parameters),
                .integer(Int64(metric.status.rawValue)), SQLValue(metric.message), SQLValue(metric.collectorError),
                .optionalTimestamp(metric.lastTimestamp), SQLValue(metric.pollInterval.map(Int64.init)),
                SQLValue(metric.tagName), SQLValue(metric.modelParams), .integer(metric.lastRowid),
            ]
        )
        return (metric.uid, true)
    }

    func insertRows(_ batches: [RowBatch]) throws {
        // In the order of the tables, which touches each of their pages once.
        let batches = batches.filter { !$0.samples.isEmpty }.sorted { $0.uid < $1.uid }
        guard !batches.isEmpty else { return }
        var ends = SQLRows(columnCount: 3)
        ends.reserve(rows: batches.count)
        for batch in batches {
            ends.append(
                .integer(batch.firstRowid + Int64(batch.samples.count) - 1),
                .timestamp(batch.samples[batch.samples.count - 1].timestamp),
                .text(batch.uid)
            )
        }
        let updated = try connection.executeMany(
            "UPDATE metric SET last_rowid = ?, last_timestamp = ? WHERE uid = ?",
            ends
        )
        guard updated == ends.rowCount else {
            throw EngineError(.notFound, "a metric was deleted while its samples were being stored")
        }
        try connection.executeMany(
            "INSERT INTO metric_data (uid, rowid, timestamp, metric_value) VALUES (?, ?, ?, ?)",
            batches
        )
    }

    func insertScoredRows(uid: String, _ rows: [MetricRow]) throws {
        guard let last = rows.last else { return }
        var values = SQLRows(columnCount: 8)
        values.reserve(rows: rows.count)
        for row in rows {
            values.append(
                .text(uid),
                .integer(row.rowid),
                .timestamp(row.timestamp),
                .double(row.value),
                SQLValue(row.rawAnomalyScore),
                SQLValue(row.anomalyScore),
                SQLValue(row.displayValue),
                SQLValue(row.predictions)
            )
        }
        try connection.executeMany(
            """
            INSERT INTO metric_data (uid, rowid, timestamp, metric_value, raw_anomaly_score, anomaly_score,
            display_value, multi_step_best_predictions) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            values
        )
        try connection.execute(
            "UPDATE metric SET last_rowid = ?, last_timestamp = ? WHERE uid = ?",
            [.integer(last.rowid), .timestamp(last.timestamp), .text(uid)]
        )
    }

    func storeScores(_ batches: [ScoreBatch]) throws -> [Bool] {
        let heads = Dictionary(
            try lockedHeads(uids: batches.map(\.uid)).map { ($0.uid, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        var scores = SQLRows(columnCount: 6)
        scores.reserve(rows: batches.reduce(0) { $0 + $1.rows.count })
        var progress = SQLRows(columnCount: 4)
        let accepted = batches.map { batch -> Bool in
            guard let head = heads[batch.uid], head.status == .active, head.generation == batch.generation,
                let last = batch.rows.last
            else { return false }
            for row in batch.rows {
                scores.append(
                    .double(row.rawAnomalyScore),
                    .double(row.anomalyScore),
                    .integer(row.displayValue),
                    .text(row.predictions),
                    .text(batch.uid),
                    .integer(row.rowid)
                )
            }
            progress.append(
                .integer(last.rowid),
                .integer(batch.publishedRowid),
                .text(batch.uid),
                .integer(batch.generation)
            )
            return true
        }
        guard scores.rowCount > 0 else { return accepted }
        try connection.executeMany(
            """
            UPDATE metric_data SET raw_anomaly_score = ?, anomaly_score = ?, display_value = ?,
            multi_step_best_predictions = ? WHERE uid = ? AND rowid = ?
            """,
            scores
        )
        try connection.executeMany(
            """
            UPDATE htmengine_model SET scored_rowid = \(greatest)(scored_rowid, ?),
            published_rowid = \(greatest)(published_rowid, ?) WHERE uid = ? AND generation = ?
            """,
            progress
        )
        try storeReasons(zip(batches, accepted).filter(\.1).map(\.0))
        return accepted
    }

    func setStatus(uid: String, _ status: MetricStatus, message: String?) throws {
        let number = SQLValue.integer(Int64(status.rawValue))
        try connection.execute(
            "UPDATE metric SET status = ?, message = ? WHERE uid = ?",
            [number, SQLValue(message), .text(uid)]
        )
        try connection.execute("UPDATE htmengine_model SET seen_status = ? WHERE uid = ?", [number, .text(uid)])
    }

    func setDefinition(uid: String, parameters: String?, modelParams: String?, server: String?) throws {
        try connection.execute(
            """
            UPDATE metric SET parameters = COALESCE(?, parameters), model_params = COALESCE(?, model_params),
            server = COALESCE(?, server) WHERE uid = ?
            """,
            [SQLValue(parameters), SQLValue(modelParams), SQLValue(server), .text(uid)]
        )
    }

    func setModelRecord(_ record: ModelRecord) throws {
        try connection.execute(
            """
            REPLACE INTO htmengine_model (uid, generation, scored_rowid, published_rowid, base_rowid, checkpoint_rowid,
            previous_checkpoint_rowid, seen_status, failures, retry_at, note, automatic)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(record.uid), .integer(record.generation), .integer(record.scoredRowid),
                .integer(record.publishedRowid), .integer(record.baseRowid), .integer(record.checkpointRowid),
                .integer(record.previousCheckpointRowid), .integer(Int64(record.seenStatus.rawValue)),
                .integer(record.failures), SQLValue(record.retryAt), SQLValue(record.note),
                .integer(record.isAutomatic ? 1 : 0),
            ]
        )
    }

    func noteCheckpoints(_ notes: [CheckpointNote]) throws {
        var rows = SQLRows(columnCount: 5)
        // In one order everywhere, so that two transactions don't lock each other out.
        for note in notes.sorted(by: { $0.uid < $1.uid }) {
            rows.append(
                .integer(note.previousRowid),
                .integer(note.rowid),
                .text(note.uid),
                .integer(note.generation),
                .integer(note.rowid)
            )
        }
        guard rows.rowCount > 0 else { return }
        try connection.executeMany(
            """
            UPDATE htmengine_model SET previous_checkpoint_rowid = ?, checkpoint_rowid = ?
            WHERE uid = ? AND generation = ? AND checkpoint_rowid < ?
            """,
            rows
        )
    }

    func notePublished(_ notes: [PublishedNote]) throws {
        var rows = SQLRows(columnCount: 3)
        for note in notes.sorted(by: { $0.uid < $1.uid }) {
            rows.append(.integer(note.rowid), .text(note.uid), .integer(note.generation))
        }
        guard rows.rowCount > 0 else { return }
        try connection.executeMany(
            """
            UPDATE htmengine_model SET published_rowid = \(greatest)(published_rowid, ?)
            WHERE uid = ? AND generation = ?
            """,
            rows
        )
    }

    func setCollectorError(uid: String, _ message: String?) throws {
        try connection.execute(
            "UPDATE metric SET collector_error = ? WHERE uid = ?",
            [SQLValue(message), .text(uid)]
        )
    }

    func clearModel(uid: String) throws {
        try connection.execute(
            "UPDATE metric SET parameters = NULL, model_params = NULL, message = NULL, status = 0 WHERE uid = ?",
            [.text(uid)]
        )
        try connection.execute("UPDATE htmengine_model SET seen_status = 0 WHERE uid = ?", [.text(uid)])
        try clearScores(uid: uid)
    }

    func clearScores(uid: String) throws {
        try connection.execute(
            """
            UPDATE metric_data SET raw_anomaly_score = NULL, anomaly_score = NULL, display_value = NULL,
            multi_step_best_predictions = NULL WHERE uid = ? AND raw_anomaly_score IS NOT NULL
            """,
            [.text(uid)]
        )
        try removeReasons(uid: uid)
    }

    func deleteMetric(uid: String) throws -> Bool {
        try connection.execute("DELETE FROM metric WHERE uid = ?", [.text(uid)]) > 0
    }

    func deleteRows(uid: String, upTo rowid: Int64, olderThan timestamp: Int64, limit: Int) throws -> Int {
        // Rows are removed from the oldest on, so that what stays has no gaps.
        let end =
            try connection.first(
                """
                SELECT MAX(rowid) FROM (SELECT rowid, timestamp FROM metric_data WHERE uid = ? AND rowid <= ?
                ORDER BY rowid LIMIT ?) AS oldest WHERE timestamp < ?
                """,
                [.text(uid), .integer(rowid), .integer(Int64(limit)), .timestamp(timestamp)]
            ) { $0.optionalInteger(0) } ?? nil
        guard let end else { return 0 }
        try removeReasons(uid: uid, upTo: end)
        return try connection.execute(
            "DELETE FROM metric_data WHERE uid = ? AND rowid <= ?",
            [.text(uid), .integer(end)]
        )
    }

    func setSetting(_ name: String, _ value: String) throws {
        try connection.execute(
            "REPLACE INTO htmengine_setting (name, value) VALUES (?, ?)",
            [.text(name), .text(value)]
        )
    }

    func settingOrInsert(_ name: String, _ value: String) throws -> String {
        let insert = isMySQL ? "INSERT IGNORE" : "INSERT OR IGNORE"
        try connection.execute(
            "\(insert) INTO htmengine_setting (name, value) VALUES (?, ?)",
            [.text(name), .text(value)]
        )
        return try setting(name) ?? value
    }
}
