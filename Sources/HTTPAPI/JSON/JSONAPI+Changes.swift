// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

extension JSONAPI {
    /// `POST` and `PUT /_models`: one spec or a list.
    func monitor(_ request: HTTPRequest) throws -> HTTPResponse {
        let isDryRun = try QueryParameters(request).flag("dry_run") ?? false
        guard let body = try json(request) else {
            throw HTTPError.problem(400, "the body is empty; expected a modelSpec or a list of them")
        }
        let specs = try specs(body)
        if isDryRun {
            let uids = try repository.read { reading in try specs.compactMap { try uid(of: $0, reading) } }
            return try summaries(uids)
        }
        let uids = try specs.map(monitor)
        index.invalidate()
        return try summaries(uids, status: 201)
    }

    /// `POST /_models/matching?pattern=`.
    func monitorMatching(_ request: HTTPRequest) throws -> HTTPResponse {
        let query = QueryParameters(request)
        let isDryRun = try query.flag("dry_run") ?? false
        let body = try json(request) ?? .object([:])
        try Self.refuseContradictions(in: body, path: "$")
        let params = try ModelSpec.ModelParams(json: body, path: "$")
        let metrics = try matching(try query.required("pattern")) { $0.status == .unmonitored || $0.isAutomatic }
        if isDryRun { return try summaries(metrics.map(\.uid)) }
        let uids = try metrics.map { try monitor(ModelSpec(uid: $0.uid, modelParams: params)) }
        index.invalidate()
        return try summaries(uids, status: 201)
    }

    /// Null stands for nothing here: a field is left out instead.
    private static func refuseNulls(in fields: JSONValue, path: String) throws {
        if let name = fields.objectValue?.first(where: { $0.value == .null })?.key {
            throw HTTPError.problem(400, "\(path).\(name) is null; leave it out instead")
        }
    }

    /// What is well formed but can't be: told apart from what isn't well formed, so that clients know where to look.
    private static func refuseContradictions(in params: JSONValue, path: String) throws {
        try refuseNulls(in: params, path: path)
        if params["mode"]?.stringValue == DetectionMode.evidence.rawValue, params["enableClassifier"] == .bool(true) {
            throw HTTPError.problem(
                409,
                "\(path).enableClassifier is true; expected false with mode evidence, which predicts no values"
            )
        }
        guard let low = params["min"]?.doubleValue, let high = params["max"]?.doubleValue else { return }
        guard low <= high, (high - low).isFinite else {
            throw HTTPError.problem(
                409,
                "\(path).min (\(NumberFormat.shortest(low))) and \(path).max (\(NumberFormat.shortest(high))) contradict each other: "
                    + "expected min <= max and a finite distance"
            )
        }
    }

    /// Reads and checks all specs before anything is done.
    private func specs(_ body: JSONValue) throws -> [ModelSpec] {
        let items = body.arrayValue ?? [body]
        guard items.count <= 10_000 else {
            throw HTTPError.problem(400, "the list has \(items.count) entries; at most 10000 are taken at once")
        }
        let specs = try items.enumerated().map { position, item in
            do {
                try Self.refuseNulls(in: item, path: "$")
                try Self.refuseNulls(in: item["metricSpec"] ?? .null, path: "$.metricSpec")
                try Self.refuseContradictions(in: item["modelParams"] ?? .null, path: "$.modelParams")
                return try ModelSpec(json: item)
            } catch let error as EngineError where Self.isWellFormedComplete(item) && error.code == .invalidArgument {
                throw HTTPError.problem(409, error.message)
            } catch let error as EngineError where body.arrayValue != nil {
                throw EngineError(error.code, "entry \(position): \(error.message)")
            }
        }
        try repository.read { reading in
            for spec in specs {
                switch spec.target {
                case .name(let name):
                    if let refusal = Metric.refusal(ofName: name) {
                        throw EngineError(.invalidArgument, "$.metricSpec.metric: \(refusal.reason)")
                    }
                case .uid(let uid): _ = try existing(uid, reading)
                }
            }
        }
        return specs
    }

    private func uid(of spec: ModelSpec, _ reading: any MetricReading) throws -> String? {
        switch spec.target {
        case .name(let name): try reading.metric(named: name)?.uid
        case .uid(let uid): uid
        }
    }

    /// Monitored by hand already is as good as done: the request may be repeated.
    private func monitor(_ spec: ModelSpec) throws -> String {
        do {
            return spec.data == nil ? try operations.monitor(spec) : try operations.importModel(spec)
        } catch let error as EngineError where error.code == .metricAlreadyMonitored {
            guard let uid = error.uid else { throw error }
            return uid
        } catch let error as EngineError where error.code == .invalidArgument {
            // Well formed, or it wouldn't have come here: its parts contradict each other.
            throw HTTPError.problem(409, error.message)
        }
    }

