// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// One step of the schema.
///
/// Steps are only ever added at the end.
package struct SQLMigration: Sendable {
    /// The original's revision (`alembic_version.version_num`), or the number of ours (`htmengine_schema.version`).
    package enum Revision: Sendable, Hashable {
        case original(String)
        case ours(Int64)
    }

    package var revision: Revision
    /// What it does, for `migrate`'s output.
    package var summary: String
    /// Statements separated by semicolons.
    package var script: String

    package init(_ revision: Revision, _ summary: String, _ script: String) {
        self.revision = revision
        self.summary = summary
        self.script = script
    }

    /// All steps for a dialect, oldest first.
    package static func all(_ dialect: SQLDialect) -> [SQLMigration] {
        switch dialect {
        case .sqlite: sqlite
        case .mysql: mysql
        }
    }

    /// What `migrate --version` calls it.
    package var name: String {
        switch revision {
        case .original(let id): id
        case .ours(let version): "htmengine-\(version)"
        }
    }

    /// The label printed when it is applied.
    package var label: String { "\(name) \(summary)" }
}

/// Brings a database up to date, whatever state it is in.
package enum SQLMigrator {
    /// Applies what is missing.
    ///
    /// The connection holds the installation's migration lock.
    ///
    /// - Parameter last: The last step to apply, `57ab75d58038` or `htmengine-1`; nil or `head` for all. A database that is
    ///   beyond it already stays as it is.
    /// - Returns: The labels of the steps applied.
    package static func migrate(_ connection: any SQLConnection, through last: String? = nil) throws -> [String] {
        let steps = SQLMigration.all(connection.dialect)
        let wanted = try self.steps(connection.dialect, through: last).count
        let originals = steps.compactMap { step -> String? in
            if case .original(let id) = step.revision { id } else { nil }
        }
        var done = try appliedOriginals(connection, originals: originals)
        var version = try ourVersion(connection)
        let newest =
            steps.compactMap { step -> Int64? in
                if case .ours(let number) = step.revision { number } else { nil }
            }.max() ?? 0
        guard version <= newest else {
            throw EngineError(
                .configuration,
                "the database has schema version \(version), this program knows only up to \(newest): use a newer one"
            )
        }
        var applied: [String] = []
        for step in steps.prefix(wanted) {
            switch step.revision {
            case .original(let id):
                if done.contains(id) { continue }
                try apply(connection, step, after: note(step.revision, isFirst: done.isEmpty))
                done.insert(id)
            case .ours(let number):
                if number <= version { continue }
                try apply(connection, step, after: note(step.revision, isFirst: false))
                version = number
            }
            applied.append(step.label)
        }
        return applied
    }

    /// The steps up to a revision.
    ///
    /// - Throws: `EngineError` with code `invalidArgument` when there is none of that name.
    private static func steps(_ dialect: SQLDialect, through last: String?) throws -> ArraySlice<SQLMigration> {
        let steps = SQLMigration.all(dialect)
        guard let last, last != "head" else { return steps[...] }
        guard let position = steps.firstIndex(where: { $0.name == last }) else {
            let names = steps.map(\.name).joined(separator: ", ")
            throw EngineError(.invalidArgument, "there is no revision '\(last)', expected one of \(names), head")
        }
        return steps[...position]
    }

    /// The SQL that makes an empty database one of a revision.
    package static func script(_ dialect: SQLDialect, through last: String? = nil) throws -> String {
        let steps = try steps(dialect, through: last)
        return steps.enumerated().map { index, step in
            "-- \(step.label)\n\(step.script);\n\(note(step.revision, isFirst: index == 0));\n"
        }.joined(separator: "\n")
    }

    /// The statements that say that a step is done.
    private static func note(_ revision: SQLMigration.Revision, isFirst: Bool) -> String {
        switch revision {
        case .original(let id):
            isFirst
                ? "INSERT INTO alembic_version (version_num) VALUES ('\(id)')"
                : "UPDATE alembic_version SET version_num = '\(id)'"
        case .ours(let number):
            "DELETE FROM htmengine_schema; INSERT INTO htmengine_schema (version) VALUES (\(number))"
        }
    }

    private static func apply(_ connection: any SQLConnection, _ step: SQLMigration, after: String) throws {
        // MySQL ends the transaction at every change of a table, so there the steps are written to be safe to repeat.
        let script = "\(step.script);\n\(after)"
        guard connection.dialect == .sqlite else { return try connection.executeScript(script) }
        do {
            try connection.executeScript("BEGIN IMMEDIATE;\n\(script);\nCOMMIT")
        } catch {
            try? connection.executeScript("ROLLBACK")
            throw error
        }
    }

    private static func appliedOriginals(
        _ connection: any SQLConnection,
        originals: [String]
    ) throws -> Set<String> {
        guard try tableExists(connection, "alembic_version") else { return [] }
        guard let id = try connection.first("SELECT version_num FROM alembic_version", [], { $0.text(0) }) else {
            return []
        }
        guard let position = originals.firstIndex(of: id) else {
            throw EngineError(
                .configuration,
                "alembic_version is \(id), which is none of the original's revisions (\(originals.joined(separator: ", ")))"
            )
        }
        return Set(originals[...position])
    }

    private static func ourVersion(_ connection: any SQLConnection) throws -> Int64 {
        guard try tableExists(connection, "htmengine_schema") else { return 0 }
        return try connection.first("SELECT version FROM htmengine_schema", []) { $0.integer(0) } ?? 0
    }

    private static func tableExists(_ connection: any SQLConnection, _ name: String) throws -> Bool {
        let sql =
            switch connection.dialect {
            case .sqlite: "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
            case .mysql:
                "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
            }
        return try connection.first(sql, [.text(name)]) { $0.integer(0) > 0 } ?? false
    }
}
