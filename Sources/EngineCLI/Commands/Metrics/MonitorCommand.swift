// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine

/// `htmengine monitor`
enum MonitorCommand {
    static let command = Command(
        "monitor",
        summary: "Starts a model for a metric, which is made if there is none of that name.",
        discussion: """
            With --min and --max the model starts at once; without them the engine waits for 288 samples and estimates
            the range. Samples that are stored already are scored too.
            """,
        positionals: [Positional("NAME", .optional, "Name of the metric.")],
        options: [
            Option("--min", "NUMBER", "Smallest value expected; needs --max."),
            Option("--max", "NUMBER", "Largest value expected; needs --min."),
            Option("--min-resolution", "NUMBER", "Smallest difference between values that matters (default: 0.001)."),
            Option("--mode", "NAME", "parity or evidence (default: [model] mode of the configuration)."),
            Option("--classifier", "Predicts the next value too."),
            Option("--retry", "Builds the model of a metric in ERROR again, with the parameters it has."),
        ] + MatchingMetrics.options + Option.engine + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let name = arguments.optional(0) ?? ""
        let spec = try spec(arguments, name: name)
        if let matching = try MatchingMetrics(arguments) {
            if arguments.has("--retry") { throw UsageError("--retry takes one NAME") }
            return try matching.run(arguments, context, done: "Monitoring") {
                // One that is monitored by itself gets the model asked for here instead.
                !$0.metric.status.isMonitored || $0.isAutomatic
            } act: { metric, access in
                _ = try access.monitor(
                    ModelSpec(metric: metric.name ?? "", modelParams: spec.modelParams).canonicalJSON(
                        name: metric.name ?? ""
                    )
                )
            }
        }
        let uid = try context.withEngine(arguments, ifMissing: .create) { engine in
            guard arguments.has("--retry") else { return try engine.access.monitor(spec.canonicalJSON(name: name)) }
            let metric = try engine.access.existing(name)
            try engine.access.retry(uid: metric.metric.uid)
            return metric.metric.uid
        }
        context.tell("Monitoring", uid: uid, name: name, arguments)
        return .success
    }

    private static func spec(_ arguments: Arguments, name: String) throws -> ModelSpec {
        var params = ModelSpec.ModelParams()
        params.min = try arguments.number("--min")
        params.max = try arguments.number("--max")
        params.minResolution = try arguments.number("--min-resolution")
        if arguments.has("--classifier") { params.enableClassifier = true }
        if let text = arguments.value("--mode") {
            guard let mode = DetectionMode(rawValue: text) else {
                throw UsageError("--mode '\(text)' is not known, expected \(DetectionMode.names)")
            }
            params.mode = mode
        }
        if arguments.has("--retry"), params != ModelSpec.ModelParams() {
            throw UsageError("--retry keeps the model's parameters: it goes with none of them")
        }
        do {
            try params.check(path: "modelParams")
        } catch let error as EngineError {
            throw UsageError(error.message)
        }
        return ModelSpec(metric: name, modelParams: params)
    }
}
