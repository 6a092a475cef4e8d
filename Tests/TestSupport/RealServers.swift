// SPDX-License-Identifier: Apache-2.0

import Foundation
import Storage

/// The MariaDB and RabbitMQ that `Tests/Support/with-servers` has started, if it has.
package enum RealServers {
    package struct SQL: Sendable {
        package var host: String
        package var port: UInt16
        package var socket: String
        package var user: String
        package var password: String
        /// The authority that signed the server's certificate; nil when it has none.
        package var authority: String?
    }

    package struct AMQP: Sendable {
        package var host: String
        package var port: UInt16
        package var tlsPort: UInt16?
        package var managementPort: UInt16
        package var user: String
        package var password: String
        package var authority: String?
    }

    private static func value(_ name: String) -> String? {
        ProcessInfo.processInfo.environment["HTMENGINE_TEST_" + name]
    }

    package static let sql: SQL? = value("SQL_PORT").flatMap(UInt16.init).map { port in
        SQL(
            host: value("SQL_HOST") ?? "127.0.0.1",
            port: port,
            socket: value("SQL_SOCKET") ?? "",
            user: value("SQL_USER") ?? "root",
            password: value("SQL_PASSWORD") ?? "",
            authority: value("CA")
        )
    }

    package static let amqp: AMQP? = value("AMQP_PORT").flatMap(UInt16.init).map { port in
        AMQP(
            host: value("AMQP_HOST") ?? "127.0.0.1",
            port: port,
            tlsPort: value("AMQP_TLS_PORT").flatMap(UInt16.init),
            managementPort: value("AMQP_MANAGEMENT_PORT").flatMap(UInt16.init) ?? 15672,
            user: value("AMQP_USER") ?? "guest",
            password: value("AMQP_PASSWORD") ?? "guest",
            authority: value("CA")
        )
    }

    /// A name nobody else uses, for databases, queues and exchanges.
    package static func uniqueName(_ prefix: String = "test") -> String {
        prefix + "_" + UUID().uuidString.replacingOccurrences(of: "-", with: "").lowercased().prefix(12)
    }
}

/// A database of its own for one test on the real MariaDB, dropped when the value goes away.
package final class TestSQLDatabase: Sendable {
    package let name: String
    package let server: RealServers.SQL

    package init(_ server: RealServers.SQL, creating: Bool = true) throws {
        self.server = server
        name = RealServers.uniqueName("htme")
        if creating {
            try Self.shell(server, nil, "CREATE DATABASE `\(name)` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        }
    }

    deinit { _ = try? Self.shell(server, nil, "DROP DATABASE IF EXISTS `\(name)`") }

    /// Runs SQL with the server's own shell.
    ///
    /// - Returns: Its output: a line of names, then lines of values, separated by tabs.
    @discardableResult
    package func shell(_ sql: String) throws -> String { try Self.shell(server, name, sql) }

    @discardableResult
    private static func shell(_ server: RealServers.SQL, _ database: String?, _ sql: String) throws -> String {
        let finished = try run(
            [
                "mariadb", "--no-defaults", "--socket=\(server.socket)", "--user=\(server.user)",
                "--default-character-set=utf8mb4", "--batch",
            ] + (database.map { [$0] } ?? []),
            input: sql,
            environment: ["MYSQL_PWD": server.password]
        )
        guard finished.status == 0 else { throw PollingTimeout(description: "mariadb: \(finished.errorOutput)") }
        return finished.output
    }
}

extension MySQLConfiguration {
    /// How tests reach a database on the real server.
    package init(_ server: RealServers.SQL, database: String) {
        self.init(database: database)
        host = server.host
        port = server.port
        user = server.user
        password = server.password
        // A server that shares its machine with all other tests.
        connectTimeout = 60
    }
}

/// What was recorded from the Python original, where this machine has it.
package enum Golden {
    /// The directory of golden data: `HTMENGINE_GOLDEN`, or beside the repository.
    package static let directory: String? = {
        let environment = ProcessInfo.processInfo.environment["HTMENGINE_GOLDEN"]
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path = environment ?? root.deletingLastPathComponent().appendingPathComponent("shared/golden").path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()

    /// A file recorded from the original itself; nil where there is none.
    package static func original(_ name: String) -> String? {
        guard let path = directory.map({ "\($0)/original/\(name)" }), FileManager.default.fileExists(atPath: path)
        else {
            return nil
        }
        return path
    }
}
