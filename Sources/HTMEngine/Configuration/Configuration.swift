// SPDX-License-Identifier: Apache-2.0

import Engine
import Foundation

/// Everything an engine, or a program that talks to one, is told from outside.
///
/// Without a directory of configuration files the engine is embedded: SQLite in the data directory, everything in one process.
///
///     let embedded = try Configuration(dataDirectory: "/var/lib/demo")
///     let asConfigured = try Configuration(configurationDirectory: "conf")
public struct Configuration: Sendable {
    /// Where metrics, samples and scores are kept.
    public enum RepositoryEngine: String, Sendable {
        /// A file in the data directory, which one engine uses alone.
        case sqlite
        /// A MySQL or MariaDB server, for any number of processes.
        case mysql
    }
    /// How the services talk to each other.
    public enum BusEngine: String, Sendable {
        /// Within one process.
        case memory
        /// A RabbitMQ broker, between any number of processes.
        case rabbitmq
    }

    /// Directory of `application.conf` and its companions; nil when the engine runs on defaults alone.
    public let configurationDirectory: String?
    /// Absolute path of the directory with the engine's own files: database, checkpoints, socket, lock.
    public let dataDirectory: String
    /// Which repository is used.
    public let repository: RepositoryEngine
    /// Which bus is used.
    public let bus: BusEngine
    /// Why repository and bus are what they are, for the start-up text.
    public let reason: String
    /// Keys nobody knows, and the like.
    public var warnings: [String] { settings.warnings }

    package private(set) var settings: Settings
    /// Absolute path, or `sql:` for the database.
    package let checkpointRoot: String

    /// The variable that names the directory of the configuration files, as with the original.
    public static let directoryVariable = "APPLICATION_CONFIG_PATH"
    /// The data directory when none is named, below the current directory.
    public static let defaultDataDirectory = "htmengine-data"

    /// Reads the configuration.
    ///
    /// - Parameters:
    ///   - configurationDirectory: Directory of the files; nil takes `APPLICATION_CONFIG_PATH`, and without that none.
    ///   - dataDirectory: nil means `./htmengine-data`.
    ///   - environment: Variables, in which `_NTA_UTILS_CONFIG__FILE__SECTION__KEY` beat the files.
    /// - Throws: ``ConfigurationError`` naming file, section, key, value and what is expected, for everything that is wrong.
    public init(
        configurationDirectory: String? = nil,
        dataDirectory: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        try self.init(
            configurationDirectory: configurationDirectory,
            dataDirectory: dataDirectory,
            environment: environment,
            overrides: []
        )
    }

    /// An option of the command line that sets a key.
    package struct Override: Sendable {
        package let key: ConfigurationKey
        package let text: String
        package let option: String

        package init(_ key: ConfigurationKey, _ text: String, option: String) {
            self.key = key
            self.text = text
            self.option = option
        }
    }

    package init(
        configurationDirectory: String?,
        dataDirectory: String?,
        environment: [String: String],
        overrides: [Override]
    ) throws {
        let variable = environment[Self.directoryVariable].flatMap { $0.isEmpty ? nil : $0 }
        let directory = (configurationDirectory ?? variable).map(Self.absolute)
        var problems = ConfigurationProblems()
        var settings = try Settings(directory: directory, environment: environment, &problems)
        for item in overrides {
            try problems.gather { try settings.override(item.key, item.text, option: item.option) }
        }
        self.configurationDirectory = directory
        let dataPath = Self.absolute(dataDirectory ?? Self.defaultDataDirectory)
        self.dataDirectory = dataPath
        self.settings = settings
        let adapters = try problems.gather { try Self.chooseAdapters(settings, directory: directory) }
        (repository, bus, reason) = adapters ?? (.sqlite, .memory, "")
        checkpointRoot =
            try problems.gather {
                try Self.checkpointRoot(settings, dataDirectory: dataPath, environment: environment)
            } ?? ""
        if adapters?.0 == .sqlite, checkpointRoot == "sql:" {
            try problems.gather {
                throw settings.wrong(.checkpointRoot, expected: "a directory, because the repository is sqlite")
            }
        }
        _ = try problems.gather { try accessControl() }
        _ = try problems.gather { try checkTLS() }
        _ = try problems.gather { try alertSinks() }
        _ = try problems.gather { try alertRules() }
        _ = try problems.gather { try prometheusSources() }
        for text in settings.list(.allowedSenders) where AddressRange(parsing: text) == nil {
            try problems.gather {
                throw settings.wrong(
                    .allowedSenders,
                    expected: "addresses such as 10.0.0.0/8, 192.168.1.7 or ::1 ('\(text)' is none)"
                )
            }
        }
        try problems.throwIfAny()
    }

