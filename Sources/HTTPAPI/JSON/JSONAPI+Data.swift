// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Which rows, and how they are written: the column layout of Taurus and Grok, `{"names": […], "data": [[…], …]}`.
struct DataQuery {
    enum TimeForm: String, CaseIterable { case text, unix }
    enum Order: String, CaseIterable { case asc, desc }

    var times: ClosedRange<Int64>?
    var minimumScore: Double?
    var timeForm: TimeForm

    init(_ query: QueryParameters) throws {
        times = try query.times()
        minimumScore = try query.number("anomaly", in: 0...1)
        timeForm = try query.choice("time", TimeForm.self) ?? .text
    }

    func takes(_ row: MetricRow) -> Bool {
        if let times, !times.contains(row.timestamp) { return false }
        guard let minimumScore else { return true }
        guard let score = row.anomalyScore else { return false }
        return minimumScore == 0 || score >= minimumScore
    }

    func write(_ row: MetricRow, uid: String? = nil, predictions: Bool = false, to writer: inout JSONWriter) {
        if let uid { writer.value(uid) }
        switch timeForm {
        case .text: writer.value(Timestamps.sqlText(row.timestamp))
        case .unix: writer.value(row.timestamp)
        }
        writer.value(row.value)
        writer.value(row.anomalyScore)
        writer.value(row.rowid)
        writer.value(row.rawAnomalyScore)
        writer.value(row.displayValue)
        if predictions { writer.raw(row.predictions ?? "null") }
    }

    static let names = ["timestamp", "value", "anomaly_score", "rowid", "raw_anomaly_score", "display_value"]

    static func write(names: [String], to writer: inout JSONWriter) {
        writer.key("names")
        writer.beginArray()
        for name in names { writer.value(name) }
        writer.endArray()
    }
}

extension JSONAPI {
    /// `GET /_models/{id}/data`.
    func data(_ request: HTTPRequest, uid: String) throws -> HTTPResponse {
        let parameters = QueryParameters(request)
        let query = try DataQuery(parameters)
        let limit = try parameters.integer("limit", in: 1...100_000) ?? 100_000
        let order = try parameters.choice("order", DataQuery.Order.self) ?? .asc
        let after = try parameters.integer("after", in: 0...Int(Int32.max)).map(Int64.init)
        let points = try parameters.integer("points", in: 10...20_000)
        let wantsPredictions = try parameters.flag("predictions") ?? false
        var writer = JSONWriter()
        try repository.read { reading in
            writer = JSONWriter()
            let metric = try existing(uid, reading)
            let rowids = try rowids(metric, query.times, reading)
            if let points {
                try writeChart(uid, rowids, query, points: points, predictions: wantsPredictions, reading, to: &writer)
            } else {
                let page = RowPage(limit: limit, order: order, after: after, predictions: wantsPredictions)
                try writeRows(request, uid, rowids, query, page, reading, to: &writer)
            }
        }
        return .json(writer.bytes)
    }

    private struct RowPage {
        var limit: Int
        var order: DataQuery.Order
        var after: Int64?
        var predictions: Bool
    }

    /// The rows of a stretch of time, whatever their scores; nil when it holds none. Rows that retention has removed are none.
    private func rowids(
        _ metric: Metric,
        _ times: ClosedRange<Int64>?,
        _ reading: any MetricReading
    ) throws -> ClosedRange<Int64>? {
        guard metric.lastRowid > 0 else { return nil }
        let times = times ?? Timestamps.representable
        guard let first = try reading.rowid(uid: metric.uid, atOrAfter: times.lowerBound) else { return nil }
        let end = try reading.rowid(uid: metric.uid, atOrAfter: times.upperBound &+ 1) ?? metric.lastRowid + 1
        return first < end ? first...(end - 1) : nil
    }

