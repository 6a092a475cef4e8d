// SPDX-License-Identifier: Apache-2.0

import EngineCore

extension JSONAPI {
    /// `GET /_health`.
    func health() -> HTTPResponse {
        var writer = JSONWriter()
        let database = Result { try repository.read { try $0.metricCount(MetricQuery()) } }
        let isOK = if case .success = database { true } else { false }
        writer.beginObject()
        writer.field("status", isOK ? "ok" : "failing")
        writer.field("version", settings.version)
        writer.field("uptime_seconds", uptime)
        writer.key("checks")
        writer.beginObject()
        writer.key("database")
        writer.beginObject()
        writer.field("ok", isOK)
        switch database {
        case .success(let count): writer.field("detail", "\(count) metrics")
        case .failure(let error): writer.field("detail", (error as? EngineError)?.message ?? "\(error)")
        }
        writer.endObject()
        writer.endObject()
        writer.endObject()
        return .json(writer.bytes, status: isOK ? 200 : 503, headers: [HTTPField("Cache-Control", "no-store")])
    }

    private var uptime: Double { Double(clock.monotonicNanoseconds() - started) / 1e9 }

    /// `GET /_about`.
    func about() -> HTTPResponse {
        var writer = JSONWriter()
        func list(_ name: String, _ items: [String]) {
            writer.key(name)
            writer.beginArray()
            for item in items { writer.value(item) }
            writer.endArray()
        }
        writer.beginObject()
        writer.field("name", "htmengine")
        writer.field("version", settings.version)
        writer.key("addresses")
        writer.beginObject()
        list("graphite", settings.graphiteAddresses())
        list("http", settings.httpAddresses())
        writer.endObject()
        writer.field("first_rows", settings.firstRows)
        writer.field("learning_rows", LearningState.rowsToLearn)
        list("auto_monitor", settings.autoMonitor)
        writer.key("events")
        writer.beginObject()
        writer.field("start_above", settings.events.startAbove)
        writer.field("end_below", settings.events.endBelow)
        writer.field("quiet_rows", settings.events.quietRows)
        writer.endObject()
        writer.key("levels")
        writer.beginObject()
        writer.field("yellow", Level.yellowAbove)
        writer.field("red", Level.redAbove)
        writer.endObject()
        writer.endObject()
        return .json(writer.bytes)
    }

    /// `GET /metrics`: Prometheus' text format 0.0.4.
    func prometheus() -> HTTPResponse {
        var lines = Self.head("htmengine_up") + ["htmengine_up 1"]
        lines += Self.head("htmengine_uptime_seconds") + ["htmengine_uptime_seconds \(uptime)"]
        if let entries = try? index.snapshot(hours: 24, repository).entries {
            lines += Self.head("htmengine_metrics")
            for status in MetricStatus.allCases {
                let count = entries.count { $0.row.status == status }
                lines.append("htmengine_metrics{status=\"\(status.word)\"} \(count)")
            }
            let waiting = entries.reduce(Int64(0)) { sum, entry in
                let row = entry.row
                guard row.status == .active else { return sum }
                return sum + max(0, row.lastRowid - max(row.scoredRowid, row.baseRowid))
            }
            lines += Self.head("htmengine_unscored_rows")
            lines.append("htmengine_unscored_rows \(waiting)")
        }
        var typed: Set<String> = []
        for (name, value) in counters().sorted(by: { $0.key < $1.key }) {
            let family = String(name.prefix { $0 != "{" })
            if typed.insert(family).inserted { lines += Self.head(family) }
            lines.append("\(name) \(value)")
        }
        let text = lines.joined(separator: "\n") + "\n"
        return HTTPResponse(
            status: 200,
            headers: [HTTPField("Content-Type", "text/plain; version=0.0.4; charset=utf-8")],
            body: .bytes(Array(text.utf8))
        )
    }

    /// The lines before the first number of a family: its meaning and its kind.
    private static func head(_ family: String) -> [String] {
        let help = MeasurementHelp.text(family).map { ["# HELP \(family) \($0)"] } ?? []
        return help + ["# TYPE \(family) \(family.hasSuffix("_total") ? "counter" : "gauge")"]
    }
}
