// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import TestSupport
import Testing

/// Datagrams faster than anyone could store them, good and bad ones.
@Suite struct DatagramFloodTests {
    @Test func aFloodTakesBoundedMemoryAndHarmsNobodyElse() throws {
        let directory = try TemporaryDirectory()
        let application =
            "[repository]\nengine = sqlite\n[bus]\nengine = memory\n[metric_listener]\nudp = true\nmax_metrics = 200\n"
        _ = try directory.write(application, to: "application.conf")
        let engine = try RunningEngine(
            dataDirectory: directory.path("data"),
            options: ["--config", directory.path("")]
        )
        #expect(try engine.curl("/m", "-X", "PUT", "-d", #"{"min":0, "max":10}"#).output.hasPrefix("Created"))
        let isOver = Monitor(false)
        let port = engine.graphitePort
        let sent = Monitor(0)
        let flood = Thread {
            let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            _ = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            let longest = String(repeating: "x", count: 60_000)
            var number = 0
            while !isOver.withLock({ $0 }) {
                number += 1
                let text: String =
                    switch number % 8 {
                    case 0: longest
                    case 1: "\u{0}\u{1}\n\n \n"
                    case 2: "flood 1"
                    // New names without end, of which few are taken.
                    case 3: "flood.\(number) 1 100"
                    // As many good lines as fit.
                    default:
                        (0..<40).map { "udp.\($0) \(number % 10) \(1_600_000_000 + number)\n" }.joined()
                    }
                send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL))
            }
            sent.withLock { $0 = number }
        }
        flood.start()
        func counter(_ name: String) throws -> Int {
            let line = try engine.curl("/metrics").output.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            return line.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
        }
        // Others send meanwhile, and each of them is answered: until the engine has read so much of the flood that it deserves the name.
        var row = 0
        while try row < 10 || (row < 10_000 && counter("htmengine_graphite_datagrams_total") <= 1000) {
            let answer = try engine.curl("/m", "-d", "1 \(1_600_000_000 + 2 * row)").output
            #expect(answer.hasPrefix("Saved"), "\(answer)")
            let connection = try RawConnection(port: port)
            try connection.send("m 2 \(1_600_000_001 + 2 * row)\n")
            connection.finishSending()
            #expect(try connection.receive().isEmpty)
            row += 1
        }
        let status = try String(contentsOfFile: "/proc/\(engine.processIdentifier)/status", encoding: .utf8)
        isOver.withLock { $0 = true }
        let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }.flatMap { Int($0.filter(\.isNumber)) }
        #expect(try #require(peak) < 400 << 10, "\(peak ?? 0) kB")
        try eventually("all of the others' samples are scored", within: 600) {
            let text = try engine.curl("/m").output
            return text.split(separator: "\n").count == 2 * row && !text.contains("None") ? true : nil
        }
        #expect(try counter("htmengine_graphite_datagrams_total") > 1000)
        #expect(try counter(#"htmengine_samples_refused_total{reason="too_many_metrics"}"#) > 0)
        #expect(engine.stop() == 0, "\(engine.log)")
        #expect(try eventually("the flood ends") { sent.withLock { $0 > 0 ? $0 : nil } } > 1000)
        let verified = try engine.command("verify")
        #expect(verified.status == 0, "\(verified.output)")
    }
}
