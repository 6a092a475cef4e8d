// SPDX-License-Identifier: Apache-2.0

import Bus
import Engine
import EngineCore
import Foundation
import HTTPAPI
import Storage
import TestSupport

/// The JSON API on an engine with a database of its own, called without a socket.
final class APIFixture {
    let directory: TemporaryDirectory
    let repository: SQLMetricRepository
    let bus = InProcessBus(partitionCount: 4)
    let operations: EngineOperations
    let stream: ResultStream
    let router: HTTPRouter

    init() throws {
        directory = try TemporaryDirectory()
        let database = try SQLiteDatabase(.init(path: directory.path("test.sqlite")))
        repository = SQLMetricRepository(database: database)
        try repository.migrate()
        operations = EngineOperations(
            repository: repository,
            bus: bus,
            checkpoints: FileCheckpointStore(root: directory.path("checkpoints")),
            factory: NoModels(),
            logger: QuietLogger()
        )
        stream = try ResultStream(bus: bus, repository: repository)
        let api = JSONAPI(
            repository: repository,
            operations: EngineVerbs(operations),
            stream: stream,
            settings: JSONAPI.Settings(),
            logger: QuietLogger(),
            counters: { ["htmengine_test_total{kind=\"a\"}": 3] }
        )
        var router = HTTPRouter { _, _ in throw HTTPError(status: 404, text: "There is nothing here\n") }
        api.register(on: &router)
        AlertRoutes(store: SQLAlertStore(database: database)).register(on: &router)
        self.router = router
    }

    deinit {
        stream.stop()
        bus.close()
        repository.close()
    }

    /// Sends a request as the server would, with what it does to replies.
    func send(
        _ method: String,
        _ target: String,
        body: String = "",
        headers: [HTTPField] = []
    ) throws -> HTTPResponse {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        let query = (parts.count > 1 ? parts[1].split(separator: "&") : []).map { item in
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return HTTPField(pair[0], pair.count > 1 ? PercentEncoding.decode(pair[1]) ?? pair[1] : "")
        }
        let request = try HTTPRequest(
            method: method,
            encodedPath: parts[0],
            query: query,
            headers: headers,
            body: Array(body.utf8)
        )
        var response: HTTPResponse
        do {
            response = try router.respond(to: request)
        } catch let error as HTTPError {
            response = error.response
        }
        ReplyFinisher.finish(request, &response)
        return response
    }

    func json(_ method: String, _ target: String, body: String = "") throws -> (status: Int, value: JSONValue) {
        let response = try send(method, target, body: body)
        guard case .bytes(let bytes) = response.body else { throw Missing(what: "a stream") }
        return (response.status, bytes.isEmpty ? .null : try JSONValue.parse(bytes))
    }

    /// Makes an active metric whose rows, five minutes apart from `start`, have the scores given.
    @discardableResult
    func metric(
        _ name: String,
        start: Int64 = 1_400_000_000,
        scores: [Double],
        isAutomatic: Bool = false
    ) throws -> String {
        let rows = scores.enumerated().map { index, score in
            MetricRow(
                rowid: Int64(index + 1),
                timestamp: start + Int64(index) * 300,
                value: Double(index % 50),
                rawAnomalyScore: score,
                anomalyScore: score,
                displayValue: DisplayValue.of(anomalyScore: score),
                predictions: "null"
            )
        }
        return try repository.write { transaction in
            let uid = try transaction.createMetric(.custom(name: name)).uid
            try transaction.insertScoredRows(uid: uid, rows)
            try transaction.setModelRecord(
                ModelRecord(
                    uid: uid,
                    generation: 1,
                    scoredRowid: Int64(rows.count),
                    seenStatus: .active,
                    isAutomatic: isAutomatic
                )
            )
            try transaction.setDefinition(
                uid: uid,
                parameters: ModelSpec(metric: name).canonicalJSON(name: name).text,
                modelParams: "{}",
                server: nil
            )
            try transaction.setStatus(uid: uid, .active, message: nil)
            return uid
        }
    }
}

/// No model runs in these tests.
private struct NoModels: ScoringModelFactory {
    func make(_ definition: ModelDefinition) throws -> any ScoringModel {
        throw EngineError(.failed, "no models here")
    }
    func load(_ definition: ModelDefinition, _ state: [UInt8]) throws -> any ScoringModel {
        throw EngineError(.failed, "no models here")
    }
}

private struct QuietLogger: Logger {
    var level: LogLevel { .error }
    func log(_ level: LogLevel, _ service: String, _ message: String) {}
}

/// What a test needs isn't there.
struct Missing: Error {
    let what: String
}
