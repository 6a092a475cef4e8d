// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The repository over any SQL database: the statements live here, once for all dialects.
package final class SQLMetricRepository: MetricRepository {
    package let database: any SQLDatabase

    package init(database: any SQLDatabase) {
        self.database = database
    }

    package func read<Result>(_ body: (any MetricReading) throws -> Result) throws -> Result {
        try database.read { try body(SQLMetricTransaction($0)) }
    }

    package func write<Result>(_ body: (any MetricTransaction) throws -> Result) throws -> Result {
        try database.write { try body(SQLMetricTransaction($0)) }
    }

    package func write<Result>(
        whenDurable: @escaping @Sendable (EngineError?) -> Void,
        _ body: (any MetricTransaction) throws -> Result
    ) throws -> Result {
        try database.write(whenDurable: whenDurable) { try body(SQLMetricTransaction($0)) }
    }

    package func writeReproducible<Result>(_ body: (any MetricTransaction) throws -> Result) throws -> Result {
        try database.writeReproducible { try body(SQLMetricTransaction($0)) }
    }

    @discardableResult
    package func migrate() throws -> [String] {
        try database.migrate { try SQLMigrator.migrate($0) }
    }

    package func integrityProblems() throws -> [String] { try database.integrityProblems() }
    package func close() { database.close() }
}

/// The repository's operations on one connection, inside a transaction.
struct SQLMetricTransaction: MetricTransaction {
    let connection: any SQLConnection

    init(_ connection: any SQLConnection) { self.connection = connection }

    var isMySQL: Bool { connection.dialect == .mysql }

    /// The larger of two values.
    var greatest: String { isMySQL ? "GREATEST" : "MAX" }
}
