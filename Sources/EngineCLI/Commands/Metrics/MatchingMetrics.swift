// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine

/// `--matching PATTERN` of a command that changes metrics: without `--yes` it only shows which.
struct MatchingMetrics {
    static let options = [
        Option(
            "--matching",
            "PATTERN",
            "All metrics whose name fits instead of NAME: * stands for any run of characters, ? for one."
        ),
        Option("--yes", "Does it to what --matching finds; without it they are only listed."),
    ]

    private static let pageSize = 1000

    let pattern: String

    /// - Returns: Nil when one metric is named.
    /// - Throws: `UsageError` unless there is either a name or a pattern.
    init?(_ arguments: Arguments) throws {
        switch (arguments.optional(0), arguments.value("--matching")) {
        case (nil, let pattern?): self.pattern = pattern
        case (_?, nil):
            guard !arguments.has("--yes") else { throw UsageError("--yes goes with --matching") }
            return nil
        default: throw UsageError("expected NAME or --matching PATTERN, one of the two")
        }
    }

    /// Does `act` to every metric that fits and satisfies `condition`, or lists them.
    ///
    /// A metric that fails doesn't keep the others from being done; it is named, and the command fails.
    func run(
        _ arguments: Arguments,
        _ context: CommandContext,
        ifMissing: OpenedAccess.MissingDatabase = .refuse,
        done: String,
        where condition: (MetricSummary) -> Bool,
        act: (Metric, any EngineAccess) throws -> Void
    ) throws -> CommandStatus {
        let isMeant = arguments.has("--yes")
        var failures: [String] = []
        let metrics = try context.withEngine(arguments, ifMissing: ifMissing) { engine in
            let found = try all(engine.access).filter(condition).map(\.metric)
            guard isMeant else { return found }
            return found.filter { metric in
                do {
                    try act(metric, engine.access)
                    return true
                } catch {
                    failures.append("\(metric.name ?? metric.uid): \((error as? EngineError)?.message ?? "\(error)")")
                    return false
                }
            }
        }
        show(metrics, isMeant: isMeant, done: done, asJSON: arguments.has("--json"), context)
        guard failures.isEmpty else { throw CommandFailure(failures.joined(separator: "\n")) }
        return .success
    }

    private func show(
        _ metrics: [Metric],
        isMeant: Bool,
        done: String,
        asJSON: Bool,
        _ context: CommandContext
    ) {
        if asJSON {
            var writer = JSONWriter()
            writer.beginArray()
            for metric in metrics {
                writer.beginObject()
                writer.field("uid", metric.uid)
                writer.field("name", metric.name)
                writer.field("done", isMeant)
                writer.endObject()
            }
            writer.endArray()
            context.output(writer.text + "\n")
            return
        }
        for metric in metrics { context.output("\(isMeant ? done + " " : "")\(metric.name ?? "") (\(metric.uid))\n") }
        let count = metrics.count == 1 ? "1 metric" : "\(metrics.count) metrics"
        context.output(isMeant ? "\(count).\n" : "\(count); nothing was done: add --yes to do it.\n")
    }

    private func all(_ access: any EngineAccess) throws -> [MetricSummary] {
        var result: [MetricSummary] = []
        while true {
            let page = try access.metrics(pattern: pattern, after: result.last?.metric.name, limit: Self.pageSize)
            result += page
            if page.count < Self.pageSize { return result }
        }
    }
}
