// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import Graphite
import TestSupport
import Testing

/// The same values in Graphite's own files and in ours, the same requests to Debian's graphite-web and to us, the same replies.
@Suite struct GraphiteWebComparisonTests {
    private static let python = "/usr/bin/python3"

    static let hasGraphiteWeb: Bool = {
        let check = try? run([python, "-c", "import graphite, django, whisper"])
        return check?.status == 0
    }()

    /// Runs graphite-web inside one Python process, with files and database in a directory of its own.
    private static let program = """
        import json, os, sys, types
        root = sys.argv[1]
        local = types.ModuleType("local_settings")
        local.__dict__.update(
            SECRET_KEY="for this test only", LOG_DIR=root, STORAGE_DIR=root, WHISPER_DIR=os.path.join(root, "whisper"),
            INDEX_FILE=os.path.join(root, "index"), CONF_DIR=root, LOG_ROTATION=False, DEFAULT_XFILES_FACTOR=0,
            TIME_ZONE="UTC", ALLOWED_HOSTS=["*"], CARBONLINK_HOSTS=[], FUNCTION_PLUGINS=[], TAGDB=None,
            DEFAULT_CACHE_DURATION=0,
            DATABASES={"default": {"NAME": os.path.join(root, "graphite.db"), "ENGINE": "django.db.backends.sqlite3"}})
        os.makedirs(local.WHISPER_DIR)
        sys.modules["local_settings"] = local
        os.environ["DJANGO_SETTINGS_MODULE"] = "graphite.settings"
        import django, whisper
        django.setup()
        from django.core.management import call_command
        call_command("migrate", run_syncdb=True, verbosity=0, stdout=sys.stderr)
        from django.test import Client
        job = json.load(sys.stdin)
        for metric in job["metrics"]:
            path = os.path.join(local.WHISPER_DIR, *metric["name"].split(".")) + ".wsp"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            whisper.create(path, [(metric["step"], 30000)])
            whisper.update_many(path, metric["points"])
        client, replies = Client(), []
        for path, parameters in job["requests"]:
            reply = client.post(path, parameters)
            replies.append([reply.status_code, reply.content.decode()])
        json.dump(replies, sys.stdout)
        """

    private struct Request {
        var path: String
        var parameters: [GraphiteParameter]
    }

    /// Midnight before today, so that the files' age limit never cuts anything off.
    private let base = Int64(Date().timeIntervalSince1970) / 86_400 * 86_400 - 86_400

    private func metrics() -> [(name: String, step: Int64, points: [(time: Int64, value: Double)])] {
        func points(_ step: Int64, _ count: Int64, _ value: (Int64) -> Double?) -> [(time: Int64, value: Double)] {
            (0..<count).compactMap { index in
                value(index).map { (base - (count - index) * step + step, $0) }
            }
        }
        return [
            ("web.a.load", 60, points(60, 1500) { Double($0 * 7 % 50) / 4 }),
            // Ten per cent of the samples never came.
            ("web.b.load", 60, points(60, 1500) { $0 % 10 == 3 ? nil : Double($0 * 13 % 41) - 20 }),
            ("web.b.cpu", 60, points(60, 1500) { ($0 * $0 % 97) == 5 ? 0.1 : Double($0 % 7) }),
            ("db.main-1.queries", 300, points(300, 400) { Double($0 * 31 % 17) * 1000.25 }),
            ("single", 60, points(60, 200) { _ in 1 }),
        ]
    }

