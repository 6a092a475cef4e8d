// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import HTMEngine

/// `htmengine send queues`
enum SendQueuesCommand {
    static let command = Command(
        "queues",
        summary: "Sends how full the broker's queues are, as metrics, until Ctrl-C: the engine watches itself.",
        discussion: """
            On servers only. Metrics: PREFIX-allq-ready.avg for all queues of the installation together, and
            PREFIX-q-QUEUE-ready.avg for each: messages ready, averaged over the interval. They go to the custom-metric queue.
            """,
        options: [
            Option("--prefix", "P", "What the metrics' names begin with (default: htmengine)."),
            Option("--interval", "SECONDS", "Time between two samples, 1 to 86400 (default: 300)."),
            Option("--once", "Sends one sample now and ends."),
        ] + Option.engine,
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let configuration = try context.configuration(arguments)
        let prefix = try metricName(arguments.value("--prefix") ?? "htmengine")
        let logger = StandardErrorLogger(level: .error, format: .text)
        if arguments.has("--once") {
            let reading = try QueueDepths.samples(configuration, prefix: prefix, logger: logger)
            try send([reading], at: SystemClock().wallSeconds(), configuration, context)
            return .success
        }
        let interval = try arguments.integer("--interval", in: 1...86400) ?? 300
        var readings: [[(name: String, value: Double)]] = []
        while true {
            // Aligned to multiples of the interval, with some readings in between to average.
            let now = Int(SystemClock().wallSeconds())
            let due = interval - now % interval
            Thread.sleep(forTimeInterval: Double(min(due, max(1, interval / 10))))
            do {
                readings.append(try QueueDepths.samples(configuration, prefix: prefix, logger: logger))
                // Of the beat, however long the reading took.
                let beat = Int(SystemClock().wallSeconds()) / interval * interval
                guard beat > now else { continue }
                try send(readings, at: Int64(beat), configuration, context)
            } catch let error as EngineError where [.busUnavailable, .storageUnavailable].contains(error.code) {
                // What was read goes out with the next sample.
                context.errorOutput("waiting for the servers: \(error)\n")
                continue
            }
            readings = []
        }
    }

    private static func send(
        _ readings: [[(name: String, value: Double)]],
        at time: Int64,
        _ configuration: Configuration,
        _ context: CommandContext
    ) throws {
        var values: [String: [Double]] = [:]
        for (name, value) in readings.joined() { values[name, default: []].append(value) }
        let lines = values.sorted { $0.key < $1.key }.map { name, values in
            let average = values.reduce(0, +) / Double(values.count)
            return "\(name) \(NumberFormat.sixDecimals(average)) \(time)"
        }
        try QueueDepths.send(lines, configuration, logger: StandardErrorLogger(level: .error, format: .text))
        for line in lines { context.output("Sent \(line)\n") }
    }
}
