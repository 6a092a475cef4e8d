// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import HTMEngine

/// `htmengine backup`
enum BackupCommand {
    static let command = Command(
        "backup",
        summary: "Copies database and checkpoints while the engine runs; start on the copy with 'serve --data DIR'.",
        positionals: [Positional("DIR", "A directory that doesn't exist or is empty.")],
        options: Option.engine + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let directory = URL(fileURLWithPath: arguments[positional: 0]).standardizedFileURL.path
        let report = try context.withEngine(arguments) { try $0.maintenance.backup(to: directory) }
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.beginObject()
            writer.field("directory", directory)
            writer.field("checkpoints", Int64(report.checkpoints))
            writer.field("damagedCheckpoints", Int64(report.damagedCheckpoints))
            writer.endObject()
            context.output(writer.text + "\n")
        } else {
            context.output("Database and \(report.checkpoints) checkpoints copied to \(directory)\n")
            if report.damagedCheckpoints > 0 {
                context.output("\(report.damagedCheckpoints) damaged checkpoints were left out\n")
            }
        }
        return .success
    }
}
