// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

extension EngineConnection {
    /// Makes a way to the engine the configuration means.
    ///
    /// An embedded engine is asked through the socket in its data directory, an engine on servers through its database and its broker,
    /// each when it is first needed: samples and events need the broker only. Nothing need be running yet; verbs throw
    /// `engineUnavailable` or `storageUnavailable` until it is.
    /// - Throws: ``HTMEngineError`` when the configuration names a database server and no broker.
    public init(configuration: Configuration) throws {
        do {
            let logger = StandardErrorLogger(level: .warning, format: .text)
            switch configuration.repository {
            case .sqlite: access = SocketAccess(socketPath: configuration.socketPath, logger: logger)
            case .mysql: access = try Self.serverAccess(configuration, logger)
            }
        } catch {
            throw HTMEngineError(error)
        }
    }

    private static func serverAccess(_ configuration: Configuration, _ logger: any Logger) throws -> any EngineAccess {
        guard configuration.bus == .rabbitmq else {
            throw EngineError(.configuration, "[bus] engine is memory: an engine in other processes needs rabbitmq")
        }
        return ServerAccess(configuration, logger: logger)
    }
}

extension Engine {
    /// A way to an engine that runs elsewhere; the same as ``EngineConnection/init(configuration:)``.
    /// - Throws: As that.
    public static func connect(configuration: Configuration) throws -> EngineConnection {
        try EngineConnection(configuration: configuration)
    }
}

extension Configuration {
    /// What the application calls itself, taken from its names on servers: `skeleton` of `skeleton.model.results`.
    public var applicationName: String {
        let exchange = settings.text(.resultsExchange)
        return exchange.split(separator: ".").first.map(String.init) ?? exchange
    }
}
