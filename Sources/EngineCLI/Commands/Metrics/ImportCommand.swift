// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import HTMEngine

/// `htmengine import`
enum ImportCommand {
    static let command = Command(
        "import",
        summary: "Makes a model from what 'export' printed.",
        discussion:
            "The samples are stored when the metric has none. A metric that is monitored already is left as it is.",
        positionals: [Positional("FILE", "The exported JSON; - reads standard input.")],
        options: Option.engine + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let spec = try JSONValue.parse(try read(arguments[positional: 0]))
        let uid = try context.withEngine(arguments, ifMissing: .create) { try $0.access.importModel(spec) }
        let name = spec["metricSpec"]?["metric"]?.stringValue ?? ""
        context.tell("Imported", uid: uid, name: name, arguments)
        return .success
    }

    private static func read(_ path: String) throws -> Data {
        if path == "-" { return FileHandle.standardInput.readDataToEndOfFile() }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("can't read \(path): \(String(cString: strerror(errno)))")
        }
        return data
    }
}
