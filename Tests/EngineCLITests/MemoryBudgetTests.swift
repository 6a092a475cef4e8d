// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import TestSupport
import Testing

/// The process keeps to `[model_runner] memory_budget`, and models that come and go score as those that stay.
@Suite struct MemoryBudgetTests {
    private static let metrics = 180
    private static let rows = 150
    private static let budget = 64 << 20

    private struct Finished {
        var scores: String
        var evicted: Int
        /// Most memory that isn't backed by files. Unit: bytes.
        var peak: Int
    }

    /// `VALUE TIME` of some rows of every metric, for Graphite's port.
    private func lines(_ rows: Range<Int>) -> String {
        var text = ""
        for row in rows {
            for metric in 1...Self.metrics {
                let value =
                    50 + 40 * sin(Double(row + metric) * .pi / 12) + Double((row * 7919 + metric * 104_729) % 100) / 20
                text += "m\(metric) \(value) \(1_600_000_000 + 300 * row)\n"
            }
        }
        return text
    }

    /// Memory of a process that isn't backed by files; 0 when it is gone.
    private static func anonymousBytes(_ process: Int32) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        return (line.flatMap { Int($0.filter(\.isNumber)) } ?? 0) << 10
    }

    /// - Parameter restsWithin: What it must come back to when all is done. Unit: bytes.
    private func run(budget: String, restsWithin: Int = .max) throws -> Finished {
        let directory = try TemporaryDirectory()
        _ = try directory.write("[repository]\nengine = sqlite\n[bus]\nengine = memory\n", to: "application.conf")
        _ = try directory.write("[model_runner]\nmemory_budget = \(budget)\n", to: "model-swapper.conf")
        let engine = try RunningEngine(
            dataDirectory: directory.path("data"),
            options: ["--config", directory.path("")]
        )
        let peak = Monitor((bytes: 0, isOver: false))
        let process = engine.processIdentifier
        let watcher = Thread {
            while !peak.withLock({ $0.isOver }) {
                let now = Self.anonymousBytes(process)
                peak.withLock { $0.bytes = max($0.bytes, now) }
                usleep(5000)
            }
        }
        watcher.start()
        defer { peak.withLock { $0.isOver = true } }
        let all = "/m[1-\(Self.metrics)]"
        let made = try engine.curl(all, "-X", "PUT", "-d", #"{"min":0, "max":110}"#)
        #expect(made.output.split(separator: "\n").count { $0.hasPrefix("Created ") } == Self.metrics)
        // All at once, and then a row for every metric again and again, each of which brings models in.
        for part in [0..<Self.rows, Self.rows..<Self.rows + 1, Self.rows + 1..<Self.rows + 2] {
            let connection = try RawConnection(port: engine.graphitePort)
            try connection.send(lines(part))
            connection.finishSending()
            #expect(try connection.receive().isEmpty)
            try eventually("all rows are scored", within: 900) {
                let text = try engine.curl(all).output
                return text.contains("None") ? nil : true
            }
        }
        let scores = try engine.curl(all).output
        let evicted = try engine.curl("/metrics").output.split(separator: "\n")
            .first { $0.hasPrefix("htmengine_models_evicted_total ") }
            .flatMap { Int($0.split(separator: " ")[1]) }
        try eventually("the process takes no more than \(restsWithin >> 20) MiB at rest") {
            Self.anonymousBytes(process) <= restsWithin ? true : nil
        }
        #expect(engine.stop() == 0, "\(engine.log)")
        return Finished(scores: scores, evicted: evicted ?? 0, peak: peak.withLock { $0.bytes })
    }

    @Test func theProcessKeepsToItAndScoresAreTheSame() throws {
        let free = try run(budget: "1GB")
        let bound = try run(budget: "\(Self.budget)", restsWithin: Self.budget)
        #expect(bound.scores == free.scores)
        #expect(free.scores.split(separator: "\n").count == Self.metrics * (Self.rows + 2))
        #expect(free.evicted == 0)
        #expect(bound.evicted > 0)
        // Else the test would say nothing.
        #expect(free.peak > Self.budget * 2, "\(free.peak >> 20) MiB without a bound")
        // The engine looks at its process some times a second. On a machine with much else to do more models are made between two looks,
        // and giving memory back takes longer, after which it pauses the longer: at ten times the load a fifth more was seen, where a calm
        // machine stays below the budget. `MemoryGuardTests` has the rule without a clock.
        #expect(bound.peak <= Self.budget * 3 / 2, "\(bound.peak >> 20) MiB of \(Self.budget >> 20)")
    }
}
