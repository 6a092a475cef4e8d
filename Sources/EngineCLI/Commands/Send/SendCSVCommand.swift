// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Foundation
import HTMEngine

/// `htmengine send csv`
enum SendCSVCommand {
    static let command = Command(
        "csv",
        summary: "Replays a CSV file (timestamp,value) into a metric.",
        discussion: """
            Reads the same files as 'detect'; '-' is standard input. Rows without a value are passed over. A row the engine
            refuses, for example because it isn't newer than the one before it, is named on standard error; the others are
            stored.

            With --start-now the first row is given the present time. With --rate R of at most 1 row a second, each row is
            given the second in which it is sent; else the file's own spacing is kept.
            """,
        positionals: [Positional("FILE", "The CSV file.")],
        options: [
            Option("--metric", "NAME", "Name of the metric; must be given."),
            Option("--rate", "R", "Rows a second, or 'max' (default: max)."),
            Option("--start-now", "Moves the rows' times so that the first is now."),
        ] + Option.engine + [.json],
        body: run
    )

    private static let rowsPerDelivery = 5000
    /// Complaints beyond so many are only counted.
    private static let mostComplaints = 20

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        guard let given = arguments.value("--metric") else { throw UsageError("--metric NAME is missing") }
        let name = try metricName(given)
        let rate = try rate(arguments)
        var replay = try Replay(
            path: arguments[positional: 0],
            name: name,
            rate: rate,
            startsNow: arguments.has("--start-now"),
            context: context
        )
        try SendCommand.withRunningEngine(arguments, context) { try replay.run(into: $0) }
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.beginObject()
            writer.field("metric", name)
            writer.field("stored", Int64(replay.stored))
            writer.field("refused", Int64(replay.refused))
            writer.endObject()
            context.output(writer.text + "\n")
        } else {
            let refused = replay.refused > 0 ? ", \(replay.refused) not" : ""
            context.output("Stored \(replay.stored) samples of \(name)\(refused)\n")
        }
        return replay.stored > 0 ? .success : .failure
    }

    /// Rows a second; nil for as fast as possible.
    private static func rate(_ arguments: Arguments) throws -> Double? {
        guard let text = arguments.value("--rate"), text != "max" else { return nil }
        guard let rate = Double(text), rate > 0, rate.isFinite else {
            throw UsageError("--rate is '\(text)'; expected a number above 0, or max")
        }
        return rate
    }

    private struct Replay {
        let name: String
        let rate: Double?
        let startsNow: Bool
        let context: CommandContext
        private let records: [SeriesRecord]
        private(set) var stored = 0
        private(set) var refused = 0

        init(path: String, name: String, rate: Double?, startsNow: Bool, context: CommandContext) throws {
            self.name = name
            self.rate = rate
            self.startsNow = startsNow
            self.context = context
            (records, refused) = try Self.read(path, context)
        }

        private static func read(_ path: String, _ context: CommandContext) throws -> ([SeriesRecord], Int) {
            let data: Data
            do {
                data =
                    path == "-"
                    ? try FileHandle.standardInput.readToEnd() ?? Data()
                    : try Data(contentsOf: URL(fileURLWithPath: path))
            } catch {
                throw CommandFailure("\(path) can't be read: \(error.localizedDescription)")
            }
            var reader = DelimitedReader()
            reader.append(data)
            reader.finish()
            var parser = SeriesRecordParser()
            var records: [SeriesRecord] = []
            var bad = 0
            while let record = reader.next() {
                switch parser.parse(record.content) {
                case .header: break
                case .record(let sample): if sample.value != nil { records.append(sample) }
                case .bad(let reason):
                    bad += 1
                    if bad <= mostComplaints { context.errorOutput("\(path):\(record.line): \(reason)\n") }
                }
            }
            if bad > mostComplaints { context.errorOutput("\(path): \(bad) bad lines in all\n") }
            return (records, bad)
        }

        mutating func run(into engine: any EngineAccess) throws {
            guard let first = records.first else { return }
            let began = SystemClock().wallSeconds()
            let stamped = startsNow && (rate.map { $0 <= 1 } ?? false)
            let shift = startsNow ? began - first.timestamp : 0
            var progress = ProgressBar("Sending", context: context)
            let step = rate == nil ? SendCSVCommand.rowsPerDelivery : max(1, Int((rate ?? 1) / 10))
            let clock = ContinuousClock()
            let start = clock.now
            for from in stride(from: 0, to: records.count, by: step) {
                if let rate {
                    let due = start + .seconds(Double(from) / rate)
                    if due > clock.now { Thread.sleep(forTimeInterval: Self.seconds(due - clock.now)) }
                }
                let batch = records[from..<min(from + step, records.count)].map { record in
                    let time = stamped ? SystemClock().wallSeconds() : record.timestamp + shift
                    return IncomingSample(name: name, sample: Sample(timestamp: time, value: record.value ?? 0))
                }
                let refusals = try SendCommand.deliver(batch, to: engine, context)
                stored += batch.count - refusals.count
                for refusal in refusals { complain(batch[refusal.index], refusal.reason) }
                progress.update(Double(from) / Double(records.count))
            }
            progress.finish()
        }

        private mutating func complain(_ sample: IncomingSample, _ reason: SampleRefusal) {
            refused += 1
            if refused <= SendCSVCommand.mostComplaints {
                let time = Timestamps.sqlText(sample.sample.timestamp)
                context.errorOutput("refused \(time) \(sample.sample.value): \(reason.reason)\n")
            } else if refused == SendCSVCommand.mostComplaints + 1 {
                context.errorOutput("further refusals are only counted\n")
            }
        }

        private static func seconds(_ duration: Duration) -> Double {
            let (seconds, attoseconds) = duration.components
            return Double(seconds) + Double(attoseconds) * 1e-18
        }
    }
}