    private func requests() -> [Request] {
        let targets = [
            "web.a.load", "web.*.load", "web.{a,b}.*", "web.[ab].load", "web.?.cpu", "*.*.load", "no.such", "single",
            "alias(web.a.load,\"Load of a\")", "aliasByNode(web.*.load,1)", "aliasByNode(web.*.*,0,-1)",
            "aliasByNode(scale(web.*.load,2),1,2)", "aliasByMetric(web.*.*)", "scale(web.a.load,10)",
            "scale(web.*.load,-0.125)", "scale(web.a.load,1e3)", "offset(web.a.load,2.5)", "absolute(web.b.load)",
            "summarize(web.a.load,\"10min\")", "summarize(web.b.load,\"1h\",\"avg\")",
            "summarize(web.b.load,\"7min\",\"max\",true)", "summarize(web.*.load,\"1h\",\"last\")",
            "summarize(db.*.queries,\"1min\",\"min\")", "summarize(web.b.load,\"1d\",\"count\")",
            "summarize(web.a.load,\"15min\",\"median\")", "summarize(web.a.load,\"15min\",\"stddev\")",
            "summarize(web.a.load,\"15min\",\"range\")", "summarize(web.a.load,\"15min\",\"diff\")",
            "sumSeries(web.*.load)", "sum(web.a.load,web.b.cpu)", "averageSeries(web.*.*)", "avg(web.*.load)",
            "maxSeries(web.*.load)", "minSeries(web.*.load,single)", "diffSeries(web.a.load,web.b.load)",
            "multiplySeries(web.*.load)", "aggregate(web.*.load,\"median\")", "groupByNode(web.*.*,1,\"sum\")",
            "groupByNode(web.*.*,2)", "keepLastValue(web.b.load)", "keepLastValue(web.b.cpu,3)",
            "removeBelowValue(web.a.load,5)", "removeAboveValue(web.a.load,5.5)", "limit(web.*.*,2)",
            "highestMax(web.*.*,1)", "highestAverage(web.*.*,2)", "sortByMaxima(web.*.*)", "sortByName(web.*.*)",
            "consolidateBy(web.a.load,\"max\")", "group(web.a.load,single)", "constantLine(100)", "constantLine(-1.5)",
            "threshold(5,\"limit\")", "web.*.load|sumSeries()|alias(\"all\")",
            "alias(summarize(scale(sumSeries(web.*.load),0.5),\"30min\",\"max\"),'x, y')",
        ]
        let now = GraphiteParameter("now", String(base))
        func time(_ from: String, _ until: String?) -> [GraphiteParameter] {
            [now, .init("from", from)] + (until.map { [.init("until", $0)] } ?? [])
        }
        var result: [Request] = []
        for target in targets {
            let json = [GraphiteParameter("target", target), .init("format", "json")]
            result.append(Request(path: "/render", parameters: json + time("-2h", nil)))
            result.append(Request(path: "/render", parameters: json + time("-3h", "-1h")))
            for maximum in ["1", "50", "300"] {
                let parameters = json + time("-5h", "now") + [.init("maxDataPoints", maximum)]
                result.append(Request(path: "/render", parameters: parameters))
            }
        }
        for (from, until) in [
            ("-1h", "-30min"), (String(base - 3601), String(base - 59)), ("noon yesterday", "6pm yesterday"),
            ("-90s", nil),
            ("-30s", nil), ("-1d", "+1h"), ("-2h", "-1h"), ("-1h", "-2h"),
        ] {
            let parameters = [GraphiteParameter("target", "web.*.load"), .init("format", "json")]
            result.append(Request(path: "/render", parameters: parameters + time(from, until)))
        }
        result.append(
            Request(
                path: "/render",
                parameters: [.init("target", "web.b.load"), .init("format", "json"), .init("noNullPoints", "1")]
                    + time("-1h", nil)
            )
        )
        for query in [
            "*", "web.*", "web.*.load", "web.a", "web.a.load", "web.{a,b}", "w*.[b]*.c*", "none.*", "db.main-1.*",
        ] {
            result.append(Request(path: "/metrics/find", parameters: [.init("query", query)]))
            result.append(Request(path: "/metrics/find", parameters: [.init("query", query), .init("wildcards", "1")]))
            result.append(
                Request(path: "/metrics/find", parameters: [.init("query", query), .init("format", "completer")])
            )
            result.append(Request(path: "/metrics/expand", parameters: [.init("query", query)]))
            let leaves = [GraphiteParameter("query", query), .init("leavesOnly", "1"), .init("groupByExpr", "1")]
            result.append(Request(path: "/metrics/expand", parameters: leaves))
        }
        return result
    }

