// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Glibc

/// A database on a MySQL or MariaDB server: a pool of connections, and transactions that are tried again.
///
/// Every transaction of ours runs as `READ COMMITTED`: rows are locked by name (`FOR UPDATE`), and what another one has
/// committed while we waited for a lock is seen, where `REPEATABLE READ` would show an older state.
package final class MySQLDatabase: SQLDatabase {
    package let configuration: MySQLConfiguration
    private let pool = Monitor(Pool())
    private let logger: any Logger

    private struct Pool {
        struct Idle {
            var connection: MySQLConnection
            /// Unit: monotonic nanoseconds.
            var since: UInt64
        }

        var idle: [Idle] = []
        var open = 0
        var isClosed = false
    }

    private enum Found {
        case idle(MySQLConnection, restedNanoseconds: UInt64)
        case mayOpen
        case closed
    }

    /// A connection that rested longer is asked whether it is still there before it is used; servers and firewalls drop
    /// idle ones.
    private static let trustedRest: UInt64 = 30_000_000_000

    package var dialect: SQLDialect { .mysql }

    /// Connects nothing yet.
    package init(_ configuration: MySQLConfiguration, logger: any Logger = SilentLogger()) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Checks that the server can be reached and lets us in, once.
    ///
    /// - Throws: `EngineError` whose message names host, port, user, database and what to do, never the password.
    package func check() throws {
        do {
            give(try take())
        } catch let error as SQLError {
            throw error.engineError
        }
    }

    package func read<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        try transaction("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", snapshot: true, body)
    }

    package func write<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        try transaction("START TRANSACTION", snapshot: false, body)
    }

    private func transaction<Result>(
        _ begin: String,
        snapshot: Bool,
        _ body: (any SQLConnection) throws -> Result
    ) throws -> Result {
        try retrying { connection in
            // For the one next transaction only: a page of rows and its count must not differ.
            if snapshot { try connection.command("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ") }
            try connection.command(begin)
            do {
                let result = try body(connection)
                try connection.command("COMMIT")
                return result
            } catch {
                if (error as? SQLError)?.kind != .connection { try connection.command("ROLLBACK") }
                throw error
            }
        }
    }

    /// Runs `body` until it succeeds or fails for good: 0.1 s after a lost connection, 5 ms after a conflict with another
    /// transaction (which is through by then), then doubling, for `retrySeconds` in all.
    private func retrying<Result>(_ body: (MySQLConnection) throws -> Result) throws -> Result {
        let clock = SystemClock()
        let start = clock.monotonicNanoseconds()
        var pause = 0.0
        while true {
            do {
                return try withConnection(body)
            } catch let error as SQLError {
                pause = max(pause, error.kind == .retry ? 0.005 : 0.1)
                let passed = Double(clock.monotonicNanoseconds() - start) / 1e9
                guard error.kind == .retry || error.kind == .connection, passed + pause < configuration.retrySeconds,
                    !pool.withLock({ $0.isClosed })
                else { throw error.engineError }
                logger.warning("mysql", "\(error); trying again in \(pause) s")
                // Two that lock each other out must not meet again.
                usleep(UInt32(pause * Double.random(in: 0.5...1) * 1e6))
                pause *= 2
            }
        }
    }

    private func withConnection<Result>(_ body: (MySQLConnection) throws -> Result) throws -> Result {
        let connection = try take()
        do {
            let result = try body(connection)
            give(connection)
            return result
        } catch let error as SQLError where error.kind == .connection {
            pool.update { $0.open -= 1 }
            throw error
        } catch {
            give(connection)
            throw error
        }
    }

    private func take() throws -> MySQLConnection {
        while true {
            let now = SystemClock().monotonicNanoseconds()
            let found: Found? = pool.wait { pool in
                if pool.isClosed { return .closed }
                if let idle = pool.idle.popLast() {
                    return .idle(idle.connection, restedNanoseconds: now > idle.since ? now - idle.since : 0)
                }
                guard pool.open < configuration.largestPool else { return nil }
                pool.open += 1
                return .mayOpen
            }
            switch found {
            case .idle(let connection, let rested):
                if rested < Self.trustedRest || connection.isAlive { return connection }
                pool.update { $0.open -= 1 }
            case .mayOpen:
                do {
                    return try MySQLConnection(configuration)
                } catch {
                    pool.update { $0.open -= 1 }
                    throw error
                }
            case .closed, nil: throw EngineError(.stopping, "the database is closed")
            }
        }
    }

    private func give(_ connection: MySQLConnection) {
        let now = SystemClock().monotonicNanoseconds()
        pool.update { pool in
            if pool.isClosed { pool.open -= 1 } else { pool.idle.append(.init(connection: connection, since: now)) }
        }
    }

    /// Locks have one name space per server, so ours carries the database's name (hashed, since it may have 64 characters).
    private var migrationLock: String { "htmengine.migrate.\(String(fnv1a64(configuration.database.utf8), radix: 16))" }

    package func migrate<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        try retrying { connection in
            let granted = try connection.first("SELECT GET_LOCK(?, 300)", [.text(migrationLock)]) { $0.integer(0) }
            guard granted == 1 else {
                throw EngineError(.storageUnavailable, "another program has been migrating this database for 5 minutes")
            }
            defer { _ = try? connection.execute("DO RELEASE_LOCK(?)", [.text(migrationLock)]) }
            return try body(connection)
        }
    }

    package func integrityProblems() throws -> [String] {
        try retrying { connection in
            var problems: [String] = []
            for table in ["metric", "metric_data", "lock", "instance_status_history", "htmengine_model"] {
                try connection.query("CHECK TABLE `\(table)` EXTENDED", []) { row in
                    if row.text(2) == "error" || (row.text(2) == "status" && row.text(3) != "OK") {
                        problems.append("table \(table): \(row.text(3))")
                    }
                    return true
                }
            }
            return problems
        }
    }

    /// Names that several metrics have, in databases taken over from the original: the first one is used, the others stay.
    package func doubledNames() throws -> [String] {
        try read { connection in
            try connection.all(
                "SELECT name FROM metric WHERE name IS NOT NULL GROUP BY name HAVING COUNT(*) > 1 ORDER BY name",
                []
            ) { $0.text(0) }
        }
    }

    package func close() {
        pool.update { pool in
            pool.isClosed = true
            pool.open -= pool.idle.count
            pool.idle = []
        }
    }
}
