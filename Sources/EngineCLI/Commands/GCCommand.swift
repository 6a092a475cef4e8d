// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine

/// `htmengine gc`
enum GCCommand {
    static let command = Command(
        "gc",
        summary: "Removes old samples that no model needs any more.",
        options: [Option("--older-than", "DAYS", "Age of the samples to remove, such as 90d.")] + Option.engine
            + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        guard let text = arguments.value("--older-than") else { throw UsageError("missing --older-than DAYS") }
        let digits = text.hasSuffix("d") ? String(text.dropLast()) : text
        guard let days = Int(digits), days >= 1 else {
            throw UsageError("--older-than \(text): expected a number of days, such as 90d")
        }
        let removed = try context.withEngine(arguments) { try $0.maintenance.removeRows(olderThanDays: days) }
        context.output(arguments.has("--json") ? "{\"removed\":\(removed)}\n" : "Removed \(removed) rows\n")
        return .success
    }
}