    @Test(.enabled(if: hasGraphiteWeb, "needs Debian's graphite-web"))
    func repliesAreGraphiteWebs() throws {
        let metrics = metrics()
        var source = ArraySource()
        for metric in metrics { source.add(metric.name, step: metric.step, points: metric.points) }
        let requests = requests()

        let job = JSONValue.object([
            "metrics": .array(
                metrics.map { metric in
                    .object([
                        "name": .string(metric.name), "step": .integer(metric.step),
                        "points": .array(metric.points.map { .array([.integer($0.time), .number($0.value)]) }),
                    ])
                }
            ),
            "requests": .array(
                requests.map { request in
                    let pairs = request.parameters.map { ($0.name, JSONValue.string($0.value)) }
                    return .array([.string(request.path), .object(Dictionary(uniqueKeysWithValues: pairs))])
                }
            ),
        ])
        let directory = try TemporaryDirectory()
        let program = try directory.write(Self.program, to: "reference.py")
        let finished = try run([Self.python, program, directory.path("graphite")], input: job.text)
        try #require(finished.status == 0, "\(finished.errorOutput)")
        let replies = try #require(try JSONValue.parse(finished.output).arrayValue)
        try #require(replies.count == requests.count)

        let api = GraphiteAPI(source: source, clock: FixedClock(seconds: base + 43_200))
        for (request, reply) in zip(requests, replies) {
            let parts = try #require(reply.arrayValue)
            #expect(parts[0].integerValue == 200, "graphite-web: \(request)")
            let theirs = try JSONValue.parse(try #require(parts[1].stringValue))
            let ours = try JSONValue.parse(answer(api, request).body)
            let isSame = Self.same(Self.sorted(ours), Self.sorted(theirs))
            #expect(isSame, "\(request)\nours:   \(ours.text.prefix(600))\ntheirs: \(theirs.text.prefix(600))")
        }
    }

    private func answer(_ api: GraphiteAPI, _ request: Request) throws -> GraphiteReply {
        switch request.path {
        case "/render": try api.render(request.parameters)
        case "/metrics/find": try api.find(request.parameters)
        default: try api.expand(request.parameters)
        }
    }

    /// Lists in the order of their names: graphite-web lists files as the file system happens to, which differs by machine.
    private static func sorted(_ json: JSONValue) -> JSONValue {
        func name(_ item: JSONValue) -> String {
            for key in ["target", "path", "id"] { if let text = item[key]?.stringValue { return text } }
            return item.stringValue ?? ""
        }
        switch json {
        case .object(let fields): return .object(fields.mapValues(sorted))
        case .array(let items):
            // A point [value, time] has no name and keeps its place, as do the points of a series.
            guard items.allSatisfy({ !name($0).isEmpty }) else { return .array(items.map(sorted)) }
            return .array(items.map(sorted).sorted { name($0) < name($1) })
        default: return json
        }
    }

    /// Equal, numbers within the last digits of a sum taken in another order; our `context` of a node, which Graphite documents but
    /// this version leaves out, doesn't count.
    private static func same(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.array(let a), .array(let b)): return a.count == b.count && zip(a, b).allSatisfy(same)
        case (.object(var a), .object(let b)):
            a["context"] = nil
            return a.count == b.count && a.allSatisfy { key, value in b[key].map { same(value, $0) } ?? false }
        default:
            guard let a = left.doubleValue, let b = right.doubleValue else { return left == right }
            return abs(a - b) <= 1e-12 * max(abs(a), abs(b), 1)
        }
    }
}
