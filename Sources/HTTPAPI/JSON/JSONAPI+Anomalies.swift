// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

extension JSONAPI {
    /// `GET /_events`.
    func events(_ request: HTTPRequest) throws -> HTTPResponse {
        let query = QueryParameters(request)
        let rule = AnomalyEventRule(
            startAbove: try query.number("start_above", in: 0.5...1) ?? settings.events.startAbove,
            endBelow: try query.number("end_below", in: 0.5...1) ?? settings.events.endBelow,
            quietRows: try query.integer("quiet_rows", in: 1...10_000).map(Int64.init) ?? settings.events.quietRows
        )
        let times = try query.times()
        let isOpen = try query.flag("open")
        let offset = try query.integer("offset", in: 0...1_000_000_000) ?? 0
        let limit = try query.integer("limit", in: 1...1000) ?? 100
        let target = try query.text("metric")
        var rows: [String: OverviewRow] = [:]
        var found: [AnomalyEvent] = []
        try repository.read { reading in
            rows = Dictionary(try reading.overviewRows().map { ($0.uid, $0) }) { first, _ in first }
            let onlyUID = target.flatMap { rows[$0]?.uid }
            var finder = AnomalyEventFinder(rule: rule)
            try reading.forEachRow(uid: onlyUID, scoredAbove: rule.lowestOfInterest) { row in
                finder.take(row)
                return true
            }
            found = finder.finish { rows[$0]?.scoredRowid ?? 0 }
        }
        if let target, rows[target] == nil {
            let pattern = NamePattern(target)
            found.removeAll { event in !(rows[event.uid].map { pattern.matches($0.name) } ?? false) }
        }
        found.removeAll { event in
            if let isOpen, event.isOpen != isOpen { return true }
            guard let times else { return false }
            return event.start.timestamp > times.upperBound
                || (!event.isOpen && event.end.timestamp < times.lowerBound)
        }
        found.sort { ($0.start.timestamp, $0.uid) > ($1.start.timestamp, $1.uid) }
        let page = found.dropFirst(offset).prefix(limit)
        var reasons: [AnomalyReason?] = []
        try repository.read { reading in
            reasons = try page.map { event in
                try reading.reasons(uid: event.uid, rowids: event.peak.rowid...event.peak.rowid)[event.peak.rowid]
            }
        }
        var writer = JSONWriter()
        writer.beginArray()
        for (event, reason) in zip(page, reasons) {
            Self.write(event, name: rows[event.uid]?.name ?? "", reason, to: &writer)
        }
        writer.endArray()
        return .json(writer.bytes, headers: self.page(request, offset: offset, limit: limit, total: found.count))
    }

    private static func write(
        _ event: AnomalyEvent,
        name: String,
        _ reason: AnomalyReason?,
        to writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.field("metric", event.uid)
        writer.field("name", name)
        writer.field("start", Timestamps.sqlText(event.start.timestamp))
        writer.field("start_rowid", event.start.rowid)
        writer.field("end", event.isOpen ? nil : Timestamps.sqlText(event.end.timestamp))
        writer.field("end_rowid", event.isOpen ? nil : event.end.rowid)
        writer.field("peak", event.peak.anomalyScore)
        writer.field("peak_timestamp", Timestamps.sqlText(event.peak.timestamp))
        writer.field("peak_rowid", event.peak.rowid)
        writer.field("peak_value", event.peak.value)
        writer.field("level", Level(score: event.peak.anomalyScore).rawValue)
        writer.field("open", event.isOpen)
        writer.key("explanation")
        if let reason { reason.write(to: &writer) } else { writer.null() }
        writer.endObject()
    }

    // MARK: annotations