    /// The SQLite file of an embedded engine.
    package var databasePath: String { dataDirectory + "/htmengine.sqlite" }
    /// The unix socket on which an engine answers its own user's programs.
    package var socketPath: String { dataDirectory + "/htmengine.sock" }
    /// Locked by the engine that uses the data directory.
    package var lockPath: String { dataDirectory + "/htmengine.lock" }

    package var httpAddress: ListenAddress {
        ListenAddress(host: settings.text(.httpHost), port: UInt16(settings.integer(.httpPort)))
    }

    package var graphiteAddress: ListenAddress {
        ListenAddress(host: settings.text(.plaintextHost), port: UInt16(settings.integer(.plaintextPort)))
    }

    /// design.md 7: `engine` decides; left out, an original's file (with `db` or `host`) means servers.
    private static func chooseAdapters(
        _ settings: Settings,
        directory: String?
    ) throws -> (RepositoryEngine, BusEngine, String) {
        let namesServer = settings.isSet(.repositoryDB) || settings.isSet(.repositoryHost)
        let repository: RepositoryEngine
        var reasons: [String] = []
        if let chosen = RepositoryEngine(rawValue: settings.text(.repositoryEngine)) {
            repository = chosen
            reasons.append("[repository] engine is \(chosen.rawValue)")
        } else if namesServer {
            repository = .mysql
            reasons.append("[repository] names a db or host")
        } else {
            repository = .sqlite
            reasons.append(
                directory == nil
                    ? "no configuration directory was given" : "[repository] names neither engine, db nor host"
            )
        }
        let bus: BusEngine
        if let chosen = BusEngine(rawValue: settings.text(.busEngine)) {
            bus = chosen
            reasons.append("[bus] engine is \(chosen.rawValue)")
        } else {
            bus = repository == .mysql ? .rabbitmq : .memory
        }
        if repository == .sqlite, bus == .rabbitmq {
            throw settings.wrong(
                .busEngine,
                expected: "memory, because the repository is sqlite, which one process uses alone"
            )
        }
        return (repository, bus, reasons.joined(separator: ", "))
    }

    private static func checkpointRoot(
        _ settings: Settings,
        dataDirectory: String,
        environment: [String: String]
    ) throws -> String {
        let text = settings.text(.checkpointRoot)
        if text.isEmpty { return dataDirectory + "/checkpoints" }
        if text == "sql:" { return text }
        let path = ConfigurationText.expandPath(text, environment: environment)
        guard path.hasPrefix("/") else {
            throw settings.wrong(
                .checkpointRoot,
                expected: "an absolute path once $VARIABLE and ~ are replaced, or sql:"
            )
        }
        return path
    }

    private static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        let full = FileManager.default.currentDirectoryPath + "/" + path
        return NSString(string: full).standardizingPath
    }
}

extension Configuration.Override {
    /// What an address on the command line sets.
    package enum AddressKeys: Sendable { case http, graphite }

    /// `HOST:PORT` as two overrides; nothing when the option isn't given.
    package static func address(_ text: String?, option: String, _ keys: AddressKeys) throws -> [Configuration.Override]
    {
        guard let text else { return [] }
        let address: ListenAddress
        do {
            address = try ListenAddress(parsing: text)
        } catch let error as ListenAddressError {
            throw ConfigurationError(message: "\(option): \(error)")
        }
        let (host, port): (ConfigurationKey, ConfigurationKey) =
            switch keys {
            case .http: (.httpHost, .httpPort)
            case .graphite: (.plaintextHost, .plaintextPort)
            }
        return [.init(host, address.host, option: option), .init(port, String(address.port), option: option)]
    }
}
