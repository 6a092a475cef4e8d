// SPDX-License-Identifier: Apache-2.0

import Evaluation

/// `htmengine evaluate nab DIR`
enum EvaluateNABCommand {
    static let command = Command(
        "nab",
        summary: "Scores a detector on a directory in the layout of the Numenta Anomaly Benchmark.",
        discussion: """
            DIR holds data/<category>/<file>.csv and labels/combined_windows.json; files that aren't there are left out.
            Scores are NAB's: 0 for detecting nothing, 100 for perfect, at the best threshold of all for each profile.
            """,
        positionals: [Positional("DIR", "The benchmark's directory.")],
        options: EvaluateCommand.detectorOptions + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let corpus = try NABCorpus(directory: arguments[positional: 0])
        return try evaluate(corpus, arguments, context)
    }

    static func evaluate(_ corpus: NABCorpus, _ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus
    {
        let evaluation = try NABEvaluation.run(
            EvaluateCommand.detector(arguments),
            on: corpus,
            jobs: EvaluateCommand.jobs(arguments),
            progress: EvaluateCommand.progress(of: corpus.files.count, context)
        )
        if let directory = arguments.value("--out") { try NABResultFiles.write(evaluation, to: directory) }
        context.output(arguments.has("--json") ? try json(evaluation) : tables(evaluation))
        return .success
    }

    private static func tables(_ evaluation: NABEvaluation) -> String {
        let standard = evaluation.optima[0]
        let scores = evaluation.files.indices.map { evaluation.score(file: $0, at: standard) }
        let files = EvaluateCommand.table(
            ["File", "Score", "Windows", "Found", "False alarms"],
            zip(evaluation.files, scores).map { file, score in
                [
                    file.series.name, FixedPoint.text(score.score, 2), "\(file.windows.count)",
                    "\(score.windowCredits.count { $0 != nil })", "\(score.falsePositives)",
                ]
            }
        )
        let totals = EvaluateCommand.table(
            ["Profile", "Score", "Threshold"],
            evaluation.optima.map {
                [$0.profile.name, FixedPoint.text($0.normalised, 2), FixedPoint.text($0.threshold, 5)]
            }
        )
        return files + "\n" + totals
    }

    private struct Report: Encodable {
        struct Profile: Encodable {
            let profile: String
            let score: Double
            /// Left out when detecting nothing is best.
            let threshold: Double?
        }
        struct File: Encodable {
            let file: String
            let score: Double
            let windows: Int
            let found: Int
            let falseAlarms: Int
        }
        let detector: String
        let profiles: [Profile]
        let files: [File]
    }

    private static func json(_ evaluation: NABEvaluation) throws -> String {
        let report = Report(
            detector: evaluation.detectorName,
            profiles: evaluation.optima.map {
                Report.Profile(
                    profile: $0.profile.name,
                    score: $0.normalised,
                    threshold: $0.threshold.isFinite ? $0.threshold : nil
                )
            },
            files: evaluation.files.enumerated().map { index, file in
                let score = evaluation.score(file: index, at: evaluation.optima[0])
                return Report.File(
                    file: file.series.name,
                    score: score.score,
                    windows: file.windows.count,
                    found: score.windowCredits.count { $0 != nil },
                    falseAlarms: score.falsePositives
                )
            }
        )
        return try EvaluateCommand.json(report)
    }
}