    /// Whether `completeModelParams` has its four fields with the right kinds: what is wrong beyond that is a contradiction.
    private static func isWellFormedComplete(_ item: JSONValue) -> Bool {
        guard let complete = item["completeModelParams"], item["modelParams"] == nil else { return false }
        return complete["modelConfig"]?.objectValue != nil && complete["inferenceArgs"]?.objectValue != nil
            && complete["timestampFieldName"]?.stringValue != nil && complete["valueFieldName"]?.stringValue != nil
            && complete.objectValue?.count == 4
    }

    /// The metrics whose name matches a pattern, by name.
    private func matching(_ pattern: String, where condition: (OverviewRow) -> Bool = { _ in true }) throws
        -> [OverviewRow]
    {
        let pattern = NamePattern(pattern)
        let rows = try repository.read { try $0.overviewRows() }
        return rows.filter { condition($0) && pattern.matches($0.name) }.sorted {
            ($0.name, $0.uid) < ($1.name, $1.uid)
        }
    }

    /// `DELETE /_models?pattern=`.
    func unmonitorMatching(_ request: HTTPRequest) throws -> HTTPResponse {
        let query = QueryParameters(request)
        let metrics = try matching(try query.required("pattern")) { $0.status.isMonitored }
        if try query.flag("dry_run") != true {
            for metric in metrics { try operations.unmonitor(uid: metric.uid) }
            index.invalidate()
        }
        return try summaries(metrics.map(\.uid))
    }

    /// `DELETE /_models/{id}`.
    func unmonitor(_ uid: String) throws -> HTTPResponse {
        _ = try repository.read { try monitored(uid, $0) }
        try operations.unmonitor(uid: uid)
        index.invalidate()
        var writer = JSONWriter()
        try repository.read { reading in
            writer = JSONWriter()
            try MetricDocument(try existing(uid, reading), settings, reading).write(to: &writer)
        }
        return .json(writer.bytes)
    }

    /// `DELETE /_metrics/custom?pattern=`.
    func deleteMatching(_ request: HTTPRequest) throws -> HTTPResponse {
        let query = QueryParameters(request)
        let metrics = try matching(try query.required("pattern"))
        let response = try summaries(metrics.map(\.uid))
        if try query.flag("dry_run") != true {
            for metric in metrics {
                do {
                    try operations.delete(uid: metric.uid)
                } catch let error as EngineError where error.code == .notFound {
                    // Somebody else deleted it meanwhile.
                }
            }
            index.invalidate()
        }
        return response
    }

    /// `DELETE /_metrics/custom/{name}`.
    func deleteMetric(named name: String) throws -> HTTPResponse {
        var writer = JSONWriter()
        let uid = try repository.read { reading in
            guard let metric = try reading.metric(named: name) else {
                throw HTTPError.problem(404, "there is no metric named '\(name.prefix(255))'")
            }
            writer = JSONWriter()
            try MetricDocument(metric, settings, reading).write(to: &writer)
            return metric.uid
        }
        try operations.delete(uid: uid)
        index.invalidate()
        return .json(writer.bytes)
    }

    /// `DELETE /_instances`.
    func deleteInstances(_ request: HTTPRequest) throws -> HTTPResponse {
        guard let items = try json(request)?.arrayValue, !items.isEmpty, items.count <= 10_000 else {
            throw HTTPError.problem(400, "the body must be a list of 1 to 10000 server names")
        }
        let names = try items.map { item in
            guard let name = item.stringValue else {
                throw HTTPError.problem(400, "the list holds \(item.kind); expected only strings")
            }
            return name
        }
        let wanted = Set(names)
        var found: [Metric] = []
        try repository.read { reading in
            let monitored = MetricQuery(statuses: [.active, .createPending, .error, .pendingData])
            found = try reading.metrics(monitored).filter { wanted.contains($0.server ?? "") }
        }
        if let unknown = names.first(where: { name in !found.contains { ($0.server ?? "") == name } }) {
            throw HTTPError.problem(
                404,
                "no metric of the server '\(unknown.prefix(100))' is monitored; nothing was done"
            )
        }
        for metric in found { try operations.unmonitor(uid: metric.uid) }
        index.invalidate()
        var writer = JSONWriter()
        Self.write(instances: found, to: &writer)
        return .json(writer.bytes)
    }

    /// `GET /_models/{id}/export`.
    func export(_ uid: String) throws -> HTTPResponse {
        _ = try repository.read { try existing(uid, $0) }
        return .json(Array(try operations.exportModel(uid: uid).text.utf8))
    }

    /// `GET /_models/export`.
    func exportAll() throws -> HTTPResponse {
        let monitored = MetricQuery(statuses: [.active, .createPending, .error, .pendingData])
        let uids = try repository.read { try $0.metrics(monitored) }.map(\.uid)
        var writer = JSONWriter()
        writer.beginArray()
        for uid in uids {
            do {
                try operations.exportModel(uid: uid).write(to: &writer)
            } catch let error as EngineError where error.code == .notFound || error.code == .metricNotMonitored {
                // Gone since the list was read.
            }
        }
        writer.endArray()
        return .json(writer.bytes)
    }
}
