// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// The skeleton's web application: PUT, POST, GET, HEAD and DELETE on `/<metric>`, with its texts and number formats.
///
/// The name of a metric is the decoded path without its leading slash, so that `load_average` sent to the Graphite port and
/// `/load_average` are one; a metric whose name really begins with the slash is found first. Replies print the path.
package struct SkeletonRoutes: Sendable {
    private let repository: any MetricRepository
    private let sink: any SampleSink
    private let verbs: any MonitoringVerbs
    private let counters: IngestCounters
    private let refusals: RefusalLog

    package init(
        repository: any MetricRepository,
        sink: any SampleSink,
        verbs: any MonitoringVerbs,
        counters: IngestCounters,
        logger: any Logger
    ) {
        self.repository = repository
        self.sink = sink
        self.verbs = verbs
        self.counters = counters
        refusals = RefusalLog(logger: logger, service: "http")
    }

    static let methods = "DELETE, GET, HEAD, POST, PUT"

    /// Answers every path that no other route takes.
    package func respond(to request: HTTPRequest) throws -> HTTPResponse {
        let path = request.path
        let isChange = ["PUT", "POST", "DELETE"].contains(request.method)
        guard isChange || request.method == "GET" || request.method == "HEAD" else {
            let allow = HTTPField("Allow", Self.methods)
            throw HTTPError(
                status: 405,
                text: "\(request.method) is not possible here: use \(Self.methods)\n",
                headers: [allow]
            )
        }
        if ReservedPaths.contains(path) {
            if isChange { throw HTTPError(status: 400, text: "\(path) can't be a metric: \(ReservedPaths.rule)\n") }
            throw HTTPError(status: 404, text: "There is nothing at \(path)\n")
        }
        do {
            switch request.method {
            case "PUT": return try put(request)
            case "POST": return try post(request)
            case "DELETE": return try delete(request)
            default: return try get(request)
            }
        } catch let error as EngineError {
            throw Self.httpError(error)
        }
    }

    /// What an error of the engine is on HTTP, in plain text.
    static func httpError(_ error: EngineError) -> HTTPError {
        let text = error.message + "\n"
        return switch error.code {
        case .invalidArgument, .metricAlreadyExists, .metricAlreadyMonitored, .unsupportedDatasource, .tooManyMetrics:
            HTTPError(status: 400, text: text)
        case .notFound: HTTPError(status: 404, text: text)
        case .metricNotMonitored, .statisticsNotReady, .statusChanged: HTTPError(status: 409, text: text)
        case .storageUnavailable, .busUnavailable, .stopping:
            HTTPError(status: 503, text: text, headers: [HTTPField("Retry-After", "1")])
        case .storageCorrupt, .configuration, .alreadyRunning, .checkpointDamaged, .failed:
            HTTPError(status: 500, text: text)
        }
    }

    // MARK: Names

    /// The metric a path means, if it exists: its exact name first.
    private func find(_ path: String) throws -> Metric? {
        try repository.read { reading in
            try reading.metric(named: path) ?? reading.metric(named: String(path.dropFirst()))
        }
    }

    /// The name under which a path's metric is stored.
    private func name(_ path: String) throws -> String {
        let name: String
        do {
            name = try MetricName.check(Array(path.utf8.dropFirst()))
        } catch {
            throw HTTPError(status: 400, text: "\(error.reason)\n")
        }
        let exact = try repository.read { try $0.metric(named: path) }
        return exact == nil ? name : path
    }

    private func existing(_ path: String) throws -> Metric {
        if let metric = try find(path) { return metric }
        _ = try name(path)
        throw HTTPError(status: 404, text: "There is no metric \(path)\n")
    }

    // MARK: PUT

    private func put(_ request: HTTPRequest) throws -> HTTPResponse {
        let name = try name(request.path)
        let params: ModelSpec.ModelParams
        do {
            let isEmpty = request.body.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
            let json = isEmpty ? JSONValue.object([:]) : try JSONValue.parse(request.body)
            guard case .object = json else {
                throw EngineError(.invalidArgument, "expected a JSON object, found \(json.kind)")
            }
            params = try ModelSpec.ModelParams(json: json, path: "$")
        } catch let error as EngineError {
            throw HTTPError(status: 400, text: "Unable to parse request: \(error.message)\n")
        }
        do {
            let uid = try verbs.monitor(ModelSpec(metric: name, modelParams: params))
            return .text("Created \(uid)\n", status: 201)
        } catch let error as EngineError where error.code == .metricAlreadyMonitored {
            throw HTTPError(status: 400, text: "Model already exists for \(request.path)\n")
        }
    }

    // MARK: POST

    private func post(_ request: HTTPRequest) throws -> HTTPResponse {
        let name = try name(request.path)
        let lines = PostedLines(request.body).lines
        var samples: [IncomingSample] = []
        samples.reserveCapacity(lines.count)
        for line in lines {
            if case .sample(let sample) = line { samples.append(IncomingSample(name: name, sample: sample)) }
        }
        counters.addSamples(samples.count)
        let outcome = try store(samples)
        if let error = outcome.error { throw error }
        var refused: [Int: SampleRefusal] = [:]
        for refusal in outcome.refusals { refused[refusal.index] = refusal.reason }
        return reply(request, lines: lines, refusedSamples: refused)
    }

    /// Waits for the commit: "Saved" means stored.
    private func store(_ samples: [IncomingSample]) throws -> StoreOutcome {
        guard !samples.isEmpty else { return StoreOutcome() }
        let done = Monitor<StoreOutcome?>(nil)
        try sink.submit(samples) { outcome in done.update { $0 = outcome } }
        guard let outcome: StoreOutcome = done.wait({ $0 }) else { preconditionFailure("a wait without limit ended") }
        return outcome
    }

    private func reply(
        _ request: HTTPRequest,
        lines: [PostedLines.Line],
        refusedSamples: [Int: SampleRefusal]
    ) -> HTTPResponse {
        var text = ""
        var sampleIndex = 0
        var anyRefused = false
        for (index, line) in lines.enumerated() {
            switch line {
            case .sample(let sample):
                defer { sampleIndex += 1 }
                if let reason = refusedSamples[sampleIndex] {
                    anyRefused = true
                    text += "Refused line \(index + 1): \(reason.reason)\n"
                    refusals.note(reason, "line \(index + 1) for \(request.path)", sender: "\(request.peer)")
                } else {
                    text += "Saved \(request.path) \(NumberFormat.sixDecimals(sample.value)) @ \(sample.timestamp)\n"
                }
            case .refused(let reason, let kind):
                anyRefused = true
                counters.addRefused(kind)
                refusals.note(kind, "line \(index + 1) for \(request.path)", sender: "\(request.peer)")
                text += "Refused line \(index + 1): \(reason)\n"
            }
        }
        return .text(text, status: anyRefused ? 400 : 200)
    }

    // MARK: GET

    private func get(_ request: HTTPRequest) throws -> HTTPResponse {
        let metric = try existing(request.path)
        let rows = RowLines(repository: repository, uid: metric.uid, label: request.path, lastRowid: metric.lastRowid)
        // Short replies get a Content-Length; long ones are sent page by page, so that they never lie in memory as a whole.
        let first = try rows.page()
        let type = [HTTPField("Content-Type", "text/plain; charset=utf-8")]
        if rows.isFinished { return HTTPResponse(status: 200, headers: type, body: .bytes(first)) }
        rows.putBack(first)
        return HTTPResponse(status: 200, headers: type, body: .stream(rows))
    }

    // MARK: DELETE

    private func delete(_ request: HTTPRequest) throws -> HTTPResponse {
        let data = request.queryValue("data") ?? "false"
        guard data == "true" || data == "false" else {
            throw HTTPError(status: 400, text: "data is '\(data)', expected true or false\n")
        }
        let metric = try existing(request.path)
        if data == "true" {
            try verbs.delete(uid: metric.uid)
            return .text("Deleted \(metric.uid)\n")
        }
        try verbs.unmonitor(uid: metric.uid)
        return .text("Unmonitored \(metric.uid)\n")
    }
}
