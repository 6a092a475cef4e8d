// SPDX-License-Identifier: Apache-2.0

import Bus
import EngineCore
import Foundation
import Storage

// From the keys of the configuration to the servers of the production form.
extension Configuration {
    var mysqlConfiguration: MySQLConfiguration {
        var result = MySQLConfiguration(database: settings.text(.repositoryDB))
        result.host = settings.text(.repositoryHost)
        result.port = UInt16(settings.integer(.repositoryPort))
        result.user = settings.text(.repositoryUser)
        result.password = settings.text(.repositoryPassword)
        let socket = settings.text(.repositoryUnixSocket)
        if !socket.isEmpty { result.unixSocket = socket }
        let tls = settings.text(.repositoryTLS)
        if tls != "off" {
            let authority = settings.text(.repositoryTLSAuthority)
            result.tls = .init(authorityFile: authority.isEmpty ? nil : authority)
            result.tls?.verifiesServer = tls == "verified"
        }
        // Every worker, the storer's writers and HTTP requests use one each, for moments.
        result.largestPool = 16 + 2 * ProcessInfo.processInfo.activeProcessorCount
        return result
    }

    package var rabbitMQConfiguration: RabbitMQConfiguration {
        var result = RabbitMQConfiguration(
            resultsExchange: settings.text(.resultsExchange),
            customMetricQueue: settings.text(.customQueue),
            modelInputQueuePrefix: settings.text(.modelInputPrefix),
            notificationQueue: settings.text(.schedulerQueue)
        )
        result.host = settings.text(.brokerHost)
        result.port = UInt16(settings.integer(.brokerPort))
        result.virtualHost = settings.text(.brokerVirtualHost)
        result.user = settings.text(.brokerUser)
        result.password = settings.text(.brokerPassword)
        let tls = settings.text(.brokerTLS)
        if tls != "off" {
            let authority = settings.text(.brokerTLSAuthority)
            result.tls = .init(authorityFile: authority.isEmpty ? nil : authority)
            result.tls?.verifiesServer = tls == "verified"
        }
        return result
    }
}

/// Building the parts of the production form.
enum ServerParts {
    /// The repository on the server, brought up to date.
    ///
    /// - Throws: `EngineError` naming host, port, user, database and what to do when the server can't be used.
    static func openRepository(
        _ configuration: Configuration,
        logger: any Logger,
        migrates: Bool
    ) throws -> SQLMetricRepository {
        let database = MySQLDatabase(configuration.mysqlConfiguration, logger: logger)
        let repository = SQLMetricRepository(database: database)
        guard migrates else { return repository }
        for revision in try repository.migrate() { logger.info("storage", "applied revision \(revision)") }
        let doubles = try database.doubledNames()
        if !doubles.isEmpty {
            let some = doubles.prefix(5).joined(separator: ", ")
            logger.warning(
                "storage",
                "\(doubles.count) names belong to several metrics, the one with most rows is used: \(some)"
            )
        }
        return repository
    }

    /// The bus, with as many partitions as the database says: all processes of an installation must agree.
    static func openBus(
        _ configuration: Configuration,
        repository: any MetricRepository,
        logger: any Logger
    ) throws -> RabbitMQBus {
        let wanted = configuration.settings.integer(.partitions)
        let name = "model_runner.partitions"
        let stored: String
        if let known = try repository.read({ try $0.setting(name) }) {
            stored = known
        } else {
            stored = try repository.write { try $0.settingOrInsert(name, String(wanted)) }
        }
        guard let count = Int(stored), (1...1024).contains(count) else {
            throw EngineError(.configuration, "the database says \(stored) partitions, expected 1 to 1024")
        }
        if count != wanted {
            logger.warning("bus", "\(count) partitions, as this installation began; partitions = \(wanted) is ignored")
        }
        return RabbitMQBus(
            configuration: configuration.rabbitMQConfiguration,
            partitionCount: count,
            logger: logger
        )
    }
}
