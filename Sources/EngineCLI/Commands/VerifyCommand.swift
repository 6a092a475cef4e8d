// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import HTMEngine

/// `htmengine verify`
enum VerifyCommand {
    static let command = Command(
        "verify",
        summary: "Checks the whole database and all checkpoints; exit code 1 when something is wrong.",
        options: Option.engine + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let report = try context.withEngine(arguments) { try $0.maintenance.verify() }
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.beginObject()
            writer.field("metrics", report.metrics)
            writer.field("rows", report.rows)
            writer.field("checkpoints", report.checkpoints)
            writer.field("problemCount", report.problemCount)
            writer.key("problems")
            writer.beginArray()
            for problem in report.problems { writer.value(problem) }
            writer.endArray()
            writer.endObject()
            context.output(writer.text + "\n")
        } else {
            for problem in report.problems { context.output(problem + "\n") }
            let rest = report.problemCount - Int64(report.problems.count)
            if rest > 0 { context.output("and \(rest) more\n") }
            context.output(
                "\(report.metrics) metrics, \(report.rows) rows and \(report.checkpoints) checkpoints checked: "
                    + (report.isGood ? "all is well\n" : "\(report.problemCount) problems\n")
            )
        }
        return report.isGood ? .success : .failure
    }
}