    private func writeRows(
        _ request: HTTPRequest,
        _ uid: String,
        _ rowids: ClosedRange<Int64>?,
        _ query: DataQuery,
        _ page: RowPage,
        _ reading: any MetricReading,
        to writer: inout JSONWriter
    ) throws {
        var range = rowids
        if let after = page.after, let known = range {
            switch page.order {
            case .asc: range = after < known.upperBound ? max(known.lowerBound, after + 1)...known.upperBound : nil
            case .desc: range = after > known.lowerBound ? known.lowerBound...min(known.upperBound, after - 1) : nil
            }
        }
        writer.beginObject()
        DataQuery.write(
            names: DataQuery.names + (page.predictions ? ["multi_step_best_predictions"] : []),
            to: &writer
        )
        writer.key("data")
        writer.beginArray()
        var count = 0
        var lastRowid: Int64?
        var isCut = false
        if let range {
            let rows = RowQuery(
                uid: uid,
                rowids: range,
                minimumAnomalyScore: query.minimumScore,
                newestFirst: page.order == .desc
            )
            try reading.forEachRow(rows) { row in
                guard count < page.limit else {
                    isCut = true
                    return false
                }
                count += 1
                lastRowid = row.rowid
                writer.beginArray()
                query.write(row, predictions: page.predictions, to: &writer)
                writer.endArray()
                return true
            }
        }
        writer.endArray()
        writer.field("total", Int64(rowids?.count ?? 0))
        writer.field("downsampled", false)
        var next: String?
        if isCut, let lastRowid {
            let kept = request.query.filter { $0.name != "after" }
            next = Self.target(request.encodedPath, kept + [HTTPField("after", String(lastRowid))])
        }
        writer.field("next", next)
        writer.endObject()
    }

    private func writeChart(
        _ uid: String,
        _ rowids: ClosedRange<Int64>?,
        _ query: DataQuery,
        points: Int,
        predictions: Bool,
        _ reading: any MetricReading,
        to writer: inout JSONWriter
    ) throws {
        var rows: [MetricRow] = []
        if let rowids {
            rows = try reading.rows(RowQuery(uid: uid, rowids: rowids, minimumAnomalyScore: query.minimumScore))
        }
        let band = predictions ? ExpectedBand.bands(rows) : []
        let kept = Downsampler.extremes(rows, about: points)
        writer.beginObject()
        let more = predictions ? ["multi_step_best_predictions", "expected", "expected_low", "expected_high"] : []
        DataQuery.write(names: DataQuery.names + more, to: &writer)
        writer.key("data")
        writer.beginArray()
        for index in kept {
            writer.beginArray()
            query.write(rows[index], predictions: predictions, to: &writer)
            if predictions {
                writer.value(band[index]?.expected)
                writer.value(band[index]?.low)
                writer.value(band[index]?.high)
            }
            writer.endArray()
        }
        writer.endArray()
        writer.field("total", Int64(rowids?.count ?? 0))
        writer.field("downsampled", kept.count < rows.count)
        writer.key("next")
        writer.null()
        writer.endObject()
    }

    /// `GET /_models/data`.
    func allData(_ request: HTTPRequest) throws -> HTTPResponse {
        let parameters = QueryParameters(request)
        var query = try DataQuery(parameters)
        let limit = try parameters.integer("limit", in: 1...100_000) ?? 10_000
        let after = try parameters.text("after", longest: 60).map(Self.cursor)
        if query.times == nil, let newest = try index.snapshot(hours: 24, repository).newest {
            query.times = (newest - 86_400)...Timestamps.representable.upperBound
        }
        var writer = JSONWriter()
        try repository.read { reading in
            writer = JSONWriter()
            try writeAllData(request, query, limit: limit, after: after, reading, to: &writer)
        }
        return .json(writer.bytes)
    }

    private static func cursor(_ text: String) throws -> (uid: String, rowid: Int64) {
        let parts = text.split(separator: ":")
        guard parts.count == 2, parts[0].utf8.count == 32, let rowid = Int64(parts[1]), rowid >= 0 else {
            throw HTTPError.problem(400, "after is '\(text)'; expected what `next` gave: a uid, a colon and a row id")
        }
        return (String(parts[0]), rowid)
    }

