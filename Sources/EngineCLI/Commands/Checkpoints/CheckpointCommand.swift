// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import HTMEngine

/// `htmengine checkpoint`
enum CheckpointCommand {
    static let command = Command(
        "checkpoint",
        summary: "Looks at saved models, checks them, and carries learned models to other engines.",
        subcommands: [list, inspect, verify, export, `import`]
    )

    private static let list = Command(
        "list",
        summary: "Lists the saved models.",
        positionals: [Positional("NAME", .any, "Only these metrics.")],
        options: [Option("--hash", "Reads each one and shows a hash of the model's state.")] + Option.engine + [.json]
    ) { arguments, context in
        let hashes = arguments.has("--hash")
        let entries = try entries(arguments, context, reads: hashes)
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.beginObject()
            writer.key("checkpoints")
            writer.beginArray()
            for entry in entries { entry.write(to: &writer) }
            writer.endArray()
            writer.endObject()
            context.output(writer.text + "\n")
            return .success
        }
        var columns: [TextTable.Column] = [
            .init(title: "NAME"), .init(title: "UID"), .init(title: "GENERATION", alignsRight: true),
            .init(title: "ROW", alignsRight: true), .init(title: "BYTES", alignsRight: true),
        ]
        if hashes { columns.append(.init(title: "STATE")) }
        var table = TextTable(columns)
        for entry in entries {
            let cells = [
                entry.name ?? "?", entry.info.uid, "\(entry.info.generation)", "\(entry.info.rowid)",
                "\(entry.info.storedBytes)",
            ]
            table.add(hashes ? cells + [entry.stateHash ?? entry.problem ?? ""] : cells)
        }
        context.output(table.text)
        return .success
    }

    private static let inspect = Command(
        "inspect",
        summary: "Says what one model has learned.",
        positionals: [Positional("NAME", "The metric.")],
        options: Option.engine + [.json]
    ) { arguments, context in
        let entries = try entries(arguments, context, reads: true)
        guard let entry = entries.first else {
            throw CommandFailure("there is no checkpoint of '\(arguments[positional: 0])' yet")
        }
        if let problem = entry.problem { throw CommandFailure(problem) }
        let facts: [(String, String)] =
            [
                ("metric", entry.name ?? "?"), ("uid", entry.info.uid), ("generation", "\(entry.info.generation)"),
                ("row", "\(entry.info.rowid)"), ("bytes", "\(entry.info.storedBytes)"),
                ("state_bytes", "\(entry.stateBytes ?? 0)"), ("state_hash", entry.stateHash ?? ""),
            ]
            + (entry.model.map {
                [("records", "\($0.records)"), ("segments", "\($0.segments)"), ("synapses", "\($0.synapses)")]
            } ?? [])
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.beginObject()
            for (name, value) in facts {
                if let number = Int64(value) { writer.field(name, number) } else { writer.field(name, value) }
            }
            writer.endObject()
            context.output(writer.text + "\n")
        } else {
            var table = TextTable([.init(title: "WHAT"), .init(title: "VALUE")])
            for (name, value) in facts { table.add([name, value]) }
            context.output(table.text)
        }
        return .success
    }

    private static let verify = Command(
        "verify",
        summary: "Reads every saved model; exit code 1 when one is damaged.",
        positionals: [Positional("NAME", .any, "Only these metrics.")],
        options: Option.engine + [.json]
    ) { arguments, context in
        let entries = try entries(arguments, context, reads: true)
        let damaged = entries.filter { $0.problem != nil }
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.beginObject()
            writer.field("checked", Int64(entries.count))
            writer.key("damaged")
            writer.beginArray()
            for entry in damaged { entry.write(to: &writer) }
            writer.endArray()
            writer.endObject()
            context.output(writer.text + "\n")
        } else {
            for entry in damaged { context.errorOutput("\(entry.name ?? entry.info.uid): \(entry.problem ?? "")\n") }
            context.output("\(entries.count) checkpoints read, \(damaged.count) damaged\n")
        }
        return damaged.isEmpty ? .success : .failure
    }

    private static let export = Command(
        "export",
        summary: "Writes a learned model into one file, for another engine.",
        positionals: [
            Positional("NAME", "The metric."), Positional("FILE", "The file to write; '-' is standard output."),
        ],
        options: Option.engine
    ) { arguments, context in
        let path = arguments[positional: 1]
        let bytes = try context.withEngine(arguments) { engine in
            try engine.access.exportLearnedModel(uid: engine.access.existing(arguments[positional: 0]).metric.uid)
        }
        do {
            if path == "-" {
                try FileHandle.standardOutput.write(contentsOf: Data(bytes))
            } else {
                try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
                context.output("\(bytes.count) bytes written to \(path)\n")
            }
        } catch {
            throw CommandFailure("\(path) can't be written: \(error.localizedDescription)")
        }
        return .success
    }

    private static let `import` = Command(
        "import",
        summary: "Makes a metric with the learned model of a file.",
        positionals: [Positional("FILE", "What 'checkpoint export' wrote.")],
        options: [Option("--metric", "NAME", "What the metric is called here (default: its name in the file).")]
            + Option.engine + [.json]
    ) { arguments, context in
        let path = arguments[positional: 0]
        let name = try arguments.value("--metric").map(metricName)
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CommandFailure("\(path) can't be read: \(error.localizedDescription)")
        }
        let uid = try context.withEngine(arguments, ifMissing: .create) {
            try $0.access.importLearnedModel(Array(data), name: name)
        }
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.beginObject()
            writer.field("uid", uid)
            writer.endObject()
            context.output(writer.text + "\n")
        } else {
            context.output("Imported as \(uid)\n")
        }
        return .success
    }

    /// The checkpoints of the metrics the command names, newest first for each metric.
    private static func entries(
        _ arguments: Arguments,
        _ context: CommandContext,
        reads: Bool
    ) throws -> [SavedModel] {
        try context.withEngine(arguments) { engine in
            let configuration = try context.configuration(arguments)
            var metrics: [MetricSummary] = []
            if arguments.all.isEmpty {
                while true {
                    let page = try engine.access.metrics(pattern: nil, after: metrics.last?.metric.name, limit: 1000)
                    metrics += page
                    if page.count < 1000 { break }
                }
            } else {
                metrics = try arguments.all.map { try engine.access.existing($0) }
            }
            let store = SavedModels(configuration, engine)
            return try metrics.flatMap { try store.models(of: $0.metric, reads: reads) }
        }
    }
}

extension SavedModel {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("name", name)
        writer.field("uid", info.uid)
        writer.field("generation", info.generation)
        writer.field("rowid", info.rowid)
        writer.field("bytes", Int64(info.storedBytes))
        if let stateHash { writer.field("state_hash", stateHash) }
        if let problem { writer.field("problem", problem) }
        writer.endObject()
    }
}
