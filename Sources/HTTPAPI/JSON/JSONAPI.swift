// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// What the JSON API asks the engine to do; everything it only reads it reads from the repository.
package protocol MetricOperations: MonitoringVerbs {
    /// As `monitor`, storing `spec.data` first when the metric has no rows; a monitored metric is left as it is.
    func importModel(_ spec: ModelSpec) throws -> String
    /// The stored modelSpec with the samples of the last 14 days, as JSON.
    /// - Throws: `EngineError` with code `notFound` or `metricNotMonitored`.
    func exportModel(uid: String) throws -> JSONValue
}

/// The routes under `/_…`, described by `openapi.json`.
package struct JSONAPI: Sendable {
    package struct Settings: Sendable {
        package var version = "0"
        /// `host:port` of the Graphite listeners; asked for at each request, since port 0 is only known once they run.
        package var graphiteAddresses: @Sendable () -> [String] = { [] }
        package var httpAddresses: @Sendable () -> [String] = { [] }
        /// `[model] first_rows`: rows from which a range is estimated.
        package var firstRows: Int64 = 288
        package var autoMonitor: [String] = []
        package var events = AnomalyEventRule()

        package init() {}
    }

    let repository: any MetricRepository
    let operations: any MetricOperations
    let stream: ResultStream
    let settings: Settings
    let clock: any EngineClock
    let logger: any Logger
    let index: OverviewIndex
    let started: UInt64
    /// Counters of all parts, by Prometheus names.
    let counters: @Sendable () -> [String: Int64]

    package init(
        repository: any MetricRepository,
        operations: any MetricOperations,
        stream: ResultStream,
        settings: Settings,
        clock: any EngineClock = SystemClock(),
        logger: any Logger,
        counters: @escaping @Sendable () -> [String: Int64]
    ) {
        self.repository = repository
        self.operations = operations
        self.stream = stream
        self.settings = settings
        self.clock = clock
        self.logger = logger
        self.counters = counters
        index = OverviewIndex(clock: clock)
        started = clock.monotonicNanoseconds()
    }

    /// Adds the API's routes and the dashboard's.
    package func register(on router: inout HTTPRouter) {
        Dashboard.register(on: &router)
        add(&router, "GET", "/_models") { try listMetrics($0, monitoredOnly: true) }
        add(&router, "POST", "/_models") { try monitor($0) }
        add(&router, "PUT", "/_models") { try monitor($0) }
        add(&router, "DELETE", "/_models") { try unmonitorMatching($0) }
        add(&router, "POST", "/_models/matching") { try monitorMatching($0) }
        add(&router, "GET", "/_models/data") { try allData($0) }
        add(&router, "GET", "/_models/data/stats") { _ in try dataStats() }
        add(&router, "GET", "/_models/export") { _ in try exportAll() }
        add(&router, "GET", "/_metrics/datasources") { _ in .json(Array("[\"custom\"]".utf8)) }
        add(&router, "GET", "/_metrics/custom") { try listMetrics($0, monitoredOnly: false) }
        add(&router, "DELETE", "/_metrics/custom") { try deleteMatching($0) }
        add(&router, "GET", "/_instances") { _ in try instances() }
        add(&router, "DELETE", "/_instances") { try deleteInstances($0) }
        add(&router, "GET", "/_events") { try events($0) }
        add(&router, "GET", "/_annotations") { try annotations($0) }
        add(&router, "POST", "/_annotations") { try addAnnotation($0) }
        add(&router, "GET", "/_stream") { try stream.respond(to: $0) }
        add(&router, "GET", "/_health") { _ in health() }
        add(&router, "GET", "/_about") { _ in about() }
        add(&router, "GET", "/metrics") { _ in prometheus() }
        addWithPath(&router, "GET", "/_models/{id}") { try model($1["id"]) }
        addWithPath(&router, "DELETE", "/_models/{id}") { try unmonitor($1["id"]) }
        addWithPath(&router, "GET", "/_models/{id}/data") { try data($0, uid: $1["id"]) }
        addWithPath(&router, "GET", "/_models/{id}/export") { try export($1["id"]) }
        addWithPath(&router, "GET", "/_metrics/custom/{name...}") { try metric(named: $1["name"]) }
        addWithPath(&router, "DELETE", "/_metrics/custom/{name...}") { try deleteMetric(named: $1["name"]) }
        addWithPath(&router, "GET", "/_anomalies/period/{hours}") { try ranking($0, hours: $1["hours"]) }
        addWithPath(&router, "GET", "/_annotations/{id}") { try annotation($1["id"]) }
        addWithPath(&router, "DELETE", "/_annotations/{id}") { try deleteAnnotation($1["id"]) }
    }

    private func add(
        _ router: inout HTTPRouter,
        _ method: String,
        _ path: String,
        _ handler: @escaping @Sendable (HTTPRequest) throws -> HTTPResponse
    ) {
        addWithPath(&router, method, path) { request, _ in try handler(request) }
    }

    private func addWithPath(
        _ router: inout HTTPRouter,
        _ method: String,
        _ path: String,
        _ handler: @escaping @Sendable (HTTPRequest, PathParameters) throws -> HTTPResponse
    ) {
        router.on(method, path) { request, parameters in
            do {
                return try handler(request, parameters)
            } catch let error as EngineError {
                if error.problem.response.status >= 500 {
                    logger.log(.error, "http", "\(method) \(path): \(error.message)")
                }
                throw error.problem
            }
        }
    }

    // MARK: What several handlers need

    /// A page of a list: `X-Total-Count`, and `Link` to the next page when there is one.
    func page(_ request: HTTPRequest, offset: Int, limit: Int, total: Int) -> [HTTPField] {
        var headers = [HTTPField("X-Total-Count", String(total))]
        if offset + limit < total {
            var query = request.query.filter { $0.name != "offset" && $0.name != "limit" }
            query += [HTTPField("offset", String(offset + limit)), HTTPField("limit", String(limit))]
            headers.append(HTTPField("Link", "<\(Self.target(request.encodedPath, query))>; rel=\"next\""))
        }
        return headers
    }

    static func target(_ path: String, _ query: [HTTPField]) -> String {
        path + "?"
            + query.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
            .joined(separator: "&")
    }

    /// The metric of a uid in a path.
    func existing(_ uid: String, _ reading: any MetricReading) throws -> Metric {
        guard let metric = try reading.metric(uid: uid) else {
            throw HTTPError.problem(404, "there is no metric with the uid '\(uid.prefix(60))'")
        }
        return metric
    }

    /// As `existing`, of a metric that is monitored: the others have no model.
    func monitored(_ uid: String, _ reading: any MetricReading) throws -> Metric {
        let metric = try existing(uid, reading)
        guard metric.status.isMonitored else {
            throw HTTPError.problem(
                404,
                "the metric \(metric.name ?? uid) is not monitored; GET /_metrics/custom/NAME shows it"
            )
        }
        return metric
    }

    /// The body as JSON; an empty one is nil.
    func json(_ request: HTTPRequest) throws -> JSONValue? {
        if request.body.allSatisfy({ $0 == 32 || (9...13).contains($0) }) { return nil }
        return try JSONValue.parse(request.body)
    }

    func summaries(_ uids: [String]) throws -> HTTPResponse {
        try summaries(uids, status: 200)
    }

    func summaries(_ uids: [String], status: Int) throws -> HTTPResponse {
        var writer = JSONWriter()
        try repository.read { reading in
            writer = JSONWriter()
            writer.beginArray()
            for uid in uids {
                try MetricDocument(uid: uid, settings, reading)?.write(to: &writer)
            }
            writer.endArray()
        }
        return .json(writer.bytes, status: status)
    }
}