    /// `GET /_annotations`.
    func annotations(_ request: HTTPRequest) throws -> HTTPResponse {
        let query = QueryParameters(request)
        var wanted = AnnotationQuery(
            metric: try query.text("metric"),
            times: try query.times(),
            offset: try query.integer("offset", in: 0...1_000_000_000) ?? 0,
            limit: try query.integer("limit", in: 1...1000) ?? 100
        )
        var writer = JSONWriter()
        var total = 0
        try repository.read { reading in
            writer = JSONWriter()
            if let target = wanted.metric, let named = try reading.metric(named: target) { wanted.metric = named.uid }
            total = try reading.annotationCount(wanted)
            writer.beginArray()
            for note in try reading.annotations(wanted) {
                Self.write(note, name: try reading.metric(uid: note.metric)?.name ?? "", to: &writer)
            }
            writer.endArray()
        }
        return .json(writer.bytes, headers: page(request, offset: wanted.offset, limit: wanted.limit, total: total))
    }

    private static func write(_ note: Annotation, name: String, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("id", note.id)
        writer.field("metric", note.metric)
        writer.field("name", name)
        writer.field("timestamp", Timestamps.sqlText(note.timestamp))
        writer.field("created", Timestamps.sqlText(note.created))
        writer.field("user", note.user)
        writer.field("message", note.message)
        writer.endObject()
    }

    /// `POST /_annotations`.
    func addAnnotation(_ request: HTTPRequest) throws -> HTTPResponse {
        guard let body = try json(request) else { throw HTTPError.problem(400, "the body is empty; expected a note") }
        let fields = try JSONFields(body, path: "$")
        try fields.allow(["metric", "timestamp", "user", "message"])
        let target = try fields.string("metric")
        let time = try Self.time(try fields.required("timestamp"))
        let message = try fields.string("message")
        guard !message.isEmpty, message.unicodeScalars.count <= 4000 else {
            throw HTTPError.problem(400, "$.message must have 1 to 4000 characters")
        }
        let user = try fields.optionalString("user")
        guard (user?.unicodeScalars.count ?? 0) <= 100 else {
            throw HTTPError.problem(400, "$.user has more than 100 characters")
        }
        guard !message.unicodeScalars.contains("\0"), !(user?.unicodeScalars.contains("\0") ?? false) else {
            throw HTTPError.problem(400, "$ holds a NUL character")
        }
        let id = Metric.makeUID()
        let created = clock.wallSeconds()
        let (note, name) = try repository.write { transaction in
            guard let metric = try transaction.metric(uid: target) ?? transaction.metric(named: target) else {
                throw EngineError(.notFound, "there is no metric '\(target.prefix(255))'")
            }
            let note = Annotation(
                id: id,
                metric: metric.uid,
                timestamp: time,
                created: created,
                user: user,
                message: message
            )
            try transaction.insertAnnotation(note)
            return (note, metric.name ?? "")
        }
        var writer = JSONWriter()
        Self.write(note, name: name, to: &writer)
        return .json(writer.bytes, status: 201, headers: [HTTPField("Location", "/_annotations/\(id)")])
    }

    private static func time(_ json: JSONValue) throws -> Int64 {
        let time =
            switch json {
            case .string(let text): QueryParameters.parseTime(text)
            default: json.integerValue
            }
        guard let time, Timestamps.representable.contains(time) else {
            throw HTTPError.problem(400, "$.timestamp is no time: expected Unix seconds or YYYY-MM-DD HH:MM:SS")
        }
        return time
    }

    /// `GET /_annotations/{id}`.
    func annotation(_ id: String) throws -> HTTPResponse {
        var writer = JSONWriter()
        try repository.read { reading in
            guard let note = try reading.annotation(id: id), let metric = try reading.metric(uid: note.metric) else {
                throw Self.noAnnotation(id)
            }
            writer = JSONWriter()
            Self.write(note, name: metric.name ?? "", to: &writer)
        }
        return .json(writer.bytes)
    }

    /// `DELETE /_annotations/{id}`.
    func deleteAnnotation(_ id: String) throws -> HTTPResponse {
        guard try repository.write({ try $0.deleteAnnotation(id: id) }) else { throw Self.noAnnotation(id) }
        return HTTPResponse(status: 204)
    }

    private static func noAnnotation(_ id: String) -> HTTPError {
        .problem(404, "there is no note with the id '\(id.prefix(60))'")
    }
}
