// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine
import HTTPClient

/// `htmengine status`
enum StatusCommand {
    static let command = Command(
        "status",
        summary: "Prints what a running engine counts: samples, models, queues, refusals.",
        discussion: """
            On servers: runners, partitions, queues and how far scoring lags behind, asked of database and broker.
            """,
        options: Option.engine + [.json],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let configuration = try context.configuration(arguments)
        if configuration.repository == .mysql, configuration.bus == .rabbitmq {
            return try ServerStatusText.run(configuration, json: arguments.has("--json"), context)
        }
        let client = HTTPClient(.unixSocket(configuration.socketPath))
        let response: HTTPClient.Response
        do {
            response = try client.send(.init("GET", "/metrics"))
        } catch {
            throw CommandFailure("no engine answers on \(configuration.socketPath): \(error)")
        }
        guard response.isSuccess else { throw CommandFailure("the engine answered \(response.status)") }
        let numbers = numbers(response.text)
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.beginObject()
            for (name, value) in numbers { writer.field(name, value) }
            writer.endObject()
            context.output(writer.text + "\n")
        } else {
            var table = TextTable([.init(title: "WHAT"), .init(title: "NUMBER", alignsRight: true)])
            for (name, value) in numbers { table.add([name, NumberFormat.twelveDigits(value)]) }
            context.output(table.text)
        }
        return .success
    }

    /// The samples of Prometheus' text format, without our prefix.
    private static func numbers(_ text: String) -> [(name: String, value: Double)] {
        text.split(separator: "\n").compactMap { line in
            guard !line.hasPrefix("#"), let blank = line.lastIndex(of: " "),
                let value = Double(line[line.index(after: blank)...])
            else { return nil }
            let name = line[..<blank]
            return (String(name.hasPrefix("htmengine_") ? name.dropFirst("htmengine_".count) : name), value)
        }
    }
}
