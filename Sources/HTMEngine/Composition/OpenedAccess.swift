// SPDX-License-Identifier: Apache-2.0

import Bus
import Engine
import EngineCore
import Foundation

/// A program's way to the engine the configuration means, and whatever had to be opened for it.
///
/// When an embedded engine runs, that is its unix socket. When none runs, the program opens the data directory itself and has it
/// alone until `close()`; on servers it uses the database and the broker like any other process.
package final class OpenedAccess: Sendable {
    /// What to do when there is no database yet in an embedded data directory.
    package enum MissingDatabase: Sendable { case create, refuse }

    package let access: any EngineAccess
    package let maintenance: any MaintenanceAccess
    /// True when an engine answers: results then come live.
    package let isRunning: Bool
    /// Only without a running engine.
    package let direct: Direct?

    /// What a program works with when it has the data directory itself.
    package struct Direct: Sendable {
        package let repository: any MetricRepository
        package let checkpoints: any CheckpointStore
        package let operations: EngineOperations
        let adapters: Adapters
        let storer: Storer
    }

    /// - Throws: `EngineError`: `alreadyRunning` when another program has the data directory and doesn't answer, `notFound` when there
    ///   is no database and none is to be created.
    package init(_ configuration: Configuration, ifMissing: MissingDatabase, logger: any Logger) throws {
        if configuration.repository == .sqlite {
            if SocketAccess.isAnswering(socketPath: configuration.socketPath) {
                let socket = SocketAccess(socketPath: configuration.socketPath, logger: logger)
                access = socket
                maintenance = socket
                isRunning = true
                direct = nil
                return
            }
            if ifMissing == .refuse, !FileManager.default.fileExists(atPath: configuration.databasePath) {
                throw EngineError(
                    .notFound,
                    "no engine runs on \(configuration.dataDirectory) and there is no database: "
                        + "start one with 'htmengine serve', or name another directory with --data"
                )
            }
        }
        let adapters = try Adapters.open(configuration, logger: logger)
        let firstRows = Int64(configuration.settings.integer(.firstRows))
        let counters = EngineCounters()
        var storing = Storer.Configuration()
        storing.firstRows = firstRows
        let promoteAfter = configuration.settings.integer(.promoteAfter)
        storing.promoteAfter = promoteAfter > 0 ? Int64(promoteAfter) : nil
        let storer = Storer(
            repository: adapters.repository,
            bus: adapters.bus,
            logger: logger,
            counters: counters,
            configuration: storing
        )
        storer.start()
        let operations = EngineOperations(
            repository: adapters.repository,
            bus: adapters.bus,
            checkpoints: adapters.checkpoints,
            factory: configuration.settings.modelFactory,
            logger: logger,
            firstRows: firstRows,
            defaultMode: configuration.settings.defaultMode
        )
        if let broker = adapters.broker {
            access = DirectAccess(operations: operations, sink: QueueSink(bus: broker)) { try broker.openQueue($0) }
        } else {
            access = DirectAccess(operations: operations, sink: storer)
        }
        var maintaining = Maintenance.Configuration()
        maintaining.firstRows = firstRows
        maintenance = DirectMaintenance(
            maintenance: Maintenance(
                repository: adapters.repository,
                checkpoints: adapters.checkpoints,
                logger: logger,
                counters: counters,
                configuration: maintaining
            ),
            repository: adapters.repository
        )
        isRunning = configuration.repository == .mysql
        direct = Direct(
            repository: adapters.repository,
            checkpoints: adapters.checkpoints,
            operations: operations,
            adapters: adapters,
            storer: storer
        )
    }

    /// Closes what was opened.
    package func close() {
        direct?.storer.stop()
        direct?.adapters.close()
    }
}
