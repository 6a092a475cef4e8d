// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Security

/// `htmengine key new`
enum KeyCommand {
    static let command = Command(
        "key",
        summary: "Makes keys for the HTTP interface.",
        subcommands: [
            Command(
                "new",
                summary: "Makes a key and prints it with its line for the configuration.",
                discussion: """
                    The key itself is kept nowhere: copy it now. Put its entry into [security] api_keys of application.conf
                    and start the engine again. Roles: read looks, write also sends and monitors, admin also deletes.
                    """,
                options: [
                    Option("--role", "ROLE", "read, write or admin (default: read)."),
                    Option("--name", "NAME", "What the key is called in logs (default: its role and a random number)."),
                    .json,
                ],
                body: new
            )
        ]
    )

    private static func new(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let text = arguments.value("--role") ?? APIRole.read.rawValue
        guard let role = APIRole(rawValue: text) else {
            throw UsageError("--role is '\(text)'; expected read, write or admin")
        }
        let suffix = Digest.hex(try Digest.randomBytes(3))
        let (secret, key) = try APIKey.make(name: arguments.value("--name") ?? "\(role.rawValue)-\(suffix)", role: role)
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.beginObject()
            writer.field("key", secret)
            writer.field("name", key.name)
            writer.field("role", role.rawValue)
            writer.field("entry", key.entry)
            writer.endObject()
            context.output(writer.text + "\n")
        } else {
            context.output("Key:   \(secret)\nEntry: \(key.entry)\n")
        }
        return .success
    }
}
