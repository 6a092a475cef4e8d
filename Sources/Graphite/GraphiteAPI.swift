// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation

/// A name and a value out of a query or a form.
package struct GraphiteParameter: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// Reads a form (`application/x-www-form-urlencoded`), which is how Grafana posts its queries.
    /// - Throws: `EngineError` with code `invalidArgument`.
    package static func form(_ bytes: [UInt8]) throws -> [GraphiteParameter] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw EngineError(.invalidArgument, "the form is not UTF-8")
        }
        return try text.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { part in
                part.replacing("+", with: " ").removingPercentEncoding
            }
            guard let name = parts[0], let value = parts.count > 1 ? parts[1] : "" else {
                throw EngineError(.invalidArgument, "the form is not percent-encoded UTF-8")
            }
            return GraphiteParameter(name, value)
        }
    }
}

/// A reply with its media type.
package struct GraphiteReply: Sendable, Hashable {
    package var contentType: String
    package var body: [UInt8]

    init(json: [UInt8]) {
        contentType = "application/json"
        body = json
    }

    init(contentType: String, text: String) {
        self.contentType = contentType
        body = Array(text.utf8)
    }
}

/// The read side of Graphite's HTTP interface, as Grafana's Graphite data source uses it: find, expand, render, and what it asks for besides.
///
/// Every verb throws `EngineError` with code `invalidArgument` for what the sender did wrong: a 400.
package struct GraphiteAPI: Sendable {
    private let source: any GraphiteSource
    private let clock: any EngineClock
    private let limits: GraphiteEvaluator.Limits

    package init(
        source: any GraphiteSource,
        clock: any EngineClock = SystemClock(),
        limits: GraphiteEvaluator.Limits = GraphiteEvaluator.Limits()
    ) {
        self.source = source
        self.clock = clock
        self.limits = limits
    }

    // MARK: Names

    /// `/metrics/find`: what lies at one place of the tree.
    package func find(_ parameters: [GraphiteParameter]) throws -> GraphiteReply {
        let arguments = Arguments(parameters)
        var query = try arguments.required("query")
        let format = arguments["format"] ?? "treejson"
        let wantsWildcard = try arguments.integer("wildcards") ?? 0 != 0
        let leavesOnly = try arguments.integer("leavesOnly") ?? 0 != 0
        if format == "completer" {
            query = query.replacing("..", with: "*.")
            if !query.hasSuffix("*") { query += "*" }
        }
        let finder = GraphiteFinder(source: source)
        let nodes = try finder.nodes(matching: GraphitePattern(query)).filter { !leavesOnly || $0.isLeaf }
        var writer = JSONWriter()
        switch format {
        case "treejson":
            let base = query.lastIndex(of: ".").map { query[...$0] } ?? ""
            Self.writeTree(nodes, base: String(base), wildcard: wantsWildcard && nodes.count > 1, to: &writer)
        case "completer": Self.writeCompletion(nodes, wildcard: wantsWildcard && nodes.count > 1, to: &writer)
        case "json":
            writer.beginArray()
            for node in nodes {
                writer.beginObject()
                writer.field("path", node.path)
                writer.field("is_leaf", node.isLeaf)
                writer.endObject()
            }
            writer.endArray()
        default:
            throw EngineError(.invalidArgument, "unknown format '\(format)'; expected treejson, completer or json")
        }
        return GraphiteReply(json: writer.bytes)
    }

    /// `/metrics/expand`: the full names behind patterns.
    package func expand(_ parameters: [GraphiteParameter]) throws -> GraphiteReply {
        let arguments = Arguments(parameters)
        let leavesOnly = try arguments.integer("leavesOnly") ?? 0 != 0
        let finder = GraphiteFinder(source: source)
        var byQuery: [(query: String, paths: Set<String>)] = []
        for query in arguments.all("query") {
            let nodes = try finder.nodes(matching: GraphitePattern(query))
            byQuery.append((query, Set(nodes.filter { $0.isLeaf || !leavesOnly }.map(\.path))))
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("results")
        if try arguments.integer("groupByExpr") ?? 0 != 0 {
            writer.beginObject()
            for (query, paths) in byQuery {
                writer.key(query)
                Self.write(paths.sorted(), to: &writer)
            }
            writer.endObject()
        } else {
            Self.write(byQuery.reduce(into: Set<String>()) { $0.formUnion($1.paths) }.sorted(), to: &writer)
        }
        writer.endObject()
        return GraphiteReply(json: writer.bytes)
    }

    /// `/metrics/index.json`: the names of all metrics.
    package func index() throws -> GraphiteReply {
        var writer = JSONWriter()
        Self.write(try source.metrics(matching: ["*"]).map(\.name).sorted(), to: &writer)
        return GraphiteReply(json: writer.bytes)
    }

    private static func write(_ texts: [String], to writer: inout JSONWriter) {
        writer.beginArray()
        for text in texts { writer.value(text) }
        writer.endArray()
    }

    /// Branches before leaves, each name once: what is both shows as what comes first by name, as in Graphite.
    private static func writeTree(_ nodes: [GraphiteNode], base: String, wildcard: Bool, to writer: inout JSONWriter) {
        func write(_ name: String, isLeaf: Bool) {
            writer.beginObject()
            writer.field("allowChildren", Int64(isLeaf ? 0 : 1))
            writer.field("expandable", Int64(isLeaf ? 0 : 1))
            writer.field("leaf", Int64(isLeaf ? 1 : 0))
            writer.field("id", base + name)
            writer.field("text", name)
            writer.key("context")
            writer.beginObject()
            writer.endObject()
            writer.endObject()
        }
        writer.beginArray()
        if wildcard { write("*", isLeaf: nodes.allSatisfy(\.isLeaf)) }
        for isLeaf in [false, true] {
            var written: Set<String> = []
            for node in nodes where node.isLeaf == isLeaf && written.insert(node.name).inserted {
                write(node.name, isLeaf: isLeaf)
            }
        }
        writer.endArray()
    }

    private static func writeCompletion(_ nodes: [GraphiteNode], wildcard: Bool, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("metrics")
        writer.beginArray()
        for node in nodes {
            writer.beginObject()
            writer.field("path", node.isLeaf ? node.path : node.path + ".")
            writer.field("name", node.name)
            writer.field("is_leaf", node.isLeaf ? "1" : "0")
            writer.endObject()
        }
        if wildcard {
            writer.beginObject()
            writer.field("name", "*")
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }
}

// MARK: - Values

extension GraphiteAPI {
    /// `/render`: the values of targets.
    package func render(_ parameters: [GraphiteParameter]) throws -> GraphiteReply {
        let arguments = Arguments(parameters)
        let format = arguments["format"] ?? "json"
        guard ["json", "csv", "raw"].contains(format) else {
            throw EngineError(.invalidArgument, "unknown format '\(format)'; expected json, csv or raw")
        }
        var targets = arguments.all("target")
        if targets.isEmpty { targets = arguments.all("target[]") }
        let zone = arguments["tz"].flatMap(TimeZone.init(identifier:)) ?? .gmt
        let window = try window(arguments, zone: zone)
        var evaluator = GraphiteEvaluator(source: source, window: window, limits: limits)
        var series: [GraphiteSeries] = []
        for target in targets where !target.allSatisfy(\.isWhitespace) {
            series += try evaluator.series(ofTarget: target)
        }
        switch format {
        case "csv": return Self.csv(series, zone: zone)
        case "raw": return Self.raw(series)
        default:
            return Self.json(
                series,
                maximum: try arguments.integer("maxDataPoints"),
                leavesNullsOut: arguments["noNullPoints"] != nil
            )
        }
    }

    private func window(_ arguments: Arguments, zone: TimeZone) throws -> GraphiteEvaluator.Window {
        let wall = clock.wallSeconds()
        let now = try arguments["now"].map { try GraphiteTime.parse($0, now: wall, zone: zone) } ?? wall
        let until = try arguments["until"].map { try GraphiteTime.parse($0, now: now, zone: zone) } ?? now
        let from = try arguments["from"].map { try GraphiteTime.parse($0, now: now, zone: zone) } ?? now - 86_400
        guard from != until else { throw EngineError(.invalidArgument, "from and until are the same time") }
        let times = Timestamps.representable
        guard times.contains(from), times.contains(until) else {
            throw EngineError(.invalidArgument, "from or until lies outside the years 0 to 9999")
        }
        return GraphiteEvaluator.Window(from: min(from, until), until: max(from, until), now: now)
    }

    private static func json(_ list: [GraphiteSeries], maximum: Int64?, leavesNullsOut: Bool) -> GraphiteReply {
        let timeRange = (list.map(\.end).max() ?? 0) - (list.map(\.start).min() ?? 0)
        var writer = JSONWriter()
        writer.beginArray()
        for original in list {
            var series = original
            if let maximum, maximum >= 1 {
                series = series.fitted(to: Int(min(maximum, Int64(Int32.max))), timeRange: timeRange)
            }
            let points = series.values.indices.lazy
                .map { (value: series.values[$0], time: series.start + Int64($0) * series.step) }
                .filter { $0.time <= series.end && !(leavesNullsOut && ($0.value?.isNaN ?? true)) }
            if leavesNullsOut, points.isEmpty { continue }
            writer.beginObject()
            writer.field("target", series.name)
            writer.key("tags")
            writer.beginObject()
            for (name, value) in series.tags.sorted(by: { $0.key < $1.key }) { writer.field(name, value) }
            writer.endObject()
            writer.key("datapoints")
            writer.beginArray()
            for point in points {
                writer.beginArray()
                writer.value(point.value)
                writer.value(point.time)
                writer.endArray()
            }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
        return GraphiteReply(json: writer.bytes)
    }

    private static func csv(_ list: [GraphiteSeries], zone: TimeZone) -> GraphiteReply {
        var text = ""
        for series in list {
            let quoted = series.name.contains { ",\"\r\n".contains($0) }
            let name = quoted ? "\"\(series.name.replacing("\"", with: "\"\""))\"" : series.name
            for (index, value) in series.values.enumerated() {
                let time = series.start + Int64(index) * series.step
                let shift = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time)))
                let when = Timestamps.sqlText(time + Int64(shift))
                text += "\(name),\(when),\(value.map(NumberFormat.shortest) ?? "")\r\n"
            }
        }
        return GraphiteReply(contentType: "text/csv; charset=utf-8", text: text)
    }

    private static func raw(_ list: [GraphiteSeries]) -> GraphiteReply {
        let lines = list.map { series in
            let values = series.values.map { $0.map(NumberFormat.shortest) ?? "None" }.joined(separator: ",")
            return "\(series.name),\(series.start),\(series.end),\(series.step)|\(values)\n"
        }
        return GraphiteReply(contentType: "text/plain; charset=utf-8", text: lines.joined())
    }
}

