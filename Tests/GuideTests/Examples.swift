// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTM
import HTMEngine

// Every Swift example of docs/guide and of the documentation comments stands here too, line for line: so they compile, and most of them
// run. ExampleTests compares the texts.

enum Examples {
    // MARK: docs/guide/first-application.md

    static func scoreWithHTMAlone(_ values: [Double]) throws -> Double {
        var model = try AnomalyModel(parameters: ModelParameters(minimum: 0, maximum: 100))
        var time: Int64 = 1_420_070_400
        var highest = 0.0
        for value in values {
            let output = model.process(ModelInput(timestamp: time, value: value))
            highest = max(highest, output.likelihood ?? 0)
            time += 300
        }
        return highest
    }

    static func runAnEngine(in directory: String, configuration files: String?) async throws -> [ScoredSample] {
        let configuration = try Configuration(configurationDirectory: files, dataDirectory: directory)
        let engine = Engine(configuration: configuration, services: [.storer, .runner])
        try engine.start()
        defer { engine.stop() }
        let connection = try engine.connection()

        let custom = try connection.createDatasourceAdapter("custom")
        let uid = try await custom.monitorMetric(ModelSpecification(metric: "cpu_percent", min: 0, max: 100))

        let start = Date(timeIntervalSince1970: 1_700_000_000)
        let samples = (0..<200).map { index in
            MetricSample(
                metric: "cpu_percent",
                value: Double(index % 10) * 7,
                time: start.addingTimeInterval(Double(index) * 300)
            )
        }
        for (sample, reason) in try await connection.send(samples) {
            print("refused: \(sample.value) at \(sample.time): \(reason)")
        }

        while try await connection.metric(uid: uid)?.scoredRows != samples.count {
            try await Task.sleep(for: .milliseconds(20))
        }
        return try await connection.samples(of: uid)
    }

    static func follow(_ connection: EngineConnection) async throws {
        for try await event in connection.events() {
            switch event {
            case .results(let results):
                for row in results.rows where row.anomalyScore ?? 0 > 0.9999 {
                    print("\(results.metric) is odd at \(row.time): \(row.value)")
                }
            case .command(let command): print("\(command.method) of \(command.modelID): \(command.status)")
            case .unexpected(let dataType): print("a message of type \(dataType)")
            case .gap: print("what was before is in the database")
            }
        }
    }

    static func catchErrors(_ custom: DatasourceAdapter) async throws -> String {
        do {
            return try await custom.monitorMetric(ModelSpecification(metric: "cpu_percent", min: 0, max: 100))
        } catch let error as HTMEngineError where error.code == .metricAlreadyMonitored {
            return error.uid ?? ""
        }
    }

    static func moveModel(_ uid: String, from source: DatasourceAdapter, to target: DatasourceAdapter) async throws {
        let exported = try await source.exportModel(uid)
        try exported.json.write(toFile: "model.json", atomically: true, encoding: .utf8)
        try await target.importModel(ModelSpecification(json: String(contentsOfFile: "model.json", encoding: .utf8)))
    }

    static func runWithSources(_ configuration: Configuration) async throws {
        let engine = Engine(configuration: configuration, datasources: [DiskSource(path: "/")])
        try await engine.run(stoppingOn: [SIGINT, SIGTERM])
    }

    static func collectFromOutside(_ configuration: Configuration) async throws {
        let connection = try EngineConnection(configuration: configuration)
        try await connection.collect(from: [DiskSource(path: "/")], configuration: configuration)
    }

    // MARK: docs/guide/model-spec.md

