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
