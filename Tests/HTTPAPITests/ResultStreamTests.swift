// SPDX-License-Identifier: Apache-2.0

import Bus
import EngineCore
import HTTPAPI
import TestSupport
import Testing

@Suite struct ResultStreamTests {
    private func publish(_ api: APIFixture, _ name: String, rowid: Int64) throws {
        let metric = MetricDescription(
            uid: "uid-\(name)",
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
            anomalyScore: 0.5,
            displayValue: 1000
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
}
