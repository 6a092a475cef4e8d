// SPDX-License-Identifier: Apache-2.0

import Bus
import EngineCore
import HTTPAPI
import Storage
import TestSupport
import Testing

@Suite struct ResultStreamTests {
    private func publish(
        _ api: APIFixture,
        _ name: String,
        uid: String? = nil,
        rowid: Int64,
        score: Double = 0.5,
        reason: AnomalyReason? = nil
    ) throws {
        let metric = MetricDescription(
            uid: uid ?? "uid-\(name)",
            name: name,
            description: nil,
            resource: nil,
            location: "",
            datasource: "custom",
            specJSON: "{}"
        )
        let row = MetricRow(
            rowid: rowid,
            timestamp: 1,
            value: 2,
            rawAnomalyScore: 0,
            anomalyScore: score,
            displayValue: 1000,
            reason: reason
        )
        try api.bus.publish([.inferenceResults(InferenceResults(metric: metric, generation: 1, rows: [row]))])
    }

    /// Reads until `count` events of the kind have come.
    private func events(_ response: HTTPResponse, _ kind: String, count: Int) throws -> [String] {
        guard case .stream(let source) = response.body else { throw Missing(what: "no stream") }
        var text = ""
        return try eventually("\(count) \(kind) events") { () throws -> [String]? in
            guard let bytes = try source.next() else { throw Missing(what: "the stream ended") }
            text += String(decoding: bytes, as: UTF8.self)
            let found = text.split(separator: "\n\n").filter { $0.contains("event: \(kind)\n") }.map(String.init)
            return found.count >= count ? found : nil
        }
    }

    private func id(_ event: String) -> String {
        event.split(separator: "\n").first { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) } ?? ""
    }

    @Test func aClientThatComesBackMissesNothing() throws {
        let api = try APIFixture()
        let response = try api.send("GET", "/_stream")
        for rowid in 1...3 { try publish(api, "m", rowid: Int64(rowid)) }
        let first = try events(response, "result", count: 3)
        try publish(api, "m", rowid: 4)
        let back = try api.send("GET", "/_stream", headers: [HTTPField("Last-Event-ID", id(first[0]))])
        let rest = try events(back, "result", count: 3)
        #expect(rest.count == 3)
        #expect(rest[0].contains("\"rowid\":2") && rest[2].contains("\"rowid\":4"))
    }

    /// A reason comes with the message where the engine is embedded, and from the database where a broker lies between.
    @Test func anomalousResultsSayWhy() throws {
        let api = try APIFixture()
        let uid = try api.metric("stored", scores: Array(repeating: 0.1, count: 5))
        let reason = AnomalyReason(channel: "gap", expected: 0...300, actual: 9000, oneIn: 31_623, modelAge: 5)
        try api.repository.write { transaction in
            let row = ScoredRow(
                rowid: 5,
                timestamp: 1,
                rawAnomalyScore: 0,
                anomalyScore: 0.99995,
                displayValue: 1,
                reason: reason
            )
            _ = try transaction.storeScores([ScoreBatch(uid: uid, generation: 1, rows: [row], publishedRowid: 0)])
        }
        let response = try api.send("GET", "/_stream")
        try publish(api, "direct", rowid: 1, score: 0.99995, reason: reason)
        try publish(api, "stored", uid: uid, rowid: 5, score: 0.99995)
        try publish(api, "calm", rowid: 1)
        let events = try events(response, "result", count: 3)
        for event in events.prefix(2) {
            #expect(event.contains(#""explanation":{"channel":"gap","expected_low":0"#), "\(event)")
            #expect(event.contains("samples were missing for an unusually long time: 9000, expected 0 to 300 s"))
        }
        #expect(!events[2].contains("explanation"))
    }

    /// A modelSpec as `metric.parameters` holds it, over several lines, reaches the reader whole.
    @Test func textOfSeveralLinesStaysOneEvent() throws {
        let api = try APIFixture()
        let response = try api.send("GET", "/_stream")
        let spec = "{\n  \"a\" : 1,\r\n\n  \"b\" : 2\n}"
        let info = ModelCommandResult.ModelInfo(metricName: "m", resource: "m", modelSpecJSON: spec)
        let result = ModelCommandResult(method: .defineModel, modelId: "u", status: 0, modelInfo: info)
        try api.bus.publish([.commandResult(result)])
        let event = try #require(try events(response, "command", count: 1).first)
        let lines = event.split(separator: "\n").drop { !$0.hasPrefix("event:") }.dropFirst()
        #expect(lines.count == 5)
        #expect(lines.allSatisfy { $0.hasPrefix("data: ") }, "\(event)")
        let json = try JSONValue.parse(lines.map { $0.dropFirst(6) }.joined(separator: "\n"))
        #expect(json.objectValue?["modelInfo"]?.objectValue?["modelSpec"]?.objectValue?.count == 2)
    }

    @Test func filtersTakeUidsNamesAndPatterns() throws {
        let api = try APIFixture()
        let streams = try ["uid-web1", "web1", "web*"].map { try api.send("GET", "/_stream?metric=\($0)") }
        try publish(api, "db", rowid: 1)
        try publish(api, "web1", rowid: 7)
        for stream in streams {
            let found = try events(stream, "result", count: 1)
            #expect(found.count == 1)
            #expect(found[0].contains("\"rowid\":7"))
        }
    }

    @Test func anUnknownPlaceIsToldAsAGap() throws {
        let api = try APIFixture()
        for place in ["nonsense", "ffffffffffff-3"] {
            let response = try api.send("GET", "/_stream?last_event_id=\(place)")
            #expect(try events(response, "gap", count: 1).count == 1)
        }
    }

    @Test func aClientThatWaitedForTheEngineHearsWhatItSaidFirst() throws {
        let api = try APIFixture()
        let before = try api.send("GET", "/_stream")
        for rowid in 1...3 { try publish(api, "m", rowid: Int64(rowid)) }
        // Once a reader has them, the stream has them.
        _ = try events(before, "result", count: 3)
        let waited = try api.send("GET", "/_stream?from=start", headers: [HTTPField("Last-Event-ID", "otherepoch-9")])
        #expect(try events(waited, "result", count: 3).first?.contains("\"rowid\":1") == true)
        let fresh = try api.send("GET", "/_stream")
        try publish(api, "m", rowid: 4)
        #expect(try events(fresh, "result", count: 1).first?.contains("\"rowid\":4") == true)
        #expect(try api.send("GET", "/_stream?from=tomorrow").status == 400)
    }
}
