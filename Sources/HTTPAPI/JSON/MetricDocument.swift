// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// One metric as the JSON API shows it, put together from several small queries.
struct MetricDocument {
    let metric: Metric
    let row: OverviewRow
    let firstRowid: Int64?
    /// The newest stored row.
    let newest: MetricRow?
    /// The newest scored row.
    let newestScored: MetricRow?
    /// The highest likelihood of the newest few scored rows, so that a single red row stays to be seen: as many as must be quiet before
    /// an event is over.
    private let recentScore: Double?
    let learning: LearningState?

    /// - Returns: Nil when the metric doesn't exist (any more).
    init?(uid: String, _ settings: JSONAPI.Settings, _ reading: any MetricReading) throws {
        guard let metric = try reading.metric(uid: uid) else { return nil }
        try self.init(metric, settings, reading)
    }

    init(_ metric: Metric, _ settings: JSONAPI.Settings, _ reading: any MetricReading) throws {
        self.metric = metric
        let record = try reading.modelRecord(uid: metric.uid)
        firstRowid = try reading.firstRowid(uid: metric.uid)
        newest = try reading.rows(RowQuery(uid: metric.uid, newestFirst: true, limit: 1)).first
        let scored = metric.status.isMonitored ? record?.scoredRowid ?? 0 : 0
        let recentRowids = max(1, scored - settings.events.quietRows + 1)...max(1, scored)
        let recent = scored > 0 ? try reading.rows(RowQuery(uid: metric.uid, rowids: recentRowids)) : []
        newestScored = recent.last
        recentScore = recent.compactMap(\.anomalyScore).max()
        row = OverviewRow(
            uid: metric.uid,
            name: metric.name ?? "",
            server: metric.server,
            status: metric.status,
            lastRowid: metric.lastRowid,
            lastTimestamp: newest?.timestamp ?? metric.lastTimestamp,
            generation: record?.generation ?? 0,
            scoredRowid: scored,
            baseRowid: record?.baseRowid ?? 0,
            isAutomatic: metric.status.isMonitored && (record?.isAutomatic ?? false)
        )
        learning = LearningState(
            row,
            storedRows: Self.rows(firstRowid, metric.lastRowid),
            firstRows: settings.firstRows
        )
    }

    private static func rows(_ first: Int64?, _ last: Int64) -> Int64 {
        first.map { max(0, last - $0 + 1) } ?? 0
    }

    /// Samples stored; row ids have no gaps, retention only removes the oldest.
    var storedRows: Int64 { Self.rows(firstRowid, metric.lastRowid) }
    var scoredRows: Int64 { Self.rows(firstRowid.map { max($0, row.baseRowid + 1) }, row.scoredRowid) }

    var level: Level {
        guard metric.status == .active, let score = recentScore else { return .unscored }
        if let learning, learning.phase != .catchingUp { return .learning }
        return row.scoredRowid - row.baseRowid < LearningState.rowsToLearn ? .learning : Level(score: score)
    }

    /// Writes the fields of `Metric` into an object that is open.
    func writeFields(to writer: inout JSONWriter) {
        writer.field("uid", metric.uid)
        writer.field("name", metric.name ?? "")
        writer.field("description", metric.description)
        writer.field("datasource", metric.datasource ?? "custom")
        writer.field("server", metric.server)
        writer.field("location", metric.location)
        writer.field("status", Int64(metric.status.rawValue))
        writer.field("status_text", metric.status.word)
        writer.field("message", metric.message)
        writer.field("monitored", metric.status.isMonitored)
        writer.field("auto", row.isAutomatic)
        writer.key("parameters")
        Self.writeObject(metric.parameters, to: &writer)
        writer.field("rows", storedRows)
        writer.field("scored_rows", scoredRows)
        writer.field("last_rowid", metric.lastRowid)
        writer.field("last_timestamp", row.lastTimestamp.map(Timestamps.sqlText))
        writer.field("last_value", newest?.value)
        writer.field("last_anomaly_score", newestScored?.anomalyScore)
        writer.field("last_display_value", newestScored?.displayValue)
        writer.field("level", level.rawValue)
        writer.key("learning")
        if let learning {
            writer.beginObject()
            writer.field("phase", learning.phase.rawValue)
            writer.field("rows", learning.rows)
            writer.field("of", learning.of)
            writer.endObject()
        } else {
            writer.null()
        }
    }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writeFields(to: &writer)
        writer.endObject()
    }

    /// Writes JSON text from the database, or null when it is missing or no object (a taken-over database may hold anything).
    static func writeObject(_ text: String?, to writer: inout JSONWriter) {
        guard let text, let value = try? JSONValue.parse(text), case .object = value else { return writer.null() }
        value.write(to: &writer)
    }
}
