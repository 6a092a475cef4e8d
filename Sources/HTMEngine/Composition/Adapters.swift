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

    /// Opens what the configuration names. An embedded database is brought up to date, and locked by this process.
    ///
    /// - Throws: `EngineError`; `alreadyRunning` when another process has the data directory.
    static func open(_ configuration: Configuration, logger: any Logger) throws -> Adapters {
        let repository = try openRepository(configuration, logger: logger)
        let bus: any MessageBus
        switch configuration.bus {
        case .memory: bus = InProcessBus(partitionCount: configuration.settings.integer(.partitions))
        case .rabbitmq: throw EngineError(.configuration, "this build has no RabbitMQ bus")
        }
        return Adapters(repository: repository, bus: bus, checkpoints: try openCheckpoints(configuration))
    }

    static func openRepository(
        _ configuration: Configuration,
        logger: any Logger,
        migrates: Bool = true
    ) throws -> any MetricRepository {
        switch configuration.repository {
        case .sqlite:
            try makeDirectory(configuration.dataDirectory)
            var database = SQLiteDatabase.Configuration(path: configuration.databasePath)
            if configuration.settings.text(.repositorySynchronous) == "normal" { database.synchronous = .normal }
            let repository = SQLMetricRepository(database: try SQLiteDatabase(database))
            if migrates {
                for revision in try repository.migrate() { logger.info("storage", "applied revision \(revision)") }
            }
            return repository
        case .mysql: throw EngineError(.configuration, "this build has no MySQL connection")
        }
    }

    private static func openCheckpoints(_ configuration: Configuration) throws -> any CheckpointStore {
        guard configuration.checkpointRoot != "sql:" else {
            throw EngineError(.configuration, "this build keeps no checkpoints in the database")
        }
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
