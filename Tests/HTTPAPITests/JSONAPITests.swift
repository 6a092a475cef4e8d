// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Foundation
import HTTPAPI
import Storage
import Testing

@Suite struct JSONAPITests {
    private static let calm = Array(repeating: 0.5, count: 400)

    @Test func listsRankTheMostAnomalousFirst() throws {
        let api = try APIFixture()
        try api.metric("calm", scores: Self.calm)
        try api.metric("yellow", scores: Self.calm.dropLast() + [0.99995])
        try api.metric("red", scores: Self.calm.dropLast() + [0.999999])
        let (status, list) = try api.json("GET", "/_models?bars=24&spark=20")
        #expect(status == 200)
        let items = try #require(list.arrayValue)
        #expect(items.map { $0["name"]?.stringValue } == ["red", "yellow", "calm"])
        #expect(items.map { $0["level"]?.stringValue } == ["red", "yellow", "green"])
        let bars = try #require(items[0]["bars"]?.arrayValue)
        #expect(bars.count == 24)
        #expect(bars.last?["level"]?.stringValue == "red")
        #expect((items[0]["spark"]?.arrayValue?.count ?? 0) >= 10)
    }

    @Test func learningRowsAreNeverGreen() throws {
        let api = try APIFixture()
        try api.metric("new", scores: Array(repeating: 0.5, count: 100))
        let item = try #require(try api.json("GET", "/_models?bars=24").value.arrayValue?.first)
        #expect(item["level"]?.stringValue == "learning")
        #expect(item["learning"]?["rows"]?.integerValue == 100)
        #expect(item["learning"]?["of"]?.integerValue == 288)
        for bar in item["bars"]?.arrayValue ?? [] where bar != .null {
            #expect(bar["level"]?.stringValue == "learning")
        }
    }

    @Test func searchTakesPartsAndPatterns() throws {
        let api = try APIFixture()
        for name in ["web1.cpu", "web2.cpu", "db.cpu"] { try api.metric(name, scores: [0.1]) }
        func names(_ query: String) throws -> [String?] {
            try api.json("GET", "/_metrics/custom?sort=name&\(query)").value.arrayValue?.map { $0["name"]?.stringValue }
                ?? []
        }
        #expect(try names("search=WEB") == ["web1.cpu", "web2.cpu"])
        #expect(try names("search=*.cpu&limit=1&offset=1") == ["web1.cpu"])
        let response = try api.send("GET", "/_metrics/custom?sort=name&limit=2")
        #expect(response.headers.contains(HTTPField("X-Total-Count", "3")))
        #expect(response.headers.contains { $0.name == "Link" && $0.value.contains("offset=2") })
    }

