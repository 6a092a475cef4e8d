// SPDX-License-Identifier: Apache-2.0

internal import CMariaDB
import EngineCore

/// One connection to a MySQL or MariaDB server through Connector/C.
///
/// Used by one thread at a time.
final class MySQLConnection: SQLConnection {
    private let handle: UnsafeMutablePointer<MYSQL>
    private var statements: [String: MySQLStatement] = [:]
    private let parameters = MySQLParameters()
    /// Whether the server takes many rows of parameters in one message (MariaDB does, MySQL doesn't).
    let takesBulk: Bool

    /// Statements kept per connection; a server has room for 16,382 of all its clients.
    private static let mostStatements = 128
    /// Rows and bytes of one bulk message, well below `max_allowed_packet`'s default of 16 MB.
    private static let bulkRows = 1000
    private static let bulkBytes = 4 << 20
    /// A host that is cut off, frozen or without power says no farewell, and its open transaction would keep its locks for hours:
    /// the server must end what nobody goes on with. (MySQL has the first of the two only.) `MySQLDatabase` doesn't trust a
    /// connection that has rested for half as long.
    ///
    /// Unit: seconds.
    private static let idleSeconds = 60
    private static let idleTransactionSeconds = 15

    var dialect: SQLDialect { .mysql }

    private static let library: Void = {
        precondition(mysql_server_init(0, nil, nil) == 0, "the client library can't be initialised")
    }()

    /// Connects, and sets what our statements rely on: UTC, strict types, `READ COMMITTED`.
    ///
    /// - Throws: `SQLError` of kind `connection` or `refused`, whose message says what to do about it.
    init(_ configuration: MySQLConfiguration) throws {
        _ = Self.library
        guard let handle = mysql_init(nil) else {
            throw SQLError(kind: .other, code: 0, message: "out of memory")
        }
        Self.setOptions(handle, configuration)
        // With CLIENT_FOUND_ROWS, an UPDATE counts the rows it found, also those that had the new values already.
        let flags = UInt(CLIENT_FOUND_ROWS)
        let connected =
            if let socket = configuration.unixSocket {
                mysql_real_connect(
                    handle,
                    nil,
                    configuration.user,
                    configuration.password,
                    configuration.database,
                    0,
                    socket,
                    flags
                )
            } else {
                // A name would make the library prefer a socket of its own choosing when it is "localhost".
                mysql_real_connect(
                    handle,
                    configuration.host == "localhost" ? "127.0.0.1" : configuration.host,
                    configuration.user,
                    configuration.password,
                    configuration.database,
                    UInt32(configuration.port),
                    nil,
                    flags
                )
            }
        guard connected != nil else {
            let error = MySQLError.last(handle)
            mysql_close(handle)
            let message = configuration.advice(code: UInt32(bitPattern: error.code), message: error.message)
            throw SQLError(kind: error.kind, code: error.code, message: message)
        }
        self.handle = handle
        takesBulk = mysql_get_server_info(handle).map { String(cString: $0).contains("MariaDB") } ?? false
        // Not before all is initialised: the next lines use self.
        try executeScript(
            """
            SET NAMES utf8mb4 COLLATE utf8mb4_bin;
            SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',
            innodb_lock_wait_timeout = 10, wait_timeout = \(Self.idleSeconds)\(takesBulk ? ", idle_transaction_timeout = \(Self.idleTransactionSeconds)" : "");
            SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED
            """
        )
    }

    private static func setOptions(_ handle: UnsafeMutablePointer<MYSQL>, _ configuration: MySQLConfiguration) {
        var connect = configuration.connectTimeout
        mysql_options(handle, MYSQL_OPT_CONNECT_TIMEOUT, &connect)
        var answer = configuration.answerTimeout
        mysql_options(handle, MYSQL_OPT_READ_TIMEOUT, &answer)
        mysql_options(handle, MYSQL_OPT_WRITE_TIMEOUT, &answer)
        mysql_options(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4")
        var yes: my_bool = 1
        var no: my_bool = 0
        mysql_options(handle, MYSQL_OPT_RECONNECT, &no)
        mysql_options(handle, MYSQL_REPORT_DATA_TRUNCATION, &yes)
        guard let tls = configuration.tls else { return }
        mysql_ssl_set(handle, tls.keyFile, tls.certificateFile, tls.authorityFile, nil, nil)
        mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &yes)
        var verify: my_bool = tls.verifiesServer ? 1 : 0
        mysql_options(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify)
    }

    deinit {
        statements = [:]
        mysql_close(handle)
    }

    /// Whether the server still answers.
    var isAlive: Bool { mysql_ping(handle) == 0 }

    /// The cipher in use; nil without TLS.
    var cipher: String? { mysql_get_ssl_cipher(handle).map { String(cString: $0) } }

