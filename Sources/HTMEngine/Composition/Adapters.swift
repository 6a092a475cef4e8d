// SPDX-License-Identifier: Apache-2.0

import Bus
import Engine
import EngineCore
import Foundation
import Storage

/// What stands behind the seams: the one place where a database, a bus and a checkpoint store are chosen.
struct Adapters: Sendable {
    let repository: any MetricRepository
    let bus: any MessageBus
    let checkpoints: any CheckpointStore
    let alerts: any AlertStore

    /// Opens what the configuration names. An embedded database is brought up to date, and locked by this process.
    ///
    /// - Throws: `EngineError`; `alreadyRunning` when another process has the data directory.
    static func open(_ configuration: Configuration, logger: any Logger) throws -> Adapters {
        let repository = try openRepository(configuration, logger: logger)
        do {
            let bus: any MessageBus =
                switch configuration.bus {
                case .memory: InProcessBus(partitionCount: configuration.settings.integer(.partitions))
                case .rabbitmq: try ServerParts.openBus(configuration, repository: repository, logger: logger)
                }
            let checkpoints = try openCheckpoints(configuration, repository: repository)
            return Adapters(
                repository: repository,
                bus: bus,
                checkpoints: checkpoints,
                alerts: SQLAlertStore(database: repository.database)
            )
        } catch {
            repository.close()
            throw error
        }
    }

    /// The broker of the production form; nil for an embedded bus.
    var broker: RabbitMQBus? { bus as? RabbitMQBus }

    static func openRepository(
        _ configuration: Configuration,
        logger: any Logger,
        migrates: Bool = true
    ) throws -> SQLMetricRepository {
        switch configuration.repository {
        case .sqlite:
            try makeDirectory(configuration.dataDirectory)
            var database = SQLiteDatabase.Configuration(path: configuration.databasePath)
            if configuration.settings.text(.repositorySynchronous) == "normal" { database.synchronous = .normal }
            database.limitCaches(to: configuration.settings.bytes(.memoryBudget) / 8)
            let repository = SQLMetricRepository(database: try SQLiteDatabase(database))
            if migrates {
                for revision in try repository.migrate() { logger.info("storage", "applied revision \(revision)") }
            }
            return repository
        case .mysql:
            return try ServerParts.openRepository(configuration, logger: logger, migrates: migrates)
        }
    }

    private static func openCheckpoints(
        _ configuration: Configuration,
        repository: SQLMetricRepository
    ) throws -> any CheckpointStore {
        if configuration.checkpointRoot == "sql:" { return SQLCheckpointStore(database: repository.database) }
        try makeDirectory(configuration.checkpointRoot)
        return FileCheckpointStore(root: configuration.checkpointRoot)
    }

    private static func makeDirectory(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o750]
            )
        } catch {
            throw EngineError(.storageUnavailable, "can't make the directory \(path): \(error.localizedDescription)")
        }
    }

    func close() {
        bus.close()
        repository.close()
    }
}