// MARK: - What Grafana asks besides

extension GraphiteAPI {
    /// `/functions`: what targets may call, so that Grafana's editor offers exactly that.
    package func functions() -> GraphiteReply {
        var writer = JSONWriter()
        writer.beginObject()
        for function in GraphiteFunction.all.values.sorted(by: { $0.name < $1.name }) {
            writer.key(function.name)
            function.write(to: &writer)
        }
        writer.endObject()
        return GraphiteReply(json: writer.bytes)
    }

    /// `/version`: the version of Graphite's interface that is spoken.
    package func version() -> GraphiteReply { GraphiteReply(json: Array("\"1.1.8\"".utf8)) }
}

extension GraphiteFunction {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("name", name)
        writer.field("function", "\(name)(\(parameters.map(\.name).joined(separator: ", ")))")
        writer.field("description", summary)
        writer.field("module", "graphite.render.functions")
        writer.field("group", "htmengine")
        writer.key("params")
        writer.beginArray()
        for parameter in parameters {
            writer.beginObject()
            writer.field("name", parameter.name)
            writer.field("type", parameter.graphiteType)
            writer.field("required", parameter.isRequired)
            if parameter.isRepeated { writer.field("multiple", true) }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }
}

extension GraphiteFunction.Declaration {
    fileprivate var graphiteType: String {
        switch kind {
        case .seriesList: isRepeated ? "seriesLists" : "seriesList"
        case .number: "float"
        case .string: name == "intervalString" ? "interval" : "string"
        case .boolean: "boolean"
        case .nodes: "nodeOrTag"
        }
    }
}

/// Request parameters by name.
private struct Arguments {
    let parameters: [GraphiteParameter]

    init(_ parameters: [GraphiteParameter]) { self.parameters = parameters }

    subscript(name: String) -> String? { parameters.last { $0.name == name }?.value }

    func all(_ name: String) -> [String] { parameters.filter { $0.name == name }.map(\.value) }

    func required(_ name: String) throws -> String {
        guard let value = self[name], !value.isEmpty else {
            throw EngineError(.invalidArgument, "the parameter '\(name)' is missing or empty")
        }
        return value
    }

    func integer(_ name: String) throws -> Int64? {
        guard let text = self[name], !text.isEmpty else { return nil }
        guard let number = Int64(text) else {
            throw EngineError(
                .invalidArgument,
                "the parameter '\(name)' is '\(text.prefix(40))'; expected a whole number"
            )
        }
        return number
    }
}
