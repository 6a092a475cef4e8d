// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// A database's own error.
///
/// Adapters throw it from connections; `SQLDatabase` translates what leaves it into `EngineError`.
package struct SQLError: Error, Sendable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// Deadlock, lock time-out, changed table definition: the transaction may succeed when tried again.
        case retry
        /// Another process holds the database.
        case busy
        /// The server can't be reached or the connection broke.
        case connection
        /// Disk full, quota.
        case full
        /// Directory or file can't be written or read.
        case readOnly
        /// Unique, foreign key or not-null rule.
        case constraint
        /// The file or an index is damaged.
        case corrupt
        /// Login, rights, unknown database.
        case refused
        /// Wrong SQL and everything else.
        case other
    }

    package var kind: Kind
    /// The database's own number.
    package var code: Int32
    /// The database's own words; no bound values, no secrets.
    package var message: String
    /// The statement, where there is one.
    package var sql: String?

    package init(kind: Kind, code: Int32, message: String, sql: String? = nil) {
        self.kind = kind
        self.code = code
        self.message = message
        self.sql = sql
    }

    package var description: String {
        "database error \(code): \(message)" + (sql.map { " (in: \($0.prefix(120)))" } ?? "")
    }

    /// The error as callers of the repository see it.
    package var engineError: EngineError {
        switch kind {
        case .retry, .busy, .connection, .full, .readOnly, .refused: EngineError(.storageUnavailable, description)
        case .corrupt: EngineError(.storageCorrupt, description)
        case .constraint, .other: EngineError(.failed, description)
        }
    }
}
