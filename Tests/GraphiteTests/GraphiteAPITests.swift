// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Graphite
import Testing

@Suite struct GraphiteAPITests {
    private static let now: Int64 = 1_795_445_100
    private let api: GraphiteAPI

    init() {
        var source = ArraySource()
        let times = (0..<300).map { Self.now - Int64(300 - $0) * 60 }
        let scores = (0..<300).map { $0 == 250 ? 0.99999 : 0.5 }
        source.add("web.a.load", step: 60, points: times.enumerated().map { ($1, Double($0)) }, scores: scores)
        source.add("web.b.load", step: 60, points: times.enumerated().map { ($1, Double($0) * 2) }, scores: scores)
        source.add("web.a.cpu", step: 60, points: times.map { ($0, 1) })
        source.add("anomaly.really", step: 60, points: times.map { ($0, 7) })
        api = GraphiteAPI(source: source, clock: FixedClock(seconds: Self.now))
    }

    private func json(_ reply: GraphiteReply) throws -> JSONValue { try JSONValue.parse(reply.body) }

    private func render(_ target: String, from: String = "-1h", _ more: GraphiteParameter...) throws -> [JSONValue] {
        let parameters = [GraphiteParameter("target", target), GraphiteParameter("from", from)] + more
        return try #require(try json(api.render(parameters)).arrayValue)
    }

    private func find(_ query: String) throws -> [String] {
        let nodes = try #require(try json(api.find([GraphiteParameter("query", query)])).arrayValue)
        return nodes.map { "\($0["id"]!.stringValue!) \($0["leaf"]!.integerValue!)" }
    }

    @Test func scoresAreATreeOfTheirOwn() throws {
        #expect(try find("*") == ["anomaly 0", "raw 0", "web 0"])
        #expect(try find("anomaly.*") == ["anomaly.web 0", "anomaly.really 1"])
        #expect(try find("anomaly.web.a.*") == ["anomaly.web.a.load 1"])
        #expect(try find("web.a.*") == ["web.a.cpu 1", "web.a.load 1"])
        // As in Graphite, a node's id keeps the wildcards before it.
        #expect(try find("raw.web.{a,b}.load") == ["raw.web.{a,b}.load 1"])
    }

    @Test func everySeriesOfAMetricCanBeRendered() throws {
        let value = try #require(try render("web.a.load").first)
        #expect(value["target"]?.stringValue == "web.a.load")
        let points = try #require(value["datapoints"]?.arrayValue)
        #expect(points.count == 60)
        #expect(points[58].arrayValue?.last?.integerValue == Self.now - 60)
        #expect(points[58].arrayValue?.first?.doubleValue == 299)
        let raw = try #require(try render("raw.web.a.load").first?["datapoints"]?.arrayValue)
        let rawValues = raw.compactMap { $0.arrayValue?.first?.doubleValue }
        #expect(rawValues.contains(0.499995))
    }

