// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTMEngine
import Synchronization
import TestSupport
import Testing

/// The public face, used as an application uses it.
@Suite struct PublicAPITests {
    private let directory: TemporaryDirectory
    private let database: TestSQLDatabase?

    init() throws {
        directory = try TemporaryDirectory()
        database = try RealServers.sql.map { try TestSQLDatabase($0) }
    }

    /// Storages an embedded engine is tried on: MariaDB too where the tests have one.
    static let storages: [String] = RealServers.sql == nil ? ["sqlite"] : ["sqlite", "mysql"]

    private func configure(_ storage: String, _ more: String = "") throws -> String {
        var text = "[repository]\nengine = \(storage)\n"
        if storage == "mysql", let server = RealServers.sql, let database {
            text += "db = \(database.name)\nhost = \(server.host)\nport = \(server.port)\nuser = \(server.user)\n"
            text += "passwd = \(server.password)\n[bus]\nengine = memory\n"
        }
        try directory.write(text + more, to: "conf/application.conf")
        let configuration = try Configuration(configurationDirectory: directory.path("conf"), environment: [:])
        if storage == "mysql" { try DatabaseMigration.run(configuration: configuration) }
        return directory.path("conf")
    }

    @Test(arguments: storages) func theFirstApplicationScores(storage: String) async throws {
        let rows = try await Examples.runAnEngine(in: directory.path("data"), configuration: configure(storage))
        #expect(rows.count == 200)
        #expect(rows.allSatisfy { $0.rawAnomalyScore != nil && $0.anomalyScore != nil })
        #expect(rows.last?.rowid == 200)
    }

    @Test(arguments: storages) func metricsArePromotedByTheirRows(storage: String) async throws {
        let files = try configure(storage, "[metric_maintenance]\npromote_after = 30\n[model]\nfirst_rows = 20\n")
        let configuration = try Configuration(
            configurationDirectory: files,
            dataDirectory: directory.path("data"),
            environment: [:]
        )
        let engine = Engine(configuration: configuration, services: [.storer, .runner])
        try engine.start()
        defer { engine.stop() }
        let connection = try engine.connection()
        func send(_ range: Range<Int>) async throws {
            let samples = range.map {
                MetricSample(
                    metric: "m",
                    value: Double($0 % 7),
                    time: Date(timeIntervalSince1970: 1_700_000_000 + Double($0) * 60)
                )
            }
            #expect(try await connection.send(samples).isEmpty)
        }
        try await send(0..<29)
        #expect(try await connection.metric(named: "m")?.status == .unmonitored)
        try await send(29..<31)
        try await ExampleTests.until { try await connection.metric(named: "m")?.scoredRows == 31 }
        let info = try #require(try await connection.metric(named: "m"))
        #expect(info.status == .active)
        let custom = try connection.createDatasourceAdapter("custom")
        try await custom.unmonitorMetric(info.uid)
        try await send(31..<70)
        #expect(try await connection.metric(named: "m")?.status == .unmonitored)
    }

