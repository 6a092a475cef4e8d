// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import HTM
import Storage
import TestSupport
import Testing

/// Mode "evidence" in the runner: the same rules as for any other model.
@Suite struct EvidenceModelTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// Days of twelve values, with one far out.
    private func samples(_ count: Int, seed: Int) -> [Sample] {
        (0..<count).map { index in
            let wave = Double((index % 12) * (12 - index % 12)) * Double(seed)
            let noise = Double((index * 7919 + seed * 31) % 101) / 50
            let value = index == 330 ? 5000 : wave + noise
            return Sample(timestamp: 1_600_000_000 + Int64(index) * 7200, value: value)
        }
    }

    /// What a detector says that nobody disturbs.
    private func undisturbed(_ samples: [Sample]) throws -> [EvidenceOutput] {
        var detector = try EvidenceDetector(factory: ModelFactory())
        return samples.map { detector.process(ModelInput(timestamp: $0.timestamp, value: $0.value)) }
    }

    @Test func swappingAndRestartsChangeNoBit() throws {
        let names = ["one", "two", "three"]
        let series = (0..<names.count).map { samples(360, seed: $0 + 1) }
        // No two of them fit into memory; a stop in the middle and one before the models are made.
        for end in [100, 310, 360] {
            let fixture = try EngineFixture(
                directory,
                runner: {
                    $0.workers = 1
                    $0.memoryBudget = 100_000
                },
                models: HTMScoringModelFactory(),
                defaultMode: .evidence
            )
            defer { fixture.stop() }
            if end == 100 { for name in names { try fixture.operations.monitor(ModelSpec(metric: name)) } }
            let stored = try fixture.rows(names[0]).count
            for start in stride(from: stored, to: end, by: 10) {
                let next = min(start + 10, end)
                for (name, samples) in zip(names, series) {
                    try fixture.send(name, Array(samples[start..<next]))
                    #expect(try fixture.allScored(name, count: next))
                }
            }
            if end == 360 {
                #expect(fixture.counters["htmengine_models_evicted_total"] > 3)
                for (name, samples) in zip(names, series) {
                    for (row, expected) in zip(try fixture.rows(name), try undisturbed(samples)) {
                        #expect(row.rawAnomalyScore == expected.rawScore ?? 0, "row \(row.rowid)")
                        #expect(row.anomalyScore == expected.likelihood, "row \(row.rowid)")
                    }
                    let far = try #require(try fixture.rows(name)[330].anomalyScore)
                    #expect(far > 0.99999)
                    let uid = try fixture.operations.metric(name).uid
                    let reasons = try fixture.repository.read { try $0.reasons(uid: uid, rowids: 1...360) }
                    let expected = try undisturbed(samples).enumerated().compactMap { index, output in
                        output.explanation.map { (Int64(index + 1), $0.text) }
                    }
                    #expect(reasons.mapValues(\.text) == Dictionary(uniqueKeysWithValues: expected))
                    #expect(reasons[331]?.channel == "range" && reasons[331]?.actual == 5000)
                }
            }
        }
    }

    @Test func theModeIsThatOfTheSpecOrTheInstallation() throws {
        let fixture = try EngineFixture(
            directory,
            storer: { $0.autoMonitor = ["auto.*"] },
            models: HTMScoringModelFactory(),
            defaultMode: .evidence
        )
        try fixture.operations.monitor(ModelSpec(metric: "default"))
        try fixture.operations.monitor(
            ModelSpec(metric: "parity", modelParams: .init(min: 0, max: 1, mode: .parity))
        )
        try fixture.operations.monitor(
            ModelSpec(metric: "classifier", modelParams: .init(min: 0, max: 1, enableClassifier: true))
        )
        try fixture.send("auto.one", [Sample(timestamp: 1_600_000_000, value: 1)])
        for (name, isEvidence) in ["default": true, "parity": false, "classifier": false, "auto.one": true] {
            #expect(try fixture.eventually { try fixture.status(name) == .active }, "\(name)")
            let metric = try #require(try fixture.repository.read { try $0.metric(named: name) })
            let definition = try ModelDefinition(text: try #require(metric.modelParams))
            #expect((try definition.evidenceParameters() != nil) == isEvidence, "\(name)")
        }
        #expect(try fixture.allScored("auto.one", count: 1))
        let exported = try fixture.operations.export(uid: try fixture.operations.metric("default").uid)
        #expect(exported["modelParams"]?["mode"]?.stringValue == "evidence")
    }

    @Test(arguments: [
        (#"{"mode":"best"}"#, "$.mode is \"best\"; expected parity or evidence"),
        (#"{"mode":1}"#, "$.mode"),
        (#"{"mode":"evidence","enableClassifier":true}"#, "$.enableClassifier is true"),
    ])
    func wrongModesAreNamed(text: String, message: String) throws {
        let json = try JSONValue.parse(text)
        let error = #expect(throws: EngineError.self) { try ModelSpec.ModelParams(json: json, path: "$") }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func aStateOfTheOtherModeIsRefused() throws {
        let factory = HTMScoringModelFactory()
        let parity = ModelDefinition.standard(minimum: 0, maximum: 1)
        let evidence = ModelDefinition.evidence()
        for (one, other) in [(parity, evidence), (evidence, parity)] {
            let state = try factory.make(one).encoded()
            let error = #expect(throws: EngineError.self) { try factory.load(other, state) }
            #expect(error?.code == .checkpointDamaged)
        }
    }
}