    @discardableResult
    func execute(_ sql: String, _ values: [SQLValue]) throws -> Int {
        let statement = try prepare(sql)
        try statement.run(parameters.bind(values[...]), count: values.count)
        if statement.row != nil { try statement.fetch { _ in true } }
        return statement.affectedRows
    }

    @discardableResult
    func executeMany(_ sql: String, _ rows: SQLRows) throws -> Int {
        var changed = 0
        var start = 0
        while start < rows.rowCount {
            let range = start..<endOfBulk(rows, from: start)
            changed += try executeRange(sql, rows, range)
            start = range.upperBound
        }
        return changed
    }

    private func executeRange(_ sql: String, _ rows: SQLRows, _ range: Range<Int>) throws -> Int {
        if takesBulk, range.count > 1, let binds = parameters.bindColumns(rows, range) {
            let statement = try prepare(sql)
            try statement.runBulk(binds, rows: range.count)
            return statement.affectedRows
        }
        if range.count > 1, let multiple = Self.multiRow(sql) {
            return try executeMultiRow(sql, multiple, rows, range)
        }
        let statement = try prepare(sql)
        var changed = 0
        for row in range {
            let values = rows.row(row)
            try statement.run(parameters.bind(values), count: values.count)
            changed += statement.affectedRows
        }
        return changed
    }

    /// Where a bulk message that begins at `start` ends.
    private func endOfBulk(_ rows: SQLRows, from start: Int) -> Int {
        var bytes = 0
        var end = start
        while end < rows.rowCount, end - start < Self.bulkRows, bytes < Self.bulkBytes {
            for value in rows.row(end) {
                switch value {
                case .text(let text): bytes += text.utf8.count
                case .blob(let blob): bytes += blob.count
                default: bytes += 8
                }
            }
            end += 1
        }
        return end
    }

    /// `INSERT … VALUES (?, …)` in its two parts, the tuple last; nil for other statements.
    private static func multiRow(_ sql: String) -> (head: Substring, tuple: Substring)? {
        guard sql.hasPrefix("INSERT"), sql.hasSuffix(")"), let open = sql.lastIndex(of: "("),
            sql[open...].allSatisfy({ "(?, )".contains($0) })
        else { return nil }
        return (sql[..<open], sql[open...])
    }

    /// Inserts with statements of several tuples, in few sizes so that few are prepared.
    private func executeMultiRow(
        _ sql: String,
        _ parts: (head: Substring, tuple: Substring),
        _ rows: SQLRows,
        _ range: Range<Int>
    ) throws -> Int {
        var changed = 0
        var start = range.lowerBound
        while start < range.upperBound {
            let size = [256, 32, 4, 1].first { $0 <= range.upperBound - start } ?? 1
            let text =
                size == 1
                ? sql : parts.head + Array(repeating: String(parts.tuple), count: size).joined(separator: ", ")
            let statement = try prepare(text)
            let values = rows.values[start * rows.columnCount..<(start + size) * rows.columnCount]
            try statement.run(parameters.bind(values), count: values.count)
            changed += statement.affectedRows
            start += size
        }
        return changed
    }

    func query(_ sql: String, _ values: [SQLValue], _ body: (any SQLRow) throws -> Bool) throws {
        let statement = try prepare(sql)
        try statement.run(parameters.bind(values[...]), count: values.count)
        try statement.fetch(body)
    }

    /// Runs one statement without parameters and without a result, in one round trip.
    func command(_ sql: String) throws {
        guard mysql_real_query(handle, sql, UInt(sql.utf8.count)) == 0 else { throw MySQLError.last(handle, sql) }
    }

    func executeScript(_ sql: String) throws {
        // Only here: a statement with values in it never reaches the server as text.
        mysql_set_server_option(handle, MYSQL_OPTION_MULTI_STATEMENTS_ON)
        defer { mysql_set_server_option(handle, MYSQL_OPTION_MULTI_STATEMENTS_OFF) }
        var text = sql
        let status = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { mysql_real_query(handle, $0.baseAddress, UInt($0.count)) }
        }
        guard status == 0 else { throw MySQLError.last(handle, sql) }
        while true {
            if let result = mysql_store_result(handle) { mysql_free_result(result) }
            switch mysql_next_result(handle) {
            case 0: continue
            case -1: return
            default: throw MySQLError.last(handle, sql)
            }
        }
    }

    private func prepare(_ sql: String) throws -> MySQLStatement {
        if let known = statements[sql] { return known }
        if statements.count >= Self.mostStatements { statements = [:] }
        let statement = try MySQLStatement(connection: handle, sql: sql)
        statements[sql] = statement
        return statement
    }
}
