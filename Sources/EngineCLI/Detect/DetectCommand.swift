// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import HTM

/// `htmengine detect FILE.csv`: the engine in one command.
enum DetectCommand {
    static let command = Command(
        "detect",
        summary: "Scores the values of a CSV file.",
        discussion: """
            Reads 'timestamp,value' and writes 'timestamp,value,raw_anomaly_score,anomaly_likelihood,anomaly_score' to standard
            output. Times are ISO 8601, 'YYYY-MM-DD HH:MM:SS' or Unix seconds, UTC where they name no zone. A header may name the
            columns in any order; further columns are ignored. An empty value or NaN is a missing one. Lines that can't be used are
            named on standard error and skipped.

            Mode evidence knows nothing of the file in advance; its anomaly_score is a tenth of the decimal orders of rarity, and 0.5,
            one in 100,000, is an alarm.

            FILE '-' reads standard input and writes a score for each line as it comes, after 288 lines unless the range is given.
            """,
        positionals: [Positional("FILE", "The CSV file, or - for standard input.")],
        options: [
            Option(
                "--min",
                "NUMBER",
                "Smallest value to expect (default: the data's range, padded by 20 % on both sides)."
            ),
            Option("--max", "NUMBER", "Largest value to expect; together with --min."),
            Option("--tm", "NAME", "Temporal memory: backtracking (default) or plain."),
            Option(
                "--likelihood",
                "NAME",
                "When the distribution is estimated: nab (default; needs all input first) or engine (default for -)."
            ),
            Option("--spatial", "Scores values far outside the range seen before 1 (default with nab)."),
            Option("--no-spatial", "Doesn't (default with engine)."),
            Option(
                "--mode",
                "NAME",
                "parity (default): raw scores equal NuPIC 1.0.5's bit for bit; evidence: finds more."
            ),
            Option("--explain", "Adds a column that says why a value is anomalous."),
        ],
        body: run
    )

    @Sendable private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let path = arguments[positional: 0]
        let isStandardInput = path == "-"
        let options = try options(arguments, isStandardInput: isStandardInput)
        let input = isStandardInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw failure(path) }
        defer {
            if !isStandardInput {
                close(input)
            }
        }
        let streams = options.mode == .evidence || (isStandardInput && !options.usesNABSchedule)
        let pace: DetectSession.Pace = streams ? .streaming : .whole
        return try detect(input, DetectSession(options: options, pace: pace), name: path, context: context)
    }

    /// - Throws: UsageError for options that contradict each other.
    private static func options(_ arguments: Arguments, isStandardInput: Bool) throws -> SeriesScorer.Options {
        var options = SeriesScorer.Options()
        switch arguments.value("--tm") ?? "backtracking" {
        case "backtracking": options.temporalMemory = .backtracking(BacktrackingParameters())
        case "plain": options.temporalMemory = .plain(PlainTemporalMemory.Parameters())
        case let other: throw UsageError("--tm '\(other)' is neither backtracking nor plain")
        }
        switch arguments.value("--likelihood") ?? (isStandardInput ? "engine" : "nab") {
        case "nab": options.usesNABSchedule = true
        case "engine": options.usesNABSchedule = false
        case let other: throw UsageError("--likelihood '\(other)' is neither nab nor engine")
        }
        if let text = arguments.value("--mode") {
            guard let mode = DetectionMode(rawValue: text) else {
                throw UsageError("--mode '\(text)' is not known, expected \(DetectionMode.names)")
            }
            options.mode = mode
        }
        options.explains = arguments.has("--explain")
        if options.mode == .evidence {
            let values = ["--tm", "--likelihood"].filter { arguments.value($0) != nil }
            if let name = (values + ["--spatial", "--no-spatial"].filter(arguments.has)).first {
                throw UsageError("\(name) goes with mode parity only")
            }
            options.usesNABSchedule = false
        }
        let (spatial, noSpatial) = (arguments.has("--spatial"), arguments.has("--no-spatial"))
        guard !(spatial && noSpatial) else { throw UsageError("--spatial and --no-spatial contradict each other") }
        options.usesSpatialTrick = spatial || (options.usesNABSchedule && !noSpatial)
        switch (try arguments.number("--min"), try arguments.number("--max")) {
        case (nil, nil): break
        case (let minimum?, let maximum?):
            guard minimum <= maximum else { throw UsageError("--min \(minimum) is larger than --max \(maximum)") }
            options.range = minimum...maximum
        default: throw UsageError("--min and --max only go together")
        }
        return options
    }

    private static func detect(
        _ input: Int32,
        _ prepared: DetectSession,
        name: String,
        context: CommandContext
    ) throws -> CommandStatus {
        var session = prepared
        context.output(prepared.header)
        while let bytes = try nextBytes(of: input, name: name) {
            let due = try session.consume(bytes)
            if !due.isEmpty {
                context.output(due)
            }
            report(session.takeComplaints(), context)
        }
        var bar = ProgressBar("Scoring", context: context)
        try session.finish(progress: { bar.update($0) }, output: context.output)
        bar.finish()
        report(session.takeComplaints(), context)
        if session.skippedCount > 0 {
            let lines = session.skippedCount + session.usedCount
            context.errorOutput("htmengine detect: skipped \(session.skippedCount) of \(lines) lines\n")
        }
        guard session.usedCount > 0 else {
            context.errorOutput("htmengine detect: \(name): no line could be used\n")
            return .failure
        }
        return .success
    }

    /// What is there, as soon as something is; nil at the end of input.
    private static func nextBytes(of input: Int32, name: String) throws -> [UInt8]? {
        let capacity = 1 << 16
        let bytes = try [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            var result = read(input, buffer.baseAddress, capacity)
            while result < 0, errno == EINTR {
                result = read(input, buffer.baseAddress, capacity)
            }
            guard result >= 0 else { throw failure(name) }
            count = result
        }
        return bytes.isEmpty ? nil : bytes
    }

    private static func failure(_ name: String) -> CommandFailure {
        CommandFailure("\(name): \(String(cString: strerror(errno)))")
    }

    private static func report(_ complaints: [String], _ context: CommandContext) {
        guard !complaints.isEmpty else { return }
        context.errorOutput(complaints.map { "htmengine detect: \($0)\n" }.joined())
    }
}
