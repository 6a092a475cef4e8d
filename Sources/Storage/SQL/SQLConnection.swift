// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The dialects the statements are written in.
///
/// They differ in few places; `SQLMetricRepository` asks where they do.
package enum SQLDialect: Sendable {
    case sqlite, mysql
}

/// A value bound to a statement.
package enum SQLValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case double(Double)
    case text(String)
    case blob([UInt8])
    /// Unix seconds, bound as a DATETIME (`YYYY-MM-DD HH:MM:SS`, UTC).
    case timestamp(Int64)

    package init(_ text: String?) { self = text.map(SQLValue.text) ?? .null }
    package init(_ number: Int64?) { self = number.map(SQLValue.integer) ?? .null }
    package init(_ number: Double?) { self = number.map(SQLValue.double) ?? .null }
    package static func optionalTimestamp(_ seconds: Int64?) -> SQLValue { seconds.map(SQLValue.timestamp) ?? .null }
}

/// Parameters of one statement for many rows, laid out row after row.
package struct SQLRows: Sendable {
    package let columnCount: Int
    /// Shape [rowCount, columnCount].
    package private(set) var values: [SQLValue] = []

    package init(columnCount: Int) {
        precondition(columnCount > 0, "a row has at least one column")
        self.columnCount = columnCount
    }

    package var rowCount: Int { values.count / columnCount }

    package mutating func reserve(rows: Int) { values.reserveCapacity(rows * columnCount) }

    /// Appends one row.
    package mutating func append(_ row: SQLValue...) {
        precondition(row.count == columnCount, "the row has another number of columns")
        values.append(contentsOf: row)
    }

    package func row(_ index: Int) -> ArraySlice<SQLValue> {
        values[index * columnCount..<(index + 1) * columnCount]
    }
}

/// The current row of a query.
///
/// Columns count from 0. Valid only inside the callback it is given to.
package protocol SQLRow {
    func isNull(_ column: Int) -> Bool
    /// 0 for NULL.
    func integer(_ column: Int) -> Int64
    /// 0 for NULL.
    func double(_ column: Int) -> Double
    /// Empty for NULL.
    func text(_ column: Int) -> String
    /// Empty for NULL.
    func blob(_ column: Int) -> [UInt8]
    /// Unix seconds of a DATETIME column; nil for NULL and for what is no date.
    func timestamp(_ column: Int) -> Int64?
}

extension SQLRow {
    package func optionalInteger(_ column: Int) -> Int64? { isNull(column) ? nil : integer(column) }
    package func optionalDouble(_ column: Int) -> Double? { isNull(column) ? nil : double(column) }
    package func optionalText(_ column: Int) -> String? { isNull(column) ? nil : text(column) }
}

/// One connection to a database, used by one thread at a time.
///
/// Placeholders are `?`. Statements are prepared once per connection and kept by their text, so texts must be few:
/// lists of changing length go through `executeMany` or are padded.
package protocol SQLConnection: AnyObject {
    var dialect: SQLDialect { get }

    /// Runs one statement.
    /// - Returns: Rows matched by its WHERE clause, changed or not (with MySQL: the flag CLIENT_FOUND_ROWS is set).
    @discardableResult
    func execute(_ sql: String, _ parameters: [SQLValue]) throws -> Int

    /// Runs the same statement for every row of `rows`, in order, in the fastest way there is: a loop over the prepared
    /// statement, a bulk bind, or (for `INSERT … VALUES (?, …)` with one tuple) multi-row statements.
    /// - Returns: As `execute`, summed.
    @discardableResult
    func executeMany(_ sql: String, _ rows: SQLRows) throws -> Int

    /// Runs a statement that takes a metric's uid, a row id, a time and a value, once for every sample in order.
    /// - Returns: As `execute`, summed.
    @discardableResult
    func executeMany(_ sql: String, _ batches: [RowBatch]) throws -> Int

    /// Calls `body` for each row of the result until it returns false. `body` must not use this connection.
    func query(_ sql: String, _ parameters: [SQLValue], _ body: (any SQLRow) throws -> Bool) throws

    /// Runs several statements without parameters, separated by semicolons; for schema changes.
    func executeScript(_ sql: String) throws
}

extension SQLConnection {
    package func executeMany(_ sql: String, _ batches: [RowBatch]) throws -> Int {
        var rows = SQLRows(columnCount: 4)
        rows.reserve(rows: batches.reduce(0) { $0 + $1.samples.count })
        for batch in batches {
            for (index, sample) in batch.samples.enumerated() {
                rows.append(
                    .text(batch.uid),
                    .integer(batch.firstRowid + Int64(index)),
                    .timestamp(sample.timestamp),
                    .double(sample.value)
                )
            }
        }
        return try executeMany(sql, rows)
    }

    /// The first row of a query through `body`; nil when there is none.
    package func first<Value>(
        _ sql: String,
        _ parameters: [SQLValue],
        _ body: (any SQLRow) throws -> Value
    ) throws -> Value? {
        var result: Value?
        try query(sql, parameters) { row in
            result = try body(row)
            return false
        }
        return result
    }

    /// All rows of a query through `body`.
    package func all<Value>(
        _ sql: String,
        _ parameters: [SQLValue],
        _ body: (any SQLRow) throws -> Value
    ) throws -> [Value] {
        var result: [Value] = []
        try query(sql, parameters) { row in
            result.append(try body(row))
            return true
        }
        return result
    }
}

/// Connections to one database: who runs bodies on which of them.
package protocol SQLDatabase: Sendable {
    var dialect: SQLDialect { get }

    /// Runs `body` on one consistent snapshot; contract as `MetricRepository.read`.
    func read<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result

    /// Runs `body` in a transaction and returns when it is durable; contract as `MetricRepository.write`. Deadlocks, lock
    /// time-outs and lost connections are tried again with bounded back-off (spec engine.md 4.5).
    func write<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result

    /// Contract as `MetricRepository.write(whenDurable:_:)`.
    func write<Result>(
        whenDurable: @escaping @Sendable (EngineError?) -> Void,
        _ body: (any SQLConnection) throws -> Result
    ) throws -> Result

    /// Contract as `MetricRepository.writeReproducible`.
    func writeReproducible<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result

    /// Runs `body` outside any transaction on a connection nobody else uses meanwhile, holding the installation-wide lock
    /// for migrations.
    func migrate<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result

    func integrityProblems() throws -> [String]
    func close()
}

extension SQLDatabase {
    package func write<Result>(
        whenDurable: @escaping @Sendable (EngineError?) -> Void,
        _ body: (any SQLConnection) throws -> Result
    ) throws -> Result {
        let result = try write(body)
        whenDurable(nil)
        return result
    }

    package func writeReproducible<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        try write(body)
    }
}
