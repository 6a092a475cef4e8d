// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Storage

/// Bringing a database up to date, as a step of its own.
package enum Migration {
    /// - Returns: The revisions applied, oldest first; empty when nothing was to do.
    /// - Throws: `EngineError` when the database can't be opened, or is in use by a running embedded engine (which has brought it up to
    ///   date when it started).
    package static func run(_ configuration: Configuration, logger: any Logger) throws -> [String] {
        if configuration.repository == .sqlite, SocketAccess.isAnswering(socketPath: configuration.socketPath) {
            return []
        }
        let repository = try Adapters.openRepository(configuration, logger: logger, migrates: false)
        defer { repository.close() }
        return try repository.migrate()
    }

    /// The SQL of all steps.
    package static func script(_ configuration: Configuration) -> String {
        let dialect: SQLDialect = configuration.repository == .sqlite ? .sqlite : .mysql
        return SQLMigration.all(dialect).map { "-- \($0.label)\n\($0.script);\n" }.joined(separator: "\n")
    }
}
