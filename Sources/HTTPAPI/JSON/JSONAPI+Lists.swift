// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// How a list of metrics is filtered, sorted and paged.
private struct ListQuery {
    enum Sort: String, CaseIterable {
        case anomaly, name
        case lastTimestamp = "last_timestamp"
        case lastValue = "last_value"
        case rows
    }

    enum Order: String, CaseIterable {
        case asc, desc
    }

    enum Status: String, CaseIterable {
        case all, unmonitored, active, error, monitored
        case createPending = "create-pending"
        case pendingData = "pending-data"

        func takes(_ status: MetricStatus) -> Bool {
            switch self {
            case .all: true
            case .monitored: status.isMonitored
            case .unmonitored: status == .unmonitored
            case .active: status == .active
            case .error: status == .error
            case .createPending: status == .createPending
            case .pendingData: status == .pendingData
            }
        }
    }

    var search: String
    var status: Status
    var sort: Sort
    var isDescending: Bool
    var hours: Int
    var bars: Int
    var spark: Int
    var offset: Int
    var limit: Int

    init(_ request: HTTPRequest) throws {
        let query = QueryParameters(request)
        search = try query.text("search", mayBeEmpty: true) ?? ""
        status = try query.choice("status", Status.self) ?? .all
        sort = try query.choice("sort", Sort.self) ?? .anomaly
        let order = try query.choice("order", Order.self)
        isDescending = order.map { $0 == .desc } ?? (sort != .name)
        hours = try query.integer("hours", in: 1...8784) ?? 24
        bars = try query.integer("bars", in: 0...96) ?? 0
        spark = try query.integer("spark", in: 0...200) ?? 0
        offset = try query.integer("offset", in: 0...1_000_000_000) ?? 0
        limit = try query.integer("limit", in: 1...1000) ?? 100
    }

    func takes(_ row: OverviewRow) -> Bool {
        guard status.takes(row.status) else { return false }
        if search.isEmpty { return true }
        if search.contains("*") || search.contains("?") { return NamePattern(search).matches(row.name) }
        return row.name.lowercased().contains(search.lowercased())
    }

    /// Whether `left` comes before `right`; ties are broken by name and uid, so that pages don't overlap.
    func precedes(_ left: OverviewIndex.Entry, _ right: OverviewIndex.Entry) -> Bool {
        func ordered<Key: Comparable>(_ key: (OverviewIndex.Entry) -> Key) -> Bool? {
            let (a, b) = (key(left), key(right))
            return a == b ? nil : (a > b) == isDescending
        }
        let first: Bool? =
            switch sort {
            case .anomaly:
                ordered { $0.row.status == .error ? 1 : 0 } ?? ordered(\.now) ?? ordered(\.rank)
                    ?? ordered { $0.row.status.isMonitored ? 1 : 0 } ?? ordered { $0.lastScore ?? -1 }
            case .name: ordered(\.row.name)
            case .lastTimestamp: ordered { $0.row.lastTimestamp ?? .min }
            case .lastValue: nil
            case .rows: ordered(\.row.lastRowid)
            }
        return first ?? ((left.row.name, left.row.uid) < (right.row.name, right.row.uid))
    }
}

extension JSONAPI {
    /// `GET /_models` and `GET /_metrics/custom`.
    func listMetrics(_ request: HTTPRequest, monitoredOnly: Bool) throws -> HTTPResponse {
        let query = try ListQuery(request)
        let snapshot = try index.snapshot(hours: query.hours, repository)
        var entries = snapshot.entries.filter { query.takes($0.row) && (!monitoredOnly || $0.row.status.isMonitored) }
        entries.sort(by: query.precedes)
        let total = entries.count
        if query.sort == .lastValue { try sortByValue(&entries, isDescending: query.isDescending) }
        let shown = entries.dropFirst(query.offset).prefix(query.limit)
        var writer = JSONWriter()
        try repository.read { reading in
            writer = JSONWriter()
            writer.beginArray()
            for entry in shown { try write(entry, query, end: snapshot.newest ?? 0, reading, to: &writer) }
            writer.endArray()
        }
        return .json(
            writer.bytes,
            headers: page(request, offset: query.offset, limit: query.limit, total: total)
        )
    }

    private func write(
        _ entry: OverviewIndex.Entry,
        _ query: ListQuery,
        end: Int64,
        _ reading: any MetricReading,
        to writer: inout JSONWriter
    ) throws {
        guard let summary = try MetricDocument(uid: entry.row.uid, settings, reading) else {
            return
        }
        let bars = try MetricBars(
            summary,
            end: end,
            hours: query.hours,
            barCount: query.bars,
            pointCount: query.spark,
            reading
        )
        writer.beginObject()
        summary.writeFields(to: &writer)
        writer.field("rank", entry.rank)
        bars.writeFields(barCount: query.bars, pointCount: query.spark, to: &writer)
        writer.endObject()
    }

    /// The newest values aren't among what the index keeps: they are read for this order only.
    private func sortByValue(_ entries: inout [OverviewIndex.Entry], isDescending: Bool) throws {
        var values: [String: Double] = [:]
        try repository.read { reading in
            values = [:]
            for entry in entries where entry.row.lastRowid > 0 {
                let query = RowQuery(uid: entry.row.uid, newestFirst: true, limit: 1)
                values[entry.row.uid] = try reading.rows(query).first?.value
            }
        }
        entries.sort { left, right in
            switch (values[left.row.uid], values[right.row.uid]) {
            case (nil, nil): left.row.name < right.row.name
            case (nil, _): false
            case (_, nil): true
            case (let a?, let b?):
                a == b ? left.row.name < right.row.name : (a > b) == isDescending
            }
        }
    }