    static let completeSpec = #"""
        {
          "datasource": "custom",
          "metricSpec": {"metric": "orders", "resource": "shop"},
          "completeModelParams": {
            "timestampFieldName": "c0",
            "valueFieldName": "c1",
            "inferenceArgs": {"predictionSteps": [1], "predictedField": "c1", "inputPredictedField": "auto"},
            "modelConfig": {
              "model": "HTMPrediction",
              "version": 1,
              "modelParams": {
                "inferenceType": "TemporalAnomaly",
                "sensorParams": {
                  "encoders": {
                    "c0_timeOfDay": {"type": "DateEncoder", "fieldname": "c0", "name": "c0", "timeOfDay": [21, 9.49]},
                    "c0_weekend": {"type": "DateEncoder", "fieldname": "c0", "name": "c0", "weekend": 21},
                    "c1": {"type": "LogEncoder", "fieldname": "c1", "name": "c1", "w": 21, "minval": 1, "maxval": 1000000, "n": 400}
                  }
                },
                "spEnable": true,
                "spParams": {"columnCount": 1024, "numActiveColumnsPerInhArea": 20, "seed": 1956},
                "tmEnable": true,
                "tmParams": {"columnCount": 1024, "cellsPerColumn": 16, "activationThreshold": 8, "minThreshold": 6, "newSynapseCount": 12},
                "clEnable": false
              }
            }
          }
        }
        """#

    // MARK: documentation comments

    static func comments(_ configuration: Configuration) async throws {
        let embedded = try Configuration(dataDirectory: "/var/lib/demo")
        let asConfigured = try Configuration(configurationDirectory: "conf")
        let range = ModelSpecification(metric: "cpu_percent", min: 0, max: 100)
        let asJSON = try ModelSpecification(json: #"{"datasource": "custom", "metricSpec": {"metric": "cpu_percent"}}"#)
        _ = (embedded, asConfigured, range, asJSON)
    }

    static func commentOfEngine() async throws {
        let engine = try Engine(configuration: Configuration())
        try await engine.run()
    }

    static func commentOfRun(_ engine: Engine, serveMyOwnThings: @escaping @Sendable () async throws -> Void)
        async throws
    {
        try await withThrowingTaskGroup { group in
            group.addTask { try await engine.run(stoppingOn: [SIGINT, SIGTERM]) }
            group.addTask { try await serveMyOwnThings() }
            // The first of them that ends, ends both.
            try await group.next()
            group.cancelAll()
        }
    }

    static func commentOfConnection() async throws {
        let engine = try EngineConnection(configuration: Configuration())
        try await engine.send([MetricSample(metric: "cpu_percent", value: 7.4)])
        for try await event in engine.events() { print(event) }
    }

    static func commentOfPrometheus() -> PrometheusDatasource {
        let server = "http://localhost:9090"
        var load = PrometheusDatasource(url: server, metric: "load.$instance", query: "node_load1", step: .seconds(60))
        load.schedule.backfill = .seconds(14 * 86_400)
        return load
    }

    static func commentOfModel() throws {
        var model = try AnomalyModel(parameters: ModelParameters(minimum: 0, maximum: 100))
        let output = model.process(ModelInput(timestamp: 1_420_070_400, value: 42))
        print(output.rawScore, output.likelihood ?? 0)
    }

    static func commentOfDetector() throws {
        var detector = try EvidenceDetector(parameters: EvidenceParameters(), factory: ModelFactory())
        let output = detector.process(ModelInput(timestamp: 1_420_070_400, value: 42))
        if output.rarity >= EvidenceParameters.alarm { print(output.explanation?.text ?? "") }
    }
}

/// Free space of a file system, asked once a minute.
struct DiskSource: PolledDatasource {
    let path: String
    var name: String { "disk" }
    var schedule: PollSchedule { PollSchedule(interval: .seconds(60)) }

    func samples(from start: Date, to end: Date) async throws -> [MetricSample] {
        let attributes = try FileManager.default.attributesOfFileSystem(forPath: path)
        guard let free = attributes[.systemFreeSize] as? Int64 else { throw CocoaError(.fileReadUnknown) }
        // The newest moment that belongs to this question: `end` itself belongs to the next one.
        return [MetricSample(metric: "disk.free", value: Double(free), time: end.addingTimeInterval(-1))]
    }
}
