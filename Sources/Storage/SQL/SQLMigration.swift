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

    /// The label printed when it is applied.
    package var label: String {
        switch revision {
        case .original(let id): "\(id) \(summary)"
        case .ours(let version): "htmengine-\(version) \(summary)"
        }
    }
}

/// Brings a database up to date, whatever state it is in.
package enum SQLMigrator {
    /// Applies what is missing.
    ///
    /// The connection holds the installation's migration lock.
    ///
    /// - Returns: The labels of the steps applied.
    package static func migrate(_ connection: any SQLConnection) throws -> [String] {
        let steps = SQLMigration.all(connection.dialect)
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
        for step in steps {
            switch step.revision {
            case .original(let id):
                if done.contains(id) { continue }
                try apply(connection, step, after: originalNote(id, isFirst: done.isEmpty))
                done.insert(id)
            case .ours(let number):
                if number <= version { continue }
                try apply(
                    connection,
                    step,
                    after: "DELETE FROM htmengine_schema; INSERT INTO htmengine_schema (version) VALUES (\(number))"
                )
                version = number
            }
            applied.append(step.label)
        }
        return applied
    }

    private static func originalNote(_ id: String, isFirst: Bool) -> String {
        isFirst
            ? "INSERT INTO alembic_version (version_num) VALUES ('\(id)')"
            : "UPDATE alembic_version SET version_num = '\(id)'"
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
