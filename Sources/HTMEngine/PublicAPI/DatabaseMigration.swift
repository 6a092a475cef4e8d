// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Brings the database's schema up to date; the migrations are the engine's own.
public enum DatabaseMigration {
    /// Applies what is missing; safe to run twice and from two places at once.
    /// - Returns: The revisions applied, oldest first; empty when nothing was to do.
    /// - Throws: ``HTMEngineError`` naming host, user and database, and what to type, when the database can't be used.
    @discardableResult
    public static func run(configuration: Configuration) throws -> [String] {
        do {
            return try Migration.run(
                configuration,
                through: nil,
                logger: StandardErrorLogger(level: .warning, format: .text)
            )
        } catch {
            throw HTMEngineError(error)
        }
    }

    /// The SQL of all revisions, for a look or for an administrator who runs it by hand.
    /// - Throws: ``HTMEngineError``.
    public static func script(configuration: Configuration) throws -> String {
        do {
            return try Migration.script(configuration, through: nil)
        } catch {
            throw HTMEngineError(error)
        }
    }
}
