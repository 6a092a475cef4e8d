// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine

extension CommandContext {
    /// Gives the body the engine that `--config` and `--data` mean, running or not.
    func withEngine<Result>(
        _ arguments: Arguments,
        ifMissing: OpenedAccess.MissingDatabase = .refuse,
        _ body: (OpenedAccess) throws -> Result
    ) throws -> Result {
        let configuration = try configuration(arguments)
        for warning in configuration.warnings { errorOutput("warning: \(warning)\n") }
        let logger = StandardErrorLogger(level: .warning, format: .text)
        let opened = try OpenedAccess(configuration, ifMissing: ifMissing, logger: logger)
        defer { opened.close() }
        return try body(opened)
    }

    /// Says what was done with a metric: in a sentence, or as JSON with uid and name where `--json` was given.
    func tell(_ sentence: String, uid: String, name: String, _ arguments: Arguments) {
        guard arguments.has("--json") else { return output("\(sentence) \(name), uid \(uid)\n") }
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("uid", uid)
        writer.field("name", name)
        writer.endObject()
        output(writer.text + "\n")
    }
}

extension EngineAccess {
    /// The metric of a name, or the error that says there is none.
    func existing(_ name: String) throws -> MetricSummary {
        if let metric = try metric(named: name) { return metric }
        // The skeleton's texts print names with a slash: people paste them.
        if name.hasPrefix("/"), let metric = try metric(named: String(name.dropFirst())) { return metric }
        throw CommandFailure("there is no metric '\(name)'")
    }
}
