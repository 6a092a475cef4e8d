// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import HTMEngine

/// `htmengine serve`
enum ServeCommand {
    static let command = Command(
        "serve",
        summary: "Runs the engine.",
        discussion: """
            Without a configuration directory the engine is embedded: SQLite in the data directory, everything in
            this process. Ctrl-C or SIGTERM stops it: it takes no more data, finishes what it took, and saves.
            """,
        options: Option.engine + [
            Option("--http", "HOST:PORT", "Where HTTP listens (default: localhost:8080; port 0 takes a free one)."),
            Option("--graphite", "HOST:PORT", "Where Graphite plaintext listens (default: localhost:2003)."),
            Option("--services", "LIST", "Only these services: listener,storer,runner,http,collector (default: all)."),
            Option("--auto-monitor", "PATTERNS", "Monitors new metrics of these names by themselves (* and ?)."),
            Option("--log-level", "LEVEL", "debug, info, warning or error (default: info)."),
            Option("--log-format", "FORMAT", "text or json (default: text)."),
        ],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        // Before any thread is made: all of them inherit it, and only waitForSignal() takes the two signals.
        let signals = TerminationSignals()
        let configuration = try context.configuration(arguments, overrides: overrides(arguments))
        let engine = Engine(configuration: configuration, services: try services(arguments))
        try engine.start()
        guard let endpoints = engine.endpoints else { preconditionFailure("a started engine has endpoints") }
        context.output(StartupText.text(configuration, engine.services, endpoints))
        let signal = signals.wait()
        context.errorOutput("\n\(signal): stopping, saving models…\n")
        signals.exitAfter(seconds: 7.5)
        engine.stop()
        return .success
    }

    private static func overrides(_ arguments: Arguments) throws -> [Configuration.Override] {
        var result: [Configuration.Override] = []
        result += try Configuration.Override.address(arguments.value("--http"), option: "--http", .http)
        result += try Configuration.Override.address(arguments.value("--graphite"), option: "--graphite", .graphite)
        for (option, key) in [
            ("--auto-monitor", ConfigurationKey.autoMonitor), ("--log-level", .logLevel), ("--log-format", .logFormat),
        ] {
            if let text = arguments.value(option) { result.append(.init(key, text, option: option)) }
        }
        return result
    }

    private static func services(_ arguments: Arguments) throws -> Set<Engine.Service> {
        guard let text = arguments.value("--services") else { return Set(Engine.Service.allCases) }
        let names = text.split(separator: ",").map(String.init)
        let services = names.compactMap(Engine.Service.init(rawValue:))
        guard services.count == names.count, !services.isEmpty else {
            let known = Engine.Service.allCases.map(\.rawValue).joined(separator: ",")
            throw UsageError("--services '\(text)': expected some of \(known)")
        }
        return Set(services)
    }
}
