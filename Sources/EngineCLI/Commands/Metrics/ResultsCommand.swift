// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import HTMEngine

/// `htmengine results`
enum ResultsCommand {
    private static let waitMilliseconds = 1000

    static let command = Command(
        "results",
        summary: "Prints results as the engine makes them, until Ctrl-C.",
        positionals: [Positional("NAME", .any, "Only these metrics (default: all).")],
        options: [Option("--count", "N", "Ends after so many messages.")] + Option.engine + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let names = Set(arguments.all)
        var left = try arguments.integer("--count", in: 1...Int.max)
        let asJSON = arguments.has("--json")
        return try context.withEngine(arguments) { engine in
            guard engine.isRunning else {
                throw CommandFailure("no engine is running: results come from 'htmengine serve'")
            }
            let subscription = try engine.access.subscribe(queue: nil)
            defer { subscription.cancel() }
            var gaps: Int64 = 0
            while let messages = subscription.next(timeoutMilliseconds: waitMilliseconds) {
                // The first one is the beginning.
                if subscription.gaps > max(1, gaps) {
                    context.errorOutput(
                        "Results may be missing here: the engine was away, or this program was too slow.\n"
                    )
                }
                gaps = subscription.gaps
                for message in messages where isWanted(message, names) {
                    context.output(asJSON ? message.json + "\n" : text(message))
                    if !asJSON { context.output(try reasons(message, engine.access)) }
                    if let rest = left {
                        guard rest > 1 else { return .success }
                        left = rest - 1
                    }
                }
            }
            throw CommandFailure("the engine has stopped")
        }
    }

    private static func isWanted(_ message: EngineMessage, _ names: Set<String>) -> Bool {
        guard !names.isEmpty else { return true }
        return switch message {
        case .inferenceResults(let results): names.contains(results.metric.name ?? "")
        case .commandResult(let result): names.contains(result.modelInfo?.metricName ?? "")
        case .foreign: false
        }
    }

    /// A line for each anomalous row, below the original's text.
    private static func reasons(_ message: EngineMessage, _ access: any EngineAccess) throws -> String {
        guard case .inferenceResults(let results) = message else { return "" }
        let anomalous = results.rows.filter { ($0.anomalyScore ?? 0) > AnomalyReason.scoreAbove }
        guard let first = anomalous.first, let last = anomalous.last, first.rowid <= last.rowid else { return "" }
        // Messages of a broker are the original's, without reasons.
        let isMissing = anomalous.contains { $0.reason == nil }
        let stored = isMissing ? try access.reasons(uid: results.metric.uid, rowids: first.rowid...last.rowid) : [:]
        return anomalous.reduce(into: "") { text, row in
            guard let reason = row.reason ?? stored[row.rowid] else { return }
            text += "Anomaly at \(Timestamps.sqlText(row.timestamp)): \(reason.text)\n"
        }
    }

    /// The texts of the original's consumer.
    private static func text(_ message: EngineMessage) -> String {
        switch message {
        case .inferenceResults(let results):
            let uid = results.metric.uid
            guard !results.rows.isEmpty else { return "Empty results in model inference results batch; model=\(uid)\n" }
            return """
                Handling \(results.rows.count) model result(s) for \(uid) - \(results.metric.name ?? "")
                \(uid) \(ModelResults(results).rowsJSON)

                """
        case .commandResult(let result):
            guard result.status == 0 else { return "" }
            return "Handling `\(result.method.rawValue)` for \(result.modelId)\n\(message.json)\n"
        case .foreign(let dataType): return "Unexpected message header dataType=\(dataType)\n"
        }
    }
}
