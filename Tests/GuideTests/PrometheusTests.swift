// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTMEngine
import TestSupport
import Testing

/// The real Prometheus, scraping itself every second, on a free port; ended when the value goes away.
private final class PrometheusServer {
    static let isInstalled = (try? run(["prometheus", "--version"]).status) == 0
    let port: UInt16
    private let directory: TemporaryDirectory
    private var process: Process?

    init() throws {
        directory = try TemporaryDirectory()
        port = try Self.freePort()
        try directory.write(
            """
            global:
              scrape_interval: 1s
            scrape_configs:
              - job_name: self
                static_configs:
                  - targets: ["localhost:\(port)"]
            """,
            to: "prometheus.yml"
        )
        try start()
    }

    deinit { stop() }

    var url: String { "http://localhost:\(port)" }

    func start() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "prometheus", "--config.file=\(directory.path("prometheus.yml"))",
            "--storage.tsdb.path=\(directory.path("data"))", "--web.listen-address=127.0.0.1:\(port)",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.runWithSignals()
        self.process = process
        try eventually("Prometheus is ready") {
            try run(["curl", "-sf", url + "/-/ready"]).status == 0 ? true : nil
        }
    }

    func stop() {
        guard let process, process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }

    private static func freePort() throws -> UInt16 {
        let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> UInt16 in
                guard bind(socket, address, length) == 0, getsockname(socket, address, &length) == 0 else { return 0 }
                return pointer.pointee.sin_port.bigEndian
            }
        }
        return try #require(port > 0 ? port : nil)
    }
}

@Suite(.enabled(if: PrometheusServer.isInstalled)) struct PrometheusTests {
    @Test func queriesOfTheConfigurationBecomeMetricsWhateverHappens() throws {
        let prometheus = try PrometheusServer()
        let directory = try TemporaryDirectory()
        try directory.write(
            """
            [metric_collector]
            metric_error_grace_period = 1
            [metric_listener]
            auto_monitor = heads.*
            [prometheus]
            url = \(prometheus.url)
            interval = 1
            queries =
                heads.$job = \\
                    prometheus_tsdb_head_samples_appended_total
                up = up
                broken = sum(
            """,
            to: "conf/application.conf"
        )
        let engine = try RunningEngine(
            dataDirectory: directory.path("data"),
            options: ["--config", directory.path("conf")]
        )
        func rows(_ metric: String) throws -> [(value: Double, time: Int)] {
            try engine.curl("/" + metric).output.split(separator: "\n").compactMap { line in
                let parts = line.split(separator: " ")
                guard parts.count == 4, let value = Double(parts[1]), let time = Int(parts[2]) else { return nil }
                return (value, time)
            }
        }
        let before = try eventually("there are samples") { () -> Int? in
            let rows = try rows("heads.self")
            return rows.count >= 4 ? rows.count : nil
        }
        // A wrong query harms no other, and its own message is logged.
        try eventually("the wrong query is named") { engine.log.contains("prometheus-broken fails") ? true : nil }
        #expect(engine.log.contains("parse error"))
        let up = "up%7Binstance=%22localhost:\(prometheus.port)%22,job=%22self%22%7D"
        try eventually("a series without a template is named by its labels") {
            try rows(up).last?.value == 1 ? true : nil
        }

        prometheus.stop()
        let message = try eventually("the metric is in error") { () -> String? in
            let text = try engine.command("metrics").output
            return text.split(separator: "\n").first { $0.hasPrefix("heads.self") && $0.contains("error (4)") }.map(
                String.init
            )
        }
        #expect(message.contains("prometheus-heads._job"))
        try prometheus.start()
        try eventually("it has recovered by itself, with new samples") {
            let text = try engine.command("metrics").output
            let line = text.split(separator: "\n").first { $0.hasPrefix("heads.self") } ?? ""
            return try !line.contains("error") && rows("heads.self").count > before + 3 ? true : nil
        }
        // Every stored sample is what the server itself says of that moment.
        let stored = try rows("heads.self")
        let first = try #require(stored.first), last = try #require(stored.last)
        let answer = try run([
            "curl", "-s", prometheus.url + "/api/v1/query_range", "--data-urlencode",
            "query=prometheus_tsdb_head_samples_appended_total", "-d", "start=\(first.time)", "-d", "end=\(last.time)",
            "-d", "step=1",
        ]).output
        let own = try JSONDecoder().decode(Answer.self, from: Data(answer.utf8)).data.result[0].values
        var byTime: [Int: String] = [:]
        for pair in own { byTime[Int(pair.time)] = pair.value }
        // A sample scraped in the very second of the question may have come in just behind it.
        let different = stored.filter { byTime[$0.time].flatMap(Double.init) != $0.value }
        #expect(different.count <= stored.count / 2, "\(different) of \(stored)")
        #expect(stored.allSatisfy { byTime[$0.time] != nil })
        #expect(zip(stored, stored.dropFirst()).allSatisfy { $0.time < $1.time })
        #expect(engine.stop() == 0)
    }

    private struct Answer: Decodable {
        struct Matrix: Decodable { let result: [Series] }
        struct Series: Decodable { let values: [Pair] }
        struct Pair: Decodable {
            let time: Double
            let value: String
            init(from decoder: any Decoder) throws {
                var container = try decoder.unkeyedContainer()
                time = try container.decode(Double.self)
                value = try container.decode(String.self)
            }
        }
        let data: Matrix
    }

    @Test func aSourceMadeInCodeBackfills() async throws {
        let prometheus = try PrometheusServer()
        try await ExampleTests.until {
            try run(["curl", "-s", prometheus.url + "/api/v1/query?query=up"]).output.contains("\"1\"")
        }
        try await Task.sleep(for: .seconds(3))
        var source = PrometheusDatasource(
            url: prometheus.url + "/",
            metric: "up",
            query: "vector(1 + 1)",
            step: .seconds(10)
        )
        #expect(source.name == "prometheus-up")
        let start = Date(timeIntervalSince1970: 1_700_000_003), end = Date(timeIntervalSince1970: 1_700_000_050)
        // Whole multiples of the step, the end not included.
        let samples = try await source.samples(from: start, to: end)
        #expect(samples.map(\.time.timeIntervalSince1970) == [10, 20, 30, 40].map { 1_700_000_000 + $0 })
        #expect(samples.allSatisfy { $0.metric == "up" && $0.value == 2 })
        source = PrometheusDatasource(url: prometheus.url, metric: "m", query: "up / 0 - up / 0", step: .seconds(1))
        #expect(try await source.samples(from: Date(timeIntervalSinceNow: -3), to: Date()).isEmpty)
        source = PrometheusDatasource(
            url: prometheus.url,
            metric: "one.$job",
            query: "{__name__=~\"scrape_.*\"}",
            step: .seconds(1)
        )
        let error = await #expect(throws: HTMEngineError.self) {
            try await source.samples(from: Date(timeIntervalSinceNow: -3), to: Date())
        }
        #expect(error?.message.contains("one.self") == true)
    }
}