    /// `GET /_models/{id}`.
    func model(_ uid: String) throws -> HTTPResponse {
        try detail { try monitored(uid, $0) }
    }

    /// `GET /_metrics/custom/{name}`.
    func metric(named name: String) throws -> HTTPResponse {
        try detail { reading in
            guard let metric = try reading.metric(named: name) ?? reading.metric(uid: name) else {
                throw HTTPError.problem(404, "there is no metric named '\(name.prefix(255))'")
            }
            return metric
        }
    }

    private func detail(_ find: (any MetricReading) throws -> Metric) throws -> HTTPResponse {
        var writer = JSONWriter()
        try repository.read { reading in
            writer = JSONWriter()
            let summary = try MetricDocument(try find(reading), settings, reading)
            let uid = summary.metric.uid
            writer.beginObject()
            summary.writeFields(to: &writer)
            let first = try reading.rows(RowQuery(uid: uid, limit: 1)).first
            writer.field("first_timestamp", first.map { Timestamps.sqlText($0.timestamp) })
            let range = try reading.valueRange(uid: uid)
            writer.field("min", range?.lowerBound)
            writer.field("max", range?.upperBound)
            writer.key("model")
            try writeModel(summary, reading, to: &writer)
            writer.endObject()
        }
        return .json(writer.bytes)
    }

    private func writeModel(_ summary: MetricDocument, _ reading: any MetricReading, to writer: inout JSONWriter) throws
    {
        guard summary.metric.status.isMonitored else { return writer.null() }
        let base = RowQuery(uid: summary.metric.uid, rowids: (summary.row.baseRowid + 1)...Int64.max, limit: 1)
        let since = try reading.rows(base).first
        writer.beginObject()
        writer.field("generation", summary.row.generation)
        writer.field("since", since.map { Timestamps.sqlText($0.timestamp) })
        writer.field("age_rows", max(0, summary.row.scoredRowid - summary.row.baseRowid))
        writer.key("range")
        if let range = Self.range(ofModelParams: summary.metric) {
            writer.beginObject()
            writer.field("min", range.lowerBound)
            writer.field("max", range.upperBound)
            writer.endObject()
        } else {
            writer.null()
        }
        writer.key("model_params")
        MetricDocument.writeObject(summary.metric.modelParams, to: &writer)
        writer.endObject()
    }

    /// The range the user gave; an estimated one is only in the encoder's resolution.
    private static func range(ofModelParams metric: Metric) -> ClosedRange<Double>? {
        guard let text = metric.parameters, let spec = try? JSONValue.parse(text), let params = spec["modelParams"],
            let low = params["min"]?.doubleValue, let high = params["max"]?.doubleValue, low <= high
        else { return nil }
        return low...high
    }

    /// `GET /_instances`.
    func instances() throws -> HTTPResponse {
        var writer = JSONWriter()
        try repository.read { reading in
            writer = JSONWriter()
            let metrics = try reading.metrics(MetricQuery(statuses: [.active, .createPending, .error, .pendingData]))
            Self.write(instances: metrics, to: &writer)
        }
        return .json(writer.bytes)
    }

    static func write(instances metrics: [Metric], to writer: inout JSONWriter) {
        let groups = Dictionary(grouping: metrics) { $0.server ?? "" }
        writer.beginArray()
        for (server, members) in groups.sorted(by: { $0.key < $1.key }) {
            let messages = members.compactMap(\.message).filter { !$0.isEmpty }
            writer.beginObject()
            writer.field("server", server)
            writer.field("location", members.first?.location)
            writer.field("status", Int64(members.reduce(0) { $0 | $1.status.rawValue }))
            writer.field("message", messages.isEmpty ? nil : messages.joined(separator: "\n"))
            writer.key("metrics")
            writer.beginArray()
            for member in members.sorted(by: { ($0.name ?? "", $0.uid) < ($1.name ?? "", $1.uid) }) {
                writer.value(member.uid)
            }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
    }

    /// `GET /_anomalies/period/{hours}`.
    func ranking(_ request: HTTPRequest, hours text: String) throws -> HTTPResponse {
        guard let hours = Int64(text), (1...8784).contains(hours) else {
            throw HTTPError.problem(400, "the period is '\(text.prefix(60))'; expected hours from 1 to 8784")
        }
        let query = QueryParameters(request)
        let offset = try query.integer("offset", in: 0...1_000_000_000) ?? 0
        let limit = try query.integer("limit", in: 1...1000) ?? 100
        let snapshot = try index.snapshot(hours: Int(hours), repository)
        let byUID = Dictionary(snapshot.entries.map { ($0.row.uid, $0.row) }) { first, _ in first }
        var ranking: [(uid: String, score: Double)] = []
        if let end = snapshot.newest {
            ranking = try repository.read { try $0.displayRanking(end: end, barSeconds: hours * 150, barCount: 24) }
        }
        var writer = JSONWriter()
        writer.beginArray()
        for item in ranking.dropFirst(offset).prefix(limit) {
            writer.beginObject()
            writer.field("uid", item.uid)
            writer.field("name", byUID[item.uid]?.name ?? "")
            writer.field("server", byUID[item.uid]?.server)
            writer.field("score", item.score)
            writer.endObject()
        }
        writer.endArray()
        return .json(writer.bytes, headers: page(request, offset: offset, limit: limit, total: ranking.count))
    }
}
