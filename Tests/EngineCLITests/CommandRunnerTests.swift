// SPDX-License-Identifier: Apache-2.0

import EngineCLI
import Synchronization
import Testing

/// What a run of the command line printed and returned.
struct CommandRun: Sendable {
    var status: CommandStatus
    var output: String
    var errorOutput: String

    init(_ words: [String], root: Command = CommandTable.root, environment: [String: String] = [:]) {
        let output = Captured()
        let errors = Captured()
        let context = CommandContext(
            output: { output.append($0) },
            errorOutput: { errors.append($0) },
            environment: environment,
            isInteractive: false
        )
        status = CommandRunner.run(words, root: root, context: context)
        self.output = output.text
        errorOutput = errors.text
    }

    private final class Captured: Sendable {
        private let buffer = Mutex("")
        func append(_ text: String) { buffer.withLock { $0 += text } }
        var text: String { buffer.withLock { $0 } }
    }
}

@Suite struct CommandRunnerTests {
    private let root = Command(
        "tool",
        summary: "A tool.",
        subcommands: [
            Command(
                "add",
                summary: "Adds.",
                positionals: [Positional("NAME", "A name."), Positional("MORE", .any, "More names.")],
                options: [Option("--min", "NUMBER", "Least."), Option("--fast", "Hurries.")]
            ) { arguments, context in
                context.output(
                    "\(arguments.all) \(try arguments.number("--min").map { "\($0)" } ?? "none") \(arguments.has("--fast"))"
                )
                return .success
            },
            Command("fail", summary: "Fails.") { _, _ in throw CommandFailure("it is Monday") },
        ]
    )

    @Test(arguments: [
        (["add", "a", "--min", "-5", "--fast"], "[\"a\"] -5.0 true"),
        (["add", "--min=2e3", "a", "b"], "[\"a\", \"b\"] 2000.0 false"),
        (["add", "--", "--min"], "[\"--min\"] none false"),
        (["add", "-7"], "[\"-7\"] none false"),
    ])
    func optionsMayStandAnywhere(_ words: [String], _ expected: String) {
        let run = CommandRun(words, root: root)
        #expect(run.status == .success)
        #expect(run.output == expected)
    }

    @Test(arguments: [
        (["add"], "missing NAME"), (["add", "a", "--min"], "--min needs a value: --min NUMBER"),
        (["add", "a", "--min", "x"], "--min 'x' is not a number"), (["add", "a", "--slow"], "unknown option --slow"),
        (["add", "a", "--fast=1"], "--fast takes no value"), (["add", "a", "-f"], "unknown option -f"),
        (["remove"], "unknown command 'remove'"), (["fail", "x"], "unexpected argument 'x'"),
    ])
    func aWrongCommandLineIsExit2(_ words: [String], _ expected: String) {
        let run = CommandRun(words, root: root)
        #expect(run.status == .usage)
        #expect(run.errorOutput.contains(expected), "\(run.errorOutput)")
        #expect(run.output.isEmpty)
    }

    @Test func aFailureIsExit1WithItsReason() {
        let run = CommandRun(["fail"], root: root)
        #expect(run.status == .failure)
        #expect(run.errorOutput == "tool fail: it is Monday\n")
    }

    @Test func helpIsEverywhere() {
        func check(_ command: Command, _ path: [String]) {
            let run = CommandRun(path + ["--help"])
            #expect(run.status == .success)
            #expect(run.output.contains("Usage: "), "\(path)")
            for next in command.subcommands { check(next, path + [next.name]) }
        }
        check(CommandTable.root, [])
    }

    @Test func versionIsPrinted() {
        #expect(CommandRun(["version"]).output.hasPrefix("htmengine 0."))
    }

    @Test func configCheckNamesWhatIsWrong() {
        let variable = "_NTA_UTILS_CONFIG__APPLICATION__HTTP__PORT"
        let wrong = CommandRun(["config", "check"], environment: [variable: "x"])
        #expect(wrong.status == .failure)
        #expect(wrong.errorOutput.contains("[http] port): 'x', expected a whole number from 0 to 65535"))
        #expect(CommandRun(["config", "check"]).output.contains("sqlite and memory"))
    }
}

@Suite struct SampleCommandTests {
    @Test func theSampleIsTheSameEveryTime() {
        let first = CommandRun(["sample", "--days", "3"])
        #expect(first.status == .success)
        #expect(first.output == CommandRun(["sample", "--days", "3", "--seed", "1"]).output)
        #expect(first.output != CommandRun(["sample", "--days", "3", "--seed", "2"]).output)
        #expect(first.output.split(separator: "\n").count == 1 + 3 * 288)
        #expect(first.output.hasPrefix("timestamp,value\n2026-01-05 00:00:00,"))
        #expect(CommandRun(["sample", "--days", "2"]).status == .usage)
    }
}
