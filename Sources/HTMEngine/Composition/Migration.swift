// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Storage

/// Bringing a database up to date, as a step of its own.
package enum Migration {
    /// - Parameter last: The last revision to apply; nil or `head` for all.
    /// - Returns: The revisions applied, oldest first; empty when nothing was to do.
    /// - Throws: `EngineError` when the database can't be opened, or is in use by a running embedded engine (which has brought it up to
    ///   date when it started).
    package static func run(_ configuration: Configuration, through last: String?, logger: any Logger) throws
        -> [String]
    {
        if configuration.repository == .sqlite, SocketAccess.isAnswering(socketPath: configuration.socketPath) {
            return []
        }
        let repository = try Adapters.openRepository(configuration, logger: logger, migrates: false)
        defer { repository.close() }
        return try repository.database.migrate { try SQLMigrator.migrate($0, through: last) }
    }

    /// The SQL that makes an empty database one of a revision, or of the newest.
    package static func script(_ configuration: Configuration, through last: String?) throws -> String {
        try SQLMigrator.script(configuration.repository == .sqlite ? .sqlite : .mysql, through: last)
    }
}
