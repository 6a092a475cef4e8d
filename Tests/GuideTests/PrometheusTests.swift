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
        port = try FreePorts.next()
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
}

@Suite(.enabled(if: PrometheusServer.isInstalled)) struct PrometheusTests {
    @Test func aSourceMadeInCodeBackfills() async throws {
        let prometheus = try PrometheusServer()
        // It has scraped itself, three seconds ago too, so that whatever is asked of these seconds has an answer.
        try await ExampleTests.until {
            let before = Int(Date().timeIntervalSince1970) - 3
            let reply = try run(["curl", "-s", prometheus.url + "/api/v1/query?query=up&time=\(before)"])
            return reply.output.contains("\"1\"")
        }
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