    @Test func dataHasTheColumnLayoutAndPages() throws {
        let api = try APIFixture()
        let uid = try api.metric("m", scores: Self.calm)
        let first = try api.json("GET", "/_models/\(uid)/data?limit=3").value
        #expect(
            first["names"]?.arrayValue?.prefix(4).map(\.stringValue) == [
                "timestamp", "value", "anomaly_score", "rowid",
            ]
        )
        #expect(first["data"]?.arrayValue?.first?.arrayValue?.first == .string("2014-05-13 16:53:20"))
        let next = try #require(first["next"]?.stringValue)
        let second = try api.json("GET", next).value
        #expect(second["data"]?.arrayValue?.first?.arrayValue?[3] == .integer(4))
        let newest = try api.json("GET", "/_models/\(uid)/data?order=desc&limit=1&time=unix").value
        #expect(newest["data"]?.arrayValue?.first?.arrayValue?[0] == .integer(1_400_000_000 + 399 * 300))
    }

    /// The total is that of the window: neither scores nor thinning out change it.
    @Test func theTotalIsThatOfTheWindow() throws {
        let api = try APIFixture()
        var scores = Self.calm
        scores[250] = 0.999999
        let uid = try api.metric("m", scores: scores)
        let (from, to) = (1_400_000_000 + 100 * 300, 1_400_000_000 + 299 * 300)
        for query in ["limit=3", "anomaly=0.9999", "points=10", "points=10&anomaly=0.9999"] {
            let all = try api.json("GET", "/_models/\(uid)/data?\(query)").value
            #expect(all["total"] == .integer(Int64(scores.count)), "\(query)")
            let part = try api.json("GET", "/_models/\(uid)/data?from=\(from)&to=\(to)&\(query)").value
            #expect(part["total"] == .integer(200), "\(query)")
        }
        let odd = try api.json("GET", "/_models/\(uid)/data?anomaly=0.9999").value
        #expect(odd["data"]?.arrayValue?.count == 1)
    }

    @Test(arguments: [0, 1, 57, 399]) func timesSelectExactlyTheRowsBetween(_ index: Int64) throws {
        let api = try APIFixture()
        let uid = try api.metric("m", scores: Self.calm)
        let time = 1_400_000_000 + index * 300
        func rows(_ from: Int64, _ to: Int64) throws -> [Int64?] {
            try api.json("GET", "/_models/\(uid)/data?from=\(from)&to=\(to)").value["data"]?.arrayValue?
                .map { $0.arrayValue?[3].integerValue } ?? []
        }
        #expect(try rows(time, time) == [index + 1])
        #expect(try rows(time + 1, time + 299) == [])
        #expect(try rows(time - 1, time + 1) == [index + 1])
    }

    @Test func downsamplingKeepsEveryExtreme() throws {
        let api = try APIFixture()
        var scores = Array(repeating: 0.3, count: 5000)
        for index in [17, 2500, 4998] { scores[index] = 0.999999 }
        let uid = try api.metric("m", scores: scores)
        let chart = try api.json("GET", "/_models/\(uid)/data?points=200&time=unix").value
        let rows = try #require(chart["data"]?.arrayValue)
        #expect(rows.count < 400)
        #expect(chart["downsampled"] == .bool(true))
        let rowids = Set(rows.compactMap { $0.arrayValue?[3].integerValue })
        for index in [17, 2500, 4998] { #expect(rowids.contains(Int64(index + 1))) }
        #expect(rowids.contains(1) && rowids.contains(5000))
        let values = rows.compactMap { $0.arrayValue?[1].doubleValue }
        #expect(values.min() == 0 && values.max() == 49)
    }

    @Test func eventsStartPeakAndEndAsDefined() throws {
        let api = try APIFixture()
        var scores = Array(repeating: 0.5, count: 400)
        // One event with a quiet stretch of 11 rows in it, ended by 12 quiet rows; one still open.
        for (index, score) in [(300, 0.99995), (301, 0.995), (313, 0.9999999), (314, 0.999), (395, 0.99999)] {
            scores[index] = score
        }
        scores[380] = 0.999
        let uid = try api.metric("m", scores: scores)
        let events = try #require(try api.json("GET", "/_events?metric=\(uid)").value.arrayValue)
        try #require(events.count == 2)
        #expect(events[0]["open"] == .bool(true))
        #expect(events[0]["start_rowid"]?.integerValue == 396)
        #expect(events[0]["end"] == .null)
        #expect(events[1]["start_rowid"]?.integerValue == 301)
        #expect(events[1]["end_rowid"]?.integerValue == 315)
        #expect(events[1]["peak_rowid"]?.integerValue == 314)
        #expect(events[1]["peak"]?.doubleValue == 0.9999999)
        #expect(try api.json("GET", "/_events?quiet_rows=11").value.arrayValue?.count == 3)
        #expect(try api.json("GET", "/_events?open=true").value.arrayValue?.count == 1)
    }

    @Test func eventsSayWhy() throws {
        let api = try APIFixture()
        let uid = try api.metric("m", scores: Self.calm)
        let reason = AnomalyReason(channel: "range", expected: 0...50, actual: 90, oneIn: 1e6, modelAge: 310)
        try api.repository.write { transaction in
            let row = ScoredRow(
                rowid: 310,
                timestamp: 1_400_092_700,
                rawAnomalyScore: 1,
                anomalyScore: 0.999999,
                displayValue: 1_000_000_001,
                reason: reason
            )
            _ = try transaction.storeScores([ScoreBatch(uid: uid, generation: 1, rows: [row], publishedRowid: 0)])
        }
        let events = try #require(try api.json("GET", "/_events").value.arrayValue)
        let explanation = try #require(events.first?["explanation"])
        #expect(explanation["channel"]?.stringValue == "range")
        #expect(explanation["expected_low"]?.doubleValue == 0 && explanation["expected_high"]?.doubleValue == 50)
        #expect(explanation["one_in"]?.doubleValue == 1e6 && explanation["model_age"]?.integerValue == 310)
        #expect(
            explanation["text"]?.stringValue
                == "the value is outside the range seen so far: 90, expected 0 to 50; about one in 1,000,000, after 310 records"
        )
        // Rows that an earlier version scored have no reason.
        let old = try api.metric("old", scores: Self.calm + [0.999999])
        let unexplained = try #require(try api.json("GET", "/_events?metric=\(old)").value.arrayValue?.first)
        #expect(unexplained["explanation"] == .null)
    }

    @Test func rankingSumsTheHighestDisplayValueOfEachBar() throws {
        let api = try APIFixture()
        let uid = try api.metric("m", scores: Array(repeating: 0.5, count: 24) + [0.999999])
        let (status, list) = try api.json("GET", "/_anomalies/period/2")
        #expect(status == 200)
        let item = try #require(list.arrayValue?.first)
        #expect(item["uid"]?.stringValue == uid)
        // Two hours end at the newest row; bars of 300 s hold one row each, 23 green and one red.
        #expect(item["score"]?.doubleValue == 1_000_023_001.0)
        #expect(try api.json("GET", "/_anomalies/period/0").status == 400)
    }

    @Test func annotationsAreWrittenListedAndDeleted() throws {
        let api = try APIFixture()
        let uid = try api.metric("m", scores: [0.1])
        let note = try api.json(
            "POST",
            "/_annotations",
            body: #"{"metric":"m","timestamp":"2014-05-13 16:53:20","message":"<b>x</b>","user":"Ada"}"#
        )
        #expect(note.status == 201)
        #expect(note.value["metric"]?.stringValue == uid)
        let id = try #require(note.value["id"]?.stringValue)
        #expect(try api.json("GET", "/_annotations?metric=\(uid)").value.arrayValue?.count == 1)
        #expect(try api.json("GET", "/_annotations?metric=m").value.arrayValue?.count == 1)
        #expect(try api.json("GET", "/_annotations?metric=other").value.arrayValue?.count == 0)
        #expect(try api.json("GET", "/_annotations?from=1500000000").value.arrayValue?.count == 0)
        #expect(try api.json("DELETE", "/_annotations/\(id)").status == 204)
        #expect(try api.json("GET", "/_annotations/\(id)").status == 404)
        #expect(
            try api.json("POST", "/_annotations", body: #"{"metric":"nobody","timestamp":1,"message":"x"}"#).status
                == 404
        )
    }

    @Test func monitoringIsIdempotentAndTakesLists() throws {
        let api = try APIFixture()
        let spec = #"{"datasource":"custom","metricSpec":{"metric":"a"},"modelParams":{"min":0,"max":1}}"#
        let one = try api.json("POST", "/_models", body: spec)
        #expect(one.status == 201)
        let again = try api.json(
            "PUT",
            "/_models",
            body: "[\(spec), {\"datasource\":\"custom\",\"metricSpec\":{\"metric\":\"b\"}}]"
        )
        #expect(again.status == 201)
        #expect(again.value.arrayValue?.count == 2)
        #expect(again.value.arrayValue?[0]["uid"] == one.value.arrayValue?[0]["uid"])
        #expect(again.value.arrayValue?[1]["status"]?.integerValue == 8)
        let bad = try api.json(
            "POST",
            "/_models",
            body: #"[{"datasource":"custom","metricSpec":{"metric":"c"}},{"metricSpec":{"metric":"d"}}]"#
        )
        #expect(bad.status == 400)
        #expect(bad.value["detail"]?.stringValue?.contains("entry 1") == true)
        #expect(try api.json("GET", "/_metrics/custom/c").status == 404)
    }

    @Test func aModelMadeByARuleIsReplacedByHand() throws {
        let api = try APIFixture()
        let uid = try api.metric("auto", scores: Self.calm, isAutomatic: true)
        #expect(try api.json("GET", "/_models/\(uid)").value["auto"] == .bool(true))
        let made = try api.json(
            "POST",
            "/_models",
            body: #"{"datasource":"custom","metricSpec":{"metric":"auto"},"modelParams":{"min":0,"max":1}}"#
        )
        #expect(made.status == 201)
        #expect(made.value.arrayValue?[0]["auto"] == .bool(false))
        #expect(made.value.arrayValue?[0]["scored_rows"] == .integer(0))
    }

    @Test func patternsMonitorUnmonitorAndDelete() throws {
        let api = try APIFixture()
        for name in ["web.a", "web.b", "db.a"] { try api.operations.createMetric(named: name) }
        #expect(try api.json("POST", "/_models/matching?pattern=web.*&dry_run=true").value.arrayValue?.count == 2)
        #expect(try api.json("GET", "/_models").value.arrayValue?.count == 0)
        #expect(try api.json("POST", "/_models/matching?pattern=web.*", body: "{}").value.arrayValue?.count == 2)
        #expect(try api.json("GET", "/_models").value.arrayValue?.count == 2)
        #expect(try api.json("DELETE", "/_models").status == 400)
        #expect(try api.json("DELETE", "/_models?pattern=*.a").value.arrayValue?.count == 1)
        #expect(try api.json("DELETE", "/_metrics/custom?pattern=web.*").value.arrayValue?.count == 2)
        #expect(try api.json("GET", "/_metrics/custom").value.arrayValue?.count == 1)
    }

    @Test func instancesGroupByServer() throws {
        let api = try APIFixture()
        for name in ["a", "b"] {
            let spec = #"{"datasource":"custom","metricSpec":{"metric":"\#(name)","resource":"web1"}}"#
            #expect(try api.json("POST", "/_models", body: spec).status == 201)
        }
        let instances = try #require(try api.json("GET", "/_instances").value.arrayValue)
        #expect(instances.count == 1)
        #expect(instances[0]["server"]?.stringValue == "web1")
        #expect(instances[0]["metrics"]?.arrayValue?.count == 2)
        #expect(try api.json("DELETE", "/_instances", body: #"["nowhere"]"#).status == 404)
        #expect(try api.json("DELETE", "/_instances", body: #"["web1"]"#).status == 200)
        #expect(try api.json("GET", "/_instances").value.arrayValue?.count == 0)
    }

    @Test func exportedModelsCanBeImportedAgain() throws {
        let api = try APIFixture()
        let now = Int64(Date().timeIntervalSince1970)
        let uid = try api.metric("m", start: now - 3000, scores: Array(repeating: 0.5, count: 10))
        let export = try api.json("GET", "/_models/\(uid)/export")
        #expect(export.status == 200)
        #expect(export.value["data"]?.arrayValue?.count == 10)
        #expect(try api.json("GET", "/_models/export").value.arrayValue?.count == 1)
        #expect(try api.json("DELETE", "/_metrics/custom/m").status == 200)
        #expect(try api.json("POST", "/_models", body: export.value.text).status == 201)
        #expect(try api.json("GET", "/_metrics/custom/m").value["rows"] == .integer(10))
    }

    @Test func wrongQueriesAreProblemsThatNameTheParameter() throws {
        let api = try APIFixture()
        let targets = [
            "/_models?limit=0", "/_models?sort=best", "/_metrics/custom?hours=x", "/_events?open=yes",
            "/_events?start_above=2", "/_annotations?from=yesterday", "/_models/data?after=1",
        ]
        for target in targets {
            let response = try api.send("GET", target)
            #expect(response.status == 400)
            #expect(response.headers.contains(HTTPField("Content-Type", "application/problem+json")))
        }
        let unknown = String(repeating: "0", count: 32)
        #expect(try api.json("GET", "/_models/\(unknown)").status == 404)
        let refused = try api.send("PATCH", "/_models")
        #expect(refused.status == 405)
        #expect(refused.headers.contains { $0.name == "Allow" })
    }

    @Test func theDocumentDescribesEveryRouteAndNoOther() throws {
        let api = try APIFixture()
        let document = try api.json("GET", "/_openapi.json").value
        let methods: Set = ["get", "post", "put", "delete", "patch"]
        let described = (document["paths"]?.objectValue ?? [:]).flatMap { path, item in
            (item.objectValue ?? [:]).keys.filter(methods.contains).map { "\($0.uppercased()) \(path)" }
        }
        // A name that is the rest of the path is an ordinary parameter in OpenAPI. The dashboard's pages are no API.
        let there = api.router.operations.map { $0.replacing("...}", with: "}") }
            .filter { $0.contains(" /_") || $0.hasSuffix(" /metrics") }
            .filter { !$0.contains(" /_assets") }
        #expect(Set(described) == Set(there))
    }

    @Test func alertsAreListedMutedAndAcknowledged() throws {
        let api = try APIFixture()
        let empty = try api.json("GET", "/_alerts").value
        #expect(empty["events"]?.arrayValue?.isEmpty == true && empty["deliveries"]?["pending"]?.integerValue == 0)
        let muted = try api.json("POST", "/_alerts/mutes", body: #"{"pattern": "web.*", "seconds": 60}"#)
        #expect(muted.status == 200 && muted.value.arrayValue?.first?["pattern"]?.stringValue == "web.*")
        #expect(try api.json("GET", "/_alerts/mutes").value.arrayValue?.count == 1)
        #expect(
            try api.json("POST", "/_alerts/mutes", body: #"{"pattern": "web.*", "seconds": 0}"#).value == .array([])
        )
        for body in ["{}", #"{"pattern": "", "seconds": 1}"#, #"{"pattern": "a", "seconds": 1.5}"#, "[", #"{"p": 1}"#] {
            #expect(try api.json("POST", "/_alerts/mutes", body: body).status == 400)
        }
        #expect(try api.json("POST", "/_alerts/events/none/acknowledge").status == 404)
        #expect(try api.json("GET", "/_alerts?limit=0").status == 400)
    }

    @Test func repliesHaveEntityTagsAndAreCompressed() throws {
        let api = try APIFixture()
        try api.metric("m", scores: Self.calm)
        let plain = try api.send("GET", "/_openapi.json")
        let tag = try #require(plain.headers.first { $0.name == "ETag" }?.value)
        #expect(try api.send("GET", "/_openapi.json", headers: [HTTPField("If-None-Match", tag)]).status == 304)
        let packed = try api.send("GET", "/_openapi.json", headers: [HTTPField("accept-encoding", "br, gzip")])
        #expect(packed.headers.contains(HTTPField("Content-Encoding", "gzip")))
        guard case .bytes(let bytes) = packed.body, case .bytes(let original) = plain.body else { return }
        #expect(bytes.prefix(2) == [0x1F, 0x8B])
        #expect(bytes.count * 4 < original.count)
        let refused = try api.send("GET", "/_openapi.json", headers: [HTTPField("Accept-Encoding", "gzip;q=0")])
        #expect(!refused.headers.contains { $0.name == "Content-Encoding" })
    }

    @Test(arguments: [
        ("Sec-Fetch-Site", "same-origin", true), ("Sec-Fetch-Site", "none", true),
        ("Sec-Fetch-Site", "cross-site", false),
        ("Sec-Fetch-Site", "same-site", false), ("Referer", "https://engine:8080/", true),
        ("Referer", "https://engine:8080", true), ("Referer", "https://engine/", false),
        ("Referer", "https://evil.example/?https://engine:8080/", false), ("Referer", "evil", false),
    ])
    func whatAnotherSiteAsksForIsNotCompressed(header: String, value: String, isCompressed: Bool) throws {
        let asked = [HTTPField("Accept-Encoding", "gzip"), HTTPField("Host", "engine:8080"), HTTPField(header, value)]
        let reply = try APIFixture().send("GET", "/_openapi.json", headers: asked)
        #expect(reply.headers.contains(HTTPField("Content-Encoding", "gzip")) == isCompressed)
    }

    @Test func aDryRunCreatesNothingAndSaysSo() throws {
        let api = try APIFixture()
        try api.metric("known", scores: [])
        let specs = #"[{"datasource": "custom", "metricSpec": {"metric": "new"}}]"#
        let reply = try api.json("POST", "/_models?dry_run=true", body: specs)
        #expect(reply.status == 200 && reply.value == .array([]))
        #expect(try api.json("GET", "/_metrics/custom/new").status == 404)
        #expect(try api.json("POST", "/_models/matching?pattern=*&dry_run=true").status == 200)
        #expect(try api.json("POST", "/_models", body: specs).status == 201)
    }

    @Test func predictionsAndModeEvidenceContradictEachOther() throws {
        let api = try APIFixture()
        let params = #"{"mode": "evidence", "enableClassifier": true}"#
        let spec = #"{"datasource": "custom", "metricSpec": {"metric": "m"}, "modelParams": \#(params)}"#
        #expect(try api.json("POST", "/_models", body: spec).status == 409)
        #expect(try api.json("POST", "/_models/matching?pattern=*", body: params).status == 409)
    }

    @Test func pagesForbidEverythingButTheirOwnFiles() throws {
        let api = try APIFixture()
        let page = try api.send("GET", "/")
        let policy = page.headers.first { $0.name == "Content-Security-Policy" }?.value
        #expect(policy?.contains("default-src 'none'") == true)
        guard case .bytes(let bytes) = page.body else { return }
        let html = String(decoding: bytes, as: UTF8.self)
        #expect(!html.contains("<style") && !html.contains("onclick") && !html.contains("http://"))
        for name in html.matches(of: /\/_assets\/([\w.-]+)/).map({ String($0.1) }) {
            #expect(try api.send("GET", "/_assets/\(name)").status == 200)
        }
        #expect(try api.send("GET", "/_assets/nothing.js").status == 404)
    }

    @Test func measurementsAreInPrometheusFormat() throws {
        let api = try APIFixture()
        try api.metric("m", scores: [0.1])
        guard case .bytes(let bytes) = try api.send("GET", "/metrics").body else { return }
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(
            text.contains(
                "# HELP htmengine_metrics Metrics known, by status.\n# TYPE htmengine_metrics gauge\nhtmengine_metrics{"
            )
        )
        #expect(text.contains("htmengine_metrics{status=\"active\"} 1\n"))
        #expect(text.contains("# TYPE htmengine_test_total counter\nhtmengine_test_total{kind=\"a\"} 3\n"))
    }
}
