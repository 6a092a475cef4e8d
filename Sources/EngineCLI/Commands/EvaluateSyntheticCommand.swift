// SPDX-License-Identifier: Apache-2.0

import Evaluation

/// `htmengine evaluate synthetic`
enum EvaluateSyntheticCommand {
    static let command = Command(
        "synthetic",
        summary: "Scores a detector, the way NAB does, on made-up series with known faults.",
        discussion: """
            Faults: \(Fault.allCases.map(\.rawValue).joined(separator: ", ")).
            Series: \(BaseShape.allCases.map(\.rawValue).joined(separator: ", ")).
            """,
        options: EvaluateCommand.detectorOptions + [
            Option("--seeds", "N", "Series of each kind (default: 2)."),
            Option("--write", "DIR", "Writes the series there in NAB's layout and scores nothing."),
            .json,
        ],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let seeds = try arguments.integer("--seeds", in: 1...1000) ?? 2
        let files = SyntheticCorpus.files(seeds: 1...UInt64(seeds))
        if let directory = arguments.value("--write") {
            try SyntheticCorpus.write(files, to: directory)
            return .success
        }
        return try EvaluateNABCommand.evaluate(NABCorpus(files: files), arguments, context)
    }
}
