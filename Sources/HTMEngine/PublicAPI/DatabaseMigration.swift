// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Brings the database's schema up to date; the migrations are the engine's own.
public enum DatabaseMigration {
    /// Applies what is missing; safe to run twice and from two places at once.
    /// - Parameters:
    ///   - configuration: Names the database.
    ///   - revision: The last revision to apply; nil or `head` for all.
    /// - Returns: The revisions applied, oldest first; empty when nothing was to do.
    /// - Throws: ``HTMEngineError`` naming host, user and database, and what to type, when the database can't be used.
    @discardableResult
    public static func run(configuration: Configuration, through revision: String? = nil) throws -> [String] {
        do {
            return try Migration.run(
                configuration,
                through: revision,
                logger: StandardErrorLogger(level: .warning, format: .text)
            )
        } catch {
            throw HTMEngineError(error)
        }
    }

    /// The SQL of all revisions, or up to one, for a look or for an administrator who runs it by hand.
    /// - Throws: ``HTMEngineError``.
    public static func script(configuration: Configuration, through revision: String? = nil) throws -> String {
        do {
            return try Migration.script(configuration, through: revision)
        } catch {
            throw HTMEngineError(error)
        }
    }
}
