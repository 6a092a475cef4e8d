// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Foundation
import HTMEngine

/// `htmengine send`: real data at hand.
enum SendCommand {
    static let command = Command(
        "send",
        summary: "Sends data to a running engine: this machine's load, a CSV file, or queue depths.",
        subcommands: [SendCPUCommand.command, SendCSVCommand.command, SendQueuesCommand.command]
    )

    /// Gives the body a running engine.
    static func withRunningEngine<Result>(
        _ arguments: Arguments,
        _ context: CommandContext,
        _ body: (any EngineAccess) throws -> Result
    ) throws -> Result {
        try context.withEngine(arguments) { opened in
            guard opened.isRunning else {
                let directory = try context.configuration(arguments).dataDirectory
                throw CommandFailure("no engine runs on \(directory): start one with 'htmengine serve'")
            }
            return try body(opened.access)
        }
    }

    /// Stores samples, trying again while the engine can't take them.
    static func deliver(
        _ samples: [IncomingSample],
        to engine: any EngineAccess,
        _ context: CommandContext
    ) throws -> [(index: Int, reason: SampleRefusal)] {
        var hasComplained = false
        while true {
            do {
                return try engine.send(samples)
            } catch let error as EngineError
                where [.busUnavailable, .storageUnavailable, .stopping].contains(error.code)
            {
                if !hasComplained { context.errorOutput("waiting for the engine: \(error)\n") }
                hasComplained = true
                Thread.sleep(forTimeInterval: 1)
            }
        }
    }
}

/// `htmengine send cpu`
enum SendCPUCommand {
    static let command = Command(
        "cpu",
        summary: "Measures this machine's CPU load (from /proc/stat) and sends it, until Ctrl-C.",
        options: [
            Option("--interval", "SECONDS", "Time between two samples, 1 to 3600 (default: 5)."),
            Option("--metric", "NAME", "Name of the metric (default: cpu_percent)."),
        ] + Option.engine + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let interval = try arguments.integer("--interval", in: 1...3600) ?? 5
        let name = try metricName(arguments.value("--metric") ?? "cpu_percent")
        return try SendCommand.withRunningEngine(arguments, context) { engine -> CommandStatus in
            if !arguments.has("--json") { context.output("Sending CPU percent samples to `\(name)`...\n") }
            var load = try CPULoad()
            while true {
                Thread.sleep(forTimeInterval: Double(interval))
                let sample = Sample(timestamp: SystemClock().wallSeconds(), value: try load.percentSinceLastCall())
                let refusals = try SendCommand.deliver(
                    [IncomingSample(name: name, sample: sample)],
                    to: engine,
                    context
                )
                if let refusal = refusals.first {
                    context.errorOutput("refused: \(refusal.reason.reason)\n")
                } else if arguments.has("--json") {
                    context.output(json(name, sample))
                } else {
                    context.output("Sent \(String(format: "%.6f", sample.value)) @ \(sample.timestamp)\n")
                }
            }
        }
    }

    private static func json(_ name: String, _ sample: Sample) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("metric", name)
        writer.field("value", sample.value)
        writer.field("timestamp", sample.timestamp)
        writer.endObject()
        return writer.text + "\n"
    }
}

/// A metric's name from the command line.
func metricName(_ text: String) throws -> String {
    do throws(SampleRefusal) {
        return try MetricName.check(text.utf8)
    } catch {
        throw UsageError("'\(text.prefix(60))' can't be a metric: \(error.reason)")
    }
}

/// The share of time in which the processors worked, all of them together, from /proc/stat.
struct CPULoad {
    private var last: (idle: Double, total: Double)

    init() throws { last = try Self.ticks() }

    /// In percent, with one decimal, since the last call or the start.
    mutating func percentSinceLastCall() throws -> Double {
        let now = try Self.ticks()
        let total = now.total - last.total
        let busy = total - (now.idle - last.idle)
        last = now
        return total > 0 ? (1000 * busy / total).rounded() / 10 : 0
    }

    /// Clock ticks since the machine started; waiting for a disk counts as idle.
    private static func ticks() throws -> (idle: Double, total: Double) {
        guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
            let line = text.split(separator: "\n").first
        else { throw CommandFailure("/proc/stat can't be read: this needs Linux") }
        // user nice system idle iowait irq softirq steal; guest times are part of user.
        let numbers = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        guard numbers.count >= 5 else { throw CommandFailure("/proc/stat begins with '\(line)', expected CPU times") }
        return (numbers[3] + numbers[4], numbers.reduce(0, +))
    }
}
