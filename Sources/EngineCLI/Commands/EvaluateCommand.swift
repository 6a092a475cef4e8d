// SPDX-License-Identifier: Apache-2.0

import Evaluation
import Foundation
import Synchronization

/// `htmengine evaluate nab|csv|synthetic`
enum EvaluateCommand {
    static let command = Command(
        "evaluate",
        summary: "Measures how well anomalies are found, on labelled data.",
        subcommands: [
            EvaluateNABCommand.command,
            EvaluateCSVCommand.command,
            EvaluateSyntheticCommand.command,
        ]
    )

    static let detectorOptions = [
        Option("--mode", "MODE", "Which detector: \(EvaluatedMode.names) (default: parity)."),
        Option("--scores", "DIR", "Scores result files made earlier instead of running a detector."),
        Option("--jobs", "N", "Files worked on at a time (default: the processor's cores)."),
        Option("--out", "DIR", "Writes result files and report.html there."),
    ]

    /// The detector that `--mode` or `--scores` names.
    static func detector(_ arguments: Arguments) throws -> any SeriesDetector {
        if let directory = arguments.value("--scores") {
            guard arguments.value("--mode") == nil else { throw UsageError("--scores and --mode exclude each other") }
            let name = URL(fileURLWithPath: directory).lastPathComponent
            return RecordedScores(name: name, directory: directory)
        }
        return try detector(mode: arguments.value("--mode"))
    }

    /// The detector of a mode, parity when none is named.
    static func detector(mode: String?) throws -> any SeriesDetector {
        let name = mode ?? EvaluatedMode.parity.rawValue
        guard let mode = EvaluatedMode(rawValue: name) else {
            throw UsageError("--mode '\(name)' is none of \(EvaluatedMode.names)")
        }
        return mode.detector
    }

    static func jobs(_ arguments: Arguments) throws -> Int {
        try arguments.integer("--jobs", in: 1...1024) ?? ProcessInfo.processInfo.activeProcessorCount
    }

    /// Tells a person how far a long run is, at most every second.
    static func progress(of total: Int, _ context: CommandContext) -> @Sendable (Int) -> Void {
        guard context.isInteractive else { return { _ in } }
        let last = Mutex(Date.distantPast)
        return { done in
            let now = Date()
            let isDue = last.withLock { last in
                guard done == total || now.timeIntervalSince(last) >= 1 else { return false }
                last = now
                return true
            }
            if isDue { context.errorOutput("\r\(done) of \(total) files\(done == total ? "\n" : "")") }
        }
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }

    /// A table with the columns as wide as need be; numbers are right-aligned by the caller's choice of `leading` columns.
    static func table(_ header: [String], _ rows: [[String]], leading: Int = 1) -> String {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return column < leading ? cell + padding : padding + cell
            }
            .joined(separator: "  ").trimmingSuffix(" ") + "\n"
        }
        .joined()
    }
}

extension String {
    fileprivate func trimmingSuffix(_ character: Character) -> String {
        var text = self[...]
        while text.last == character { text.removeLast() }
        return String(text)
    }
}
