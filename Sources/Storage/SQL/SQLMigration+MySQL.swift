// SPDX-License-Identifier: Apache-2.0

extension SQLMigration {
    /// The original's four revisions as its own migrations make them, then ours.
    static let mysql: [SQLMigration] = []
}
