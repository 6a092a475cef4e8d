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