    @Test func anAnomalySurvivesConsolidation() throws {
        let series = try #require(
            try render("anomaly.web.a.load", from: "-5h", GraphiteParameter("maxDataPoints", "10")).first
        )
        let values = try #require(series["datapoints"]?.arrayValue).compactMap { $0.arrayValue?.first?.doubleValue }
        #expect(values.count <= 11)
        #expect(values.max() == 0.99999)
    }

    @Test func aMetricReallyNamedSoGoesFirst() throws {
        let series = try #require(try render("anomaly.really").first?["datapoints"]?.arrayValue)
        #expect(series.first?.arrayValue?.first?.doubleValue == 7)
    }

    @Test func whatIsWrongIsNamed() {
        #expect(throws: EngineError.self) { try render("noSuchFunction(web.a.load)") }
        do {
            _ = try render("noSuchFunction(web.a.load)")
        } catch {
            #expect("\(error)".contains("noSuchFunction"))
        }
        for target in [
            "scale(web.a.load)", "scale(web.a.load,\"x\")", "alias(web.a.load,1,2)", "summarize(web.a.load,\"0s\")",
            "summarize(web.a.load,\"1h\",\"magic\")", "limit(web.*,-1)", "scale(1,2)", "\"text\"", "3(",
            "scale(web.a.load,factor=2,factor=3)",
            "alias(web.a.load,nothing=1)",
        ] {
            #expect(throws: EngineError.self, "\(target)") { try render(target) }
        }
        #expect(throws: EngineError.self) { try api.render([GraphiteParameter("format", "png")]) }
        #expect(throws: EngineError.self) {
            try api.render([GraphiteParameter("from", "now"), GraphiteParameter("until", "now")])
        }
        #expect(throws: EngineError.self) { try api.render([GraphiteParameter("maxDataPoints", "many")]) }
        #expect(throws: EngineError.self) { try api.find([]) }
        #expect(throws: EngineError.self) {
            try api.find([GraphiteParameter("query", "a"), GraphiteParameter("format", "pickle")])
        }
    }

    @Test func anUnknownMetricIsNoSeriesAndNoError() throws {
        #expect(try render("no.such.metric").isEmpty)
        #expect(try render("sumSeries(no.such.*)").isEmpty)
        #expect(try render("alias(no.such,\"x\")").isEmpty)
    }

    @Test func limitsHold() throws {
        var limits = GraphiteEvaluator.Limits()
        limits.series = 1
        var source = ArraySource()
        source.add("a", step: 1, points: [(1000, 1), (1001, 2)])
        source.add("b", step: 1, points: [(1000, 1), (1001, 2)])
        let small = GraphiteAPI(source: source, clock: FixedClock(seconds: 2000), limits: limits)
        #expect(throws: EngineError.self) { try small.render([GraphiteParameter("target", "*")]) }
        limits.series = 10
        limits.valuesPerSeries = 100
        let narrow = GraphiteAPI(source: source, clock: FixedClock(seconds: 2_000_000_000), limits: limits)
        let reply = try narrow.render([GraphiteParameter("target", "a"), GraphiteParameter("from", "0")])
        let points = try #require(try json(reply).arrayValue?.first?["datapoints"]?.arrayValue)
        #expect(points.count <= 101)
        #expect(points.contains { $0.arrayValue?.first?.doubleValue != nil })
    }

    @Test func grafanasTestOfTheDataSourceWorks() throws {
        let series = try #require(try render("constantLine(100)", GraphiteParameter("maxDataPoints", "300")).first)
        #expect(series["target"]?.stringValue == "100.0")
        #expect(series["datapoints"]?.arrayValue?.count == 3)
        #expect(try json(api.functions()).objectValue?["aliasByNode"] != nil)
        #expect(try json(api.version()) == .string("1.1.8"))
    }

    @Test func formsAreRead() throws {
        let form = try GraphiteParameter.form(Array("target=alias(a%2Cb%2C%22x+y%22)&from=-1h&&empty".utf8))
        #expect(form == [.init("target", "alias(a,b,\"x y\")"), .init("from", "-1h"), .init("empty", "")])
        #expect(throws: EngineError.self) { try GraphiteParameter.form(Array("a=%zz".utf8)) }
        #expect(throws: EngineError.self) { try GraphiteParameter.form([0x61, 0x3D, 0xFF]) }
    }

    @Test func otherFormatsSayTheSame() throws {
        let csv = try api.render([.init("target", "web.a.load"), .init("from", "-3min"), .init("format", "csv")])
        #expect(String(decoding: csv.body, as: UTF8.self).hasPrefix("web.a.load,2026-11-23 14:43:00,298.0\r\n"))
        let raw = try api.render([.init("target", "web.a.load"), .init("from", "-3min"), .init("format", "raw")])
        #expect(String(decoding: raw.body, as: UTF8.self).contains("|298.0,299.0,None"))
    }
}