    @Test func verbsSayWhatWasWrong() async throws {
        let configuration = try Configuration(dataDirectory: directory.path("data"), environment: [:])
        let engine = Engine(configuration: configuration, services: [.storer, .runner])
        let early = #expect(throws: HTMEngineError.self) { try engine.connection() }
        #expect(early?.code == .engineUnavailable)
        try engine.start()
        defer { engine.stop() }
        // From inside and through the socket: the same answers.
        for (index, connection) in [try engine.connection(), try EngineConnection(configuration: configuration)]
            .enumerated()
        {
            let name = "m\(index)"
            let other = #expect(throws: HTMEngineError.self) { try connection.createDatasourceAdapter("cloudwatch") }
            #expect(other?.code == .unsupportedDatasource && other?.message.contains("custom") == true)
            #expect(DatasourceAdapter.datasourceNames == ["custom"])
            let custom = try connection.createDatasourceAdapter("custom")
            let uid = try await custom.createMetric(name)
            func code(_ body: () async throws -> Void) async -> (HTMEngineError.Code?, String?) {
                do { try await body() } catch let error as HTMEngineError { return (error.code, error.uid) } catch {}
                return (nil, nil)
            }
            #expect(await code { try await custom.createMetric(name) } == (.metricAlreadyExists, uid))
            #expect(await code { try await custom.createMetric("a b") }.0 == .invalidArgument)
            #expect(await code { _ = try await custom.exportModel(uid) }.0 == .metricNotMonitored)
            #expect(await code { try await custom.activateModel(uid) }.0 == .statusChanged)
            #expect(await code { try await custom.unmonitorMetric("0000") }.0 == .notFound)
            #expect(await code { try await custom.activateModel("0000") }.0 == .notFound)
            #expect(await code { _ = try await custom.exportModel("0000") }.0 == .notFound)
            for method in [custom.monitorMetric, custom.importModel] {
                let unknown = #"{"datasource": "custom", "metricSpec": {"uid": "0000"}}"#
                #expect(await code { _ = try await method(ModelSpecification(json: unknown)) }.0 == .notFound)
                let foreign = #"{"datasource": "cloudwatch", "metricSpec": {"metric": "x"}}"#
                #expect(
                    await code { _ = try await method(ModelSpecification(json: foreign)) }.0 == .unsupportedDatasource
                )
            }
            // Without a model there is nothing to end.
            try await custom.unmonitorMetric(uid)
            #expect(await code { try await custom.deleteMetricByName("gone") }.0 == .notFound)
            let byUID = try ModelSpecification(
                json: #"{"datasource": "custom", "metricSpec": {"uid": "\#(uid)", "resource": "r", "unit": "u"}}"#
            )
            #expect(custom.getInstanceNameForModelSpec(byUID) == "r")
            #expect(custom.getInstanceNameForModelSpec(ModelSpecification(metric: name)) == nil)
            #expect(try await custom.monitorMetric(byUID) == uid)
            #expect(await code { try await custom.monitorMetric(byUID) } == (.metricAlreadyMonitored, uid))
            #expect(await code { try await custom.activateModel(uid) }.0 == .statisticsNotReady)
            try await connection.send([MetricSample(metric: name, value: 1)])
            try await custom.activateModel(uid)
            try await ExampleTests.until { try await connection.metric(uid: uid)?.scoredRows == 1 }
            let exported = try await custom.exportModel(uid)
            try await custom.deleteMetricByName(name)
            let again = try await custom.importModel(exported)
            try await ExampleTests.until { try await connection.metric(uid: again)?.rows == 1 }
            #expect(try await connection.metric(uid: again)?.server == "r")
            for (json, place) in [
                (#"{"metricSpec": {"metric": "x"}}"#, "$.datasource"),
                (#"{"datasource": "custom", "metricSpec": {}}"#, "$.metricSpec"),
                (
                    #"{"datasource": "custom", "metricSpec": {"metric": "x"}, "modelParams": {"min": 1}}"#,
                    "$.modelParams"
                ),
                (
                    #"{"datasource": "custom", "metricSpec": {"metric": "x"}, "modelParams": {"max": 1}}"#,
                    "$.modelParams"
                ),
                (#"{"datasource": "custom", "metricSpec": {"metric": "x", "color": 1}}"#, "$.metricSpec.color"),
                (
                    #"{"datasource": "custom", "metricSpec": {"metric": "x"}, "modelParams": {"min": "1", "max": 2}}"#,
                    "$.modelParams.min"
                ),
            ] {
                let error = await #expect(throws: HTMEngineError.self) {
                    try await custom.monitorMetric(ModelSpecification(json: json))
                }
                #expect(error?.message.contains(place) == true, "\(json): \(error?.message ?? "")")
            }
            for (key, replacement, place) in [
                ("completeModelParams", #""modelParams": {}, "completeModelParams""#, "exclude each other"),
                ("inferenceArgs", #""inference""#, "$.completeModelParams.inference"),
                ("timestampFieldName", #""time""#, "$.completeModelParams.time"),
                ("valueFieldName", #""value""#, "$.completeModelParams.value"),
                ("predictedField", #""predicted""#, "predictedField"),
                ("modelConfig", #""config""#, "$.completeModelParams.config"),
            ] {
                let text = Examples.completeSpec.replacingOccurrences(of: "\"\(key)\"", with: replacement)
                for method in [custom.monitorMetric, custom.importModel] {
                    let error = await #expect(throws: HTMEngineError.self) {
                        _ = try await method(ModelSpecification(json: text))
                    }
                    #expect(error?.code == .invalidArgument)
                    #expect(error?.message.contains(place) == true, "\(key): \(error?.message ?? "")")
                }
            }
            // Wrong in what only the model itself can tell.
            let impossible = Examples.completeSpec.replacingOccurrences(of: "LogEncoder", with: "OddEncoder")
            #expect(
                await code { _ = try await custom.importModel(ModelSpecification(json: impossible)) }.0
                    == .invalidArgument
            )
            #expect(try await connection.metric(named: "x") == nil)
            #expect(try await connection.metric(named: "orders") == nil)
        }
    }

    @Test func aReaderIsToldWhatItMisses() async throws {
        let configuration = try Configuration(dataDirectory: directory.path("data"), environment: [:])
        func start() throws -> Engine {
            let engine = Engine(configuration: configuration, services: [.storer, .runner])
            try engine.start()
            return engine
        }
        var engine = try start()
        let connection = try EngineConnection(configuration: configuration)
        let custom = try connection.createDatasourceAdapter("custom")
        let uid = try await custom.monitorMetric(ModelSpecification(metric: "m", min: 0, max: 9))
        func send(_ range: Range<Int>, _ connection: EngineConnection) async throws {
            let samples = range.map {
                MetricSample(
                    metric: "m",
                    value: Double($0 % 7),
                    time: Date(timeIntervalSince1970: 1_700_000_000 + Double($0) * 60)
                )
            }
            #expect(try await connection.send(samples).isEmpty)
            try await ExampleTests.until { try await connection.metric(uid: uid)?.scoredRows == range.upperBound }
        }
        try await send(0..<10, connection)
        var events = connection.events().makeAsyncIterator()
        /// Row ids up to one; nil for a gap.
        func read(to last: Int) async throws -> [Int?] {
            var seen: [Int?] = []
            while seen.last != last, let event = try await events.next() {
                if case .gap = event { seen.append(nil) }
                if case .results(let results) = event { seen += results.rows.map(\.rowid) }
            }
            return seen
        }
        // The gap at the beginning: from here on everything comes.
        guard case .gap? = try await events.next() else {
            return #expect(Bool(false), "there is no gap at the beginning")
        }
        try await send(10..<20, connection)
        #expect(try await read(to: 20) == Array(11...20))
        // Another process of the engine: what it did before the reader came back is behind a gap, or isn't missing.
        engine.stop()
        engine = try start()
        try await send(20..<30, try engine.connection())
        try await send(30..<31, connection)
        let after = try await read(to: 31)
        let gap = try #require(after.firstIndex(of: nil), "\(after)")
        #expect(!after[..<gap].contains { $0 != nil }, "\(after)")
        let known = try await connection.samples(of: uid, after: 20).map(\.rowid)
        #expect(Set(known).union(after.compactMap { $0 }) == Set(21...31))
        engine.stop()
    }

    @Test func metricsComeInPagesByName() async throws {
        let configuration = try Configuration(dataDirectory: directory.path("data"), environment: [:])
        let engine = Engine(configuration: configuration, services: [.storer, .runner])
        try engine.start()
        defer { engine.stop() }
        let connection = try engine.connection()
        let names = (100..<150).map { "metric.\($0)" }
        try await connection.send(names.shuffled().map { MetricSample(metric: $0, value: 1) })
        var seen: [String] = []
        while true {
            let page = try await connection.metrics(after: seen.last, limit: 7).map(\.name)
            if page.isEmpty { break }
            seen += page
        }
        #expect(seen == names)
    }

    @Test func runStopsWithItsTask() async throws {
        let configuration = try Configuration(dataDirectory: directory.path("data"), environment: [:])
        let engine = Engine(
            configuration: configuration,
            services: [.storer, .runner],
            datasources: [DiskSource(path: "/")]
        )
        let running = Task { try await engine.run() }
        try await ExampleTests.until { engine.endpoints != nil }
        let connection = try engine.connection()
        let seen = Mutex<String?>(nil)
        let events = Task {
            for try await event in connection.events() {
                guard case .results(let results) = event else { continue }
                return seen.withLock { $0 = results.metric }
            }
        }
        let custom = try connection.createDatasourceAdapter("custom")
        try await custom.monitorMetric(ModelSpecification(metric: "m", min: 0, max: 1))
        // The subscription begins at some time: samples until it has seen a result.
        var time = Date(timeIntervalSince1970: 1_700_000_000)
        try await ExampleTests.until {
            try await connection.send([MetricSample(metric: "m", value: 1, time: time)])
            time += 60
            return seen.withLock { $0 != nil }
        }
        try await events.value
        #expect(seen.withLock { $0 } == "m")
        running.cancel()
        try await running.value
        #expect(engine.endpoints == nil)
        #expect(!FileManager.default.fileExists(atPath: directory.path("data/htmengine.sock")))
    }
}
