// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// The flow of a user with the real binary and the real curl, the commands as the original's README has them.
@Suite(.serialized) struct ServeFlowTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func start(_ options: String...) throws -> RunningEngine {
        try RunningEngine(dataDirectory: directory.path("data"), options: options)
    }

    /// A shell command as the original's README types it, for this engine's port.
    private func shell(_ engine: RunningEngine, _ typed: String) throws -> Finished {
        try run(["bash", "-c", typed.replacingOccurrences(of: "localhost:8080", with: "localhost:\(engine.httpPort)")])
    }

    private func lines(_ engine: RunningEngine, _ path: String) throws -> [[Substring]] {
        try engine.curl(path).output.split(separator: "\n").map { $0.split(separator: " ") }
    }

    @Test func profilingLogsHowLongABatchTook() throws {
        _ = try directory.write("[debugging]\nprofiling = true\n", to: "application.conf")
        _ = try directory.write("[debugging]\nprofiling = true\n", to: "model-swapper.conf")
        let engine = try start("--config", directory.path(""))
        #expect(try engine.curl("/m", "-X", "PUT", "-d", #"{"min":0, "max":10}"#).output.hasPrefix("Created"))
        #expect(try engine.curl("/m", "-d", "1 100").output.hasPrefix("Saved"))
        try eventually("the storer's time") { engine.log.contains("stored 1 samples of a batch in ") ? true : nil }
        try eventually("the model's time") { engine.log.contains(" took 1 rows in ") ? true : nil }
    }

    @Test func putPostAndGetAsTyped() throws {
        let engine = try start()
        let put = try shell(engine, #"curl http://localhost:8080/load_average -X PUT -d '{"min":0, "max":12}' -i"#)
        #expect(put.output.hasPrefix("HTTP/1.1 201 Created\r\n"))
        #expect(put.output.contains("\r\nContent-Type: text/plain; charset=utf-8\r\n"))
        #expect(put.output.contains("\r\nX-Content-Type-Options: nosniff\r\n"))
        let body = try #require(put.output.range(of: "\r\n\r\n").map { put.output[$0.upperBound...] })
        #expect(try #/Created [0-9a-f]{32}\n/#.wholeMatch(in: body) != nil)

        let again = try shell(engine, #"curl -w '%{http_code}' http://localhost:8080/load_average -X PUT -d '{}'"#)
        #expect(again.output == "Model already exists for /load_average\n400")

        let post = try engine.curl("/load_average", "-X", "POST", "-d", "@-", input: "1.7 1434229625\n")
        #expect(post.output == "Saved /load_average 1.700000 @ 1434229625\n")
        #expect(
            try engine.curl("/load_average", "-d", "1.72 1434229628").output
                == "Saved /load_average 1.720000 @ 1434229628\n"
        )
        let rows = try eventually("both rows are scored") {
            let rows = try engine.curl("/load_average").output
            return rows.contains("None") ? nil : rows
        }
        #expect(rows == "/load_average 1.7 1434229625 0.0\n/load_average 1.72 1434229628 0.0\n")
        let head = try engine.curl("/load_average", "-I")
        #expect(head.output.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(head.output.contains("Content-Length: \(rows.utf8.count)\r\n"))
    }

    @Test func theSendersLoopAsTyped() throws {
        let engine = try start()
        let loop =
            #"while true; do echo "`(uptime | awk -F'[a-z]:' '{ print $2}' | awk '{print $1}' | tr -d ',')` `date +%s`" "#
            + #"| curl http://localhost:8080/load_average -X POST -d @-; sleep 5; done"#
        let typed = loop.replacingOccurrences(of: "localhost:8080", with: "localhost:\(engine.httpPort)")
        // It goes on for ever; here it ends with its second pause.
        let second = #"sleep() { [ $((pauses += 1)) -lt 2 ] || exit 0; command sleep "$@"; }; "#
        let sent = try run(["bash", "-c", second + typed])
        #expect(sent.status == 0, "\(sent.errorOutput)")
        let saved = sent.output.split(separator: "\n")
        #expect(saved.count == 2)
        for line in saved {
            #expect(try #/Saved \/load_average [0-9]+\.[0-9]{6} @ [0-9]{10}/#.wholeMatch(in: line) != nil, "\(line)")
        }
        #expect(try lines(engine, "/load_average").count == saved.count)
    }

    /// Whoever builds a page on the numbers reads there what they mean.
    @Test func everyMeasurementSaysWhatItIs() throws {
        let engine = try start("--auto-monitor", "*")
        _ = try engine.curl("/m", "-d", "1 100")
        let lines = try engine.curl("/metrics").output.split(separator: "\n")
        #expect(lines.count > 50)
        for (line, before) in zip(lines.dropFirst(), lines) where line.hasPrefix("# TYPE ") {
            #expect(before.hasPrefix("# HELP \(line.split(separator: " ")[2]) "), "\(line)")
        }
    }

    @Test func badInputIsAnsweredLineByLine() throws {
        let engine = try start()
        let body = "1 100\nabc 200\nnan 300\n1e400 300\n5 400.5\n 7\t500 \r\n6 500\n6 450\n1 2 3\n\n8 600"
        let post = try engine.curl("/m", "--data-binary", body, "-w", "%{http_code}")
        #expect(
            post.output == """
                Saved /m 1.000000 @ 100
                Refused line 2: the value is not a number
                Refused line 3: the value is not finite
                Refused line 4: the value is not finite
                Refused line 5: the time is not a valid Unix time in seconds
                Saved /m 7.000000 @ 500
                Refused line 7: same time as the last sample
                Refused line 8: older than the last sample
                Refused line 9: wrong number of fields: expected 'value time', found 3; curl -d joins lines, --data-binary keeps them apart
                Refused line 10: wrong number of fields: expected 'value time', found 0
                Saved /m 8.000000 @ 600
                400
                """
        )
        #expect(try engine.curl("/m").output == "/m 1.0 100 None\n/m 7.0 500 None\n/m 8.0 600 None\n")
        #expect(try engine.curl("/m", "-d", "", "-w", "%{http_code}").output == "200")
    }

    @Test(arguments: [
        ("[]", "Unable to parse request: "), ("null", "Unable to parse request: "),
        ("nonsense", "Unable to parse request: "),
        (#"{"min":1}"#, "max"), (#"{"min":5,"max":1}"#, "min"), (#"{"min":"a","max":1}"#, "min"),
        (#"{"min":0,"max":1,"colour":2}"#, "colour"), (#"{"enableClassifier":1}"#, "enableClassifier"),
    ])
    func aWrongPutCreatesNothing(_ body: String, _ reason: String) throws {
        let engine = try start()
        let put = try engine.curl("/m", "-X", "PUT", "-d", body, "-w", "%{http_code}")
        #expect(put.output.hasSuffix("\n400"))
        #expect(put.output.hasPrefix("Unable to parse request"), "\(put.output)")
        #expect(put.output.contains(reason), "\(put.output)")
        #expect(try engine.curl("/m", "-w", "%{http_code}").output == "There is no metric /m\n404")
    }

    @Test func namesAndMethodsHaveRules() throws {
        let engine = try start()
        func status(_ path: String, _ method: String) throws -> String {
            try engine.curl(path, "-X", method, "-d", "1 100", "-o", "/dev/null", "-w", "%{http_code}").output
        }
        for path in ["/", "/metrics", "/metrics/find", "/render", "/favicon.ico", "/_anything"] {
            for method in ["PUT", "POST", "DELETE"] {
                // Graphite's clients read by POST too.
                if method == "POST", path == "/render" || path == "/metrics/find" { continue }
                let code = try status(path, method)
                #expect(code == "400" || code == "405", "\(method) \(path): \(code)")
            }
        }
        #expect(try status("/a%20b", "POST") == "400")
        #expect(try status("/a%07b", "PUT") == "400")
        #expect(try status("/" + String(repeating: "x", count: 256), "POST") == "400")
        #expect(try status("/servers/web1/cpu", "POST") == "200")
        let patch = try engine.curl("/m", "-X", "PATCH", "-i").output
        #expect(patch.hasPrefix("HTTP/1.1 405 "))
        #expect(patch.contains("\r\nAllow: DELETE, GET, HEAD, POST, PUT\r\n"))
        // Over the Graphite port the same metric, without the slash.
        let sender = try RawConnection(port: engine.graphitePort)
        try sender.send("servers/web1/cpu 2 200.9\n_hidden 1 1\n")
        sender.finishSending()
        #expect(try sender.receiveAll().isEmpty)
        #expect(
            try engine.curl("/servers/web1/cpu").output
                == "/servers/web1/cpu 1.0 100 None\n/servers/web1/cpu 2.0 200 None\n"
        )
        #expect(try engine.command("metrics").output.contains("_hidden"))
    }

    @Test func deleteUnmonitorsAndThenDeletes() throws {
        let engine = try start()
        let created = try engine.curl("/m", "-X", "PUT").output
        let uid = created.dropFirst("Created ".count)
        #expect(try engine.curl("/m", "-X", "DELETE").output == "Unmonitored \(uid)")
        #expect(try engine.curl("/m", "-X", "DELETE", "-w", "%{http_code}").output == "Unmonitored \(uid)200")
        #expect(try engine.curl("/m?data=true", "-X", "DELETE").output == "Deleted \(uid)")
        #expect(try engine.curl("/m", "-X", "DELETE", "-o", "/dev/null", "-w", "%{http_code}").output == "404")
    }

    @Test func withoutARangeTheModelStartsAtRow288AndScoresWhatWasThere() throws {
        let engine = try start()
        _ = try engine.curl("/m", "-X", "PUT")
        func status() throws -> String {
            try run(
                [
                    "sqlite3", "-readonly", engine.dataDirectory + "/htmengine.sqlite",
                    "select status from metric where name = 'm'",
                ]
            ).output
        }
        func send(_ range: Range<Int>) throws {
            let body = range.map { "\($0 % 24) \(1_700_000_000 + $0 * 300)\n" }.joined()
            let post = try engine.curl(
                "/m",
                "--data-binary",
                "@-",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                input: body
            )
            #expect(post.output == "200")
        }
        try send(0..<287)
        #expect(try status() == "8\n")
        try send(287..<300)
        let rows = try eventually("all rows are scored") {
            let rows = try lines(engine, "/m")
            return rows.contains { $0[3] == "None" } ? nil : rows
        }
        #expect(rows.count == 300)
        #expect(rows[..<100].allSatisfy { $0[3] == "0.0" })
        #expect(rows[100..<288].allSatisfy { Double($0[3]).map { abs($0 - 0.5) < 0.001 } ?? false })
        #expect(try status() == "1\n")
    }

    @Test func theQueriesOfTheOriginalWorkInTheSqliteShell() throws {
        let engine = try start()
        _ = try engine.curl("/m", "-d", "5.6 1434168115")
        let path = engine.dataDirectory + "/htmengine.sqlite"
        let rows = try run(
            [
                "sqlite3", "-readonly", "-table", "-nullvalue", "NULL", path,
                "select * from metric_data order by rowid desc limit 5",
            ])
        let header = rows.output.split(separator: "\n")[1].split(separator: "|").map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        #expect(
            header == [
                "uid", "rowid", "timestamp", "metric_value", "raw_anomaly_score", "anomaly_score", "display_value",
                "multi_step_best_predictions",
            ]
        )
        let cells = rows.output.split(separator: "\n")[3].split(separator: "|").map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        #expect(cells[1...] == ["1", "2015-06-13 04:01:55", "5.6", "NULL", "NULL", "NULL", "NULL"])
        let metric = try run(
            ["sqlite3", "-readonly", path, "select name, description, status from metric where name = 'm'"])
        #expect(metric.output == "m|Custom metric m|0\n")
    }

    @Test func aResultIsStreamedAndPrinted() throws {
        let engine = try start()
        _ = try engine.command("monitor", "cpu", "--min", "0", "--max", "100")
        let stream = try RawConnection(port: engine.httpPort)
        try stream.send("GET /_stream HTTP/1.1\r\nHost: localhost:\(engine.httpPort)\r\n\r\n")
        _ = try stream.receive(until: "\r\n\r\n")
        _ = try engine.curl("/cpu", "-d", "8 1434174392")
        let event = try stream.receive(until: "\"rawAnomaly\"")
        #expect(event.contains("event: result\ndata: {\"metric\":"))
        let results = try engine.command("metrics", "--json")
        #expect(results.output.contains("\"name\":\"cpu\""))
        let second = try engine.command("monitor", "cpu")
        #expect(second.status == 1)
        #expect(second.errorOutput.contains("already monitored"))
    }

    @Test func anAnomalySaysWhy() throws {
        let engine = try start()
        let monitor = try engine.curl("/m", "-X", "PUT", "-d", #"{"mode":"evidence"}"#)
        #expect(monitor.output.hasPrefix("Created"))
        let lines = (0..<400).map { "\($0 == 350 ? 900 : $0 * 7 % 24) \(1_434_000_000 + $0 * 300)" }
        #expect(try engine.curl("/m", "--data-binary", lines.joined(separator: "\n")).output.hasPrefix("Saved"))
        try eventually("all rows are scored") {
            try engine.curl("/m").output.contains("None") ? nil : true
        }
        let list = try engine.command("anomalies", "m*")
        #expect(list.output.contains("the value is outside the range seen so far: 900, expected 0 to 23; about one in"))
        #expect(try engine.command("anomalies", "m*", "--json").output.contains(#""channel":"range""#))
        #expect(try engine.command("anomalies", "n*").output == "No anomalies.\n")
        #expect(try engine.curl("/_events").output.contains(#""explanation":{"channel":"range""#))
        _ = try engine.command("unmonitor", "m")
        #expect(try engine.command("anomalies").output == "No anomalies.\n")
    }

    @Test func aRestartGoesOnAndAKillLosesNothing() throws {
        var engine = try start()
        _ = try engine.curl("/m", "-X", "PUT", "-d", #"{"min":0,"max":24}"#)
        func send(_ range: Range<Int>) throws {
            let body = range.map { "\($0 % 24) \(1_700_000_000 + $0 * 300)\n" }.joined()
            _ = try engine.curl("/m", "--data-binary", "@-", "-o", "/dev/null", input: body)
        }
        func scored() throws -> String {
            try eventually("all rows are scored") {
                let rows = try engine.curl("/m").output
                return rows.contains("None") ? nil : rows
            }
        }
        try send(0..<150)
        let before = try scored()
        let other = try run([
            RunningEngine.binary, "serve", "--data", engine.dataDirectory, "--http", ":0", "--graphite", ":0",
        ])
        #expect(other.status == 1)
        #expect(other.errorOutput.contains("in use"))
        #expect(engine.stop() == 0)
        engine = try start()
        #expect(try engine.curl("/m").output == before)
        try send(150..<170)
        engine.kill()
        engine = try start()
        let after = try scored()
        #expect(after.split(separator: "\n").count == 170)
        #expect(after.hasPrefix(before))
        #expect(engine.stop() == 0)
    }

    @Test func exportAndImportCarryAModelToAnotherDirectory() throws {
        let engine = try start()
        _ = try engine.command("monitor", "m", "--min", "0", "--max", "10")
        let now = Int(Date().timeIntervalSince1970) - 1000
        _ = try engine.curl("/m", "--data-binary", "1 \(now)\n2 \(now + 300)\n")
        let exported = try engine.command("export", "m").output
        let file = try directory.write(exported, to: "m.json")
        let elsewhere = try RunningEngine(dataDirectory: directory.path("other"))
        #expect(try elsewhere.command("import", file).status == 0)
        let rows = try eventually("the imported rows are scored") {
            let rows = try elsewhere.curl("/m").output
            return rows.contains("None") ? nil : rows
        }
        #expect(rows == "/m 1.0 \(now) 0.0\n/m 2.0 \(now + 300) 0.0\n")
    }
}
