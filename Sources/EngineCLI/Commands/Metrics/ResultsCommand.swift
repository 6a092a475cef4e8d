// SPDX-License-Identifier: Apache-2.0

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
            while let messages = subscription.next(timeoutMilliseconds: waitMilliseconds) {
                for message in messages where isWanted(message, names) {
                    context.output(asJSON ? message.json + "\n" : text(message))
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
        }
    }
}