    private func writeAllData(
        _ request: HTTPRequest,
        _ query: DataQuery,
        limit: Int,
        after: (uid: String, rowid: Int64)?,
        _ reading: any MetricReading,
        to writer: inout JSONWriter
    ) throws {
        writer.beginObject()
        DataQuery.write(names: ["uid"] + DataQuery.names, to: &writer)
        writer.key("data")
        writer.beginArray()
        var count = 0
        var last: (uid: String, rowid: Int64)?
        var isCut = false
        let monitored = MetricQuery(statuses: [.active, .createPending, .error, .pendingData], order: .uid)
        for metric in try reading.metrics(monitored) {
            if let after, metric.uid < after.uid { continue }
            guard var range = try rowids(metric, query.times, reading) else { continue }
            if let after, metric.uid == after.uid {
                guard after.rowid < range.upperBound else { continue }
                range = max(range.lowerBound, after.rowid + 1)...range.upperBound
            }
            let rows = RowQuery(uid: metric.uid, rowids: range, minimumAnomalyScore: query.minimumScore)
            try reading.forEachRow(rows) { row in
                guard count < limit else {
                    isCut = true
                    return false
                }
                count += 1
                last = (metric.uid, row.rowid)
                writer.beginArray()
                query.write(row, uid: metric.uid, to: &writer)
                writer.endArray()
                return true
            }
            if isCut { break }
        }
        writer.endArray()
        var next: String?
        if isCut, let last {
            let kept = request.query.filter { $0.name != "after" }
            next = Self.target(request.encodedPath, kept + [HTTPField("after", "\(last.uid):\(last.rowid)")])
        }
        writer.field("next", next)
        writer.endObject()
    }

    /// `GET /_models/data/stats`.
    func dataStats() throws -> HTTPResponse {
        let rows = try index.snapshot(hours: 24, repository).entries.map(\.row)
        let unprocessed = rows.reduce(Int64(0)) { sum, row in
            row.status == .active ? sum + max(0, row.lastRowid - max(row.scoredRowid, row.baseRowid)) : sum
        }
        let counted = counters()
        let scored = counted["htmengine_rows_scored_total"]
        let uptime = Double(clock.monotonicNanoseconds() - started) / 1e9
        let rate = scored.map { Double($0) / max(1, uptime) } ?? 0
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("metrics", Int64(rows.count))
        writer.field("models", Int64(rows.count { $0.status.isMonitored }))
        writer.field("rows", rows.reduce(0) { $0 + $1.lastRowid })
        writer.field("scored_rows", rows.reduce(0) { $0 + ($1.status.isMonitored ? $1.scoredRowid : 0) })
        writer.field("unprocessed_rows", unprocessed)
        writer.field("processing_time_remaining", unprocessed == 0 ? 0 : rate > 0 ? Double(unprocessed) / rate : nil)
        writer.endObject()
        return .json(writer.bytes)
    }
}

/// What a model expected of each row, from the prediction made one row before, with how far off it usually was.
enum ExpectedBand {
    /// Rows whose errors the band rests on.
    private static let window = 100
    /// The share of recent errors inside the band.
    private static let share = 0.9

    /// One entry per row; nil where nothing was predicted. `low` and `high` are missing until ten errors are known.
    static func bands(_ rows: [MetricRow]) -> [(expected: Double, low: Double?, high: Double?)?] {
        var result: [(expected: Double, low: Double?, high: Double?)?] = []
        result.reserveCapacity(rows.count)
        var errors: [Double] = []
        var next = 0
        for (index, row) in rows.enumerated() {
            guard index > 0, rows[index - 1].rowid == row.rowid - 1, let expected = best(rows[index - 1].predictions)
            else {
                result.append(nil)
                continue
            }
            var margin: Double?
            if errors.count >= 10 {
                let sorted = errors.sorted()
                margin = sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
            }
            result.append((expected, margin.map { expected - $0 }, margin.map { expected + $0 }))
            let error = abs(row.value - expected)
            if errors.count < window { errors.append(error) } else { errors[next % window] = error }
            next += 1
        }
        return result
    }

    /// The best prediction one step ahead in `{"1": 12.9}`.
    private static func best(_ json: String?) -> Double? {
        guard let json, json != "null", let colon = json.firstIndex(of: ":") else { return nil }
        if let number = Double(
            json[json.index(after: colon)...].prefix { $0 != "}" && $0 != "," }.filter { $0 != " " }
        ), json.contains("\"1\"") {
            return number
        }
        return (try? JSONValue.parse(json))?["1"]?.doubleValue
    }
}
