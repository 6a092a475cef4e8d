// SPDX-License-Identifier: Apache-2.0

internal import CMariaDB
import EngineCore

/// A prepared statement of one connection, with the memory its results are fetched into.
final class MySQLStatement {
    let handle: UnsafeMutablePointer<MYSQL_STMT>
    let sql: String
    let parameterCount: Int
    /// nil for statements without a result.
    private(set) var row: MySQLRow?

    init(connection: UnsafeMutablePointer<MYSQL>, sql: String) throws {
        guard let handle = mysql_stmt_init(connection) else { throw MySQLError.last(connection, sql) }
        var text = sql
        let status = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { mysql_stmt_prepare(handle, $0.baseAddress, UInt($0.count)) }
        }
        guard status == 0 else {
            let error = MySQLError.last(handle, sql)
            mysql_stmt_close(handle)
            throw error
        }
        self.handle = handle
        self.sql = sql
        parameterCount = Int(mysql_stmt_param_count(handle))
        if let metadata = mysql_stmt_result_metadata(handle) {
            row = MySQLRow(metadata: metadata)
            mysql_free_result(metadata)
        }
    }

    deinit { mysql_stmt_close(handle) }

    /// Sends it with one row of parameters.
    func run(_ parameters: UnsafeMutablePointer<MYSQL_BIND>, count: Int) throws {
        precondition(count == parameterCount, "the statement takes another number of parameters: \(sql)")
        if count > 0, mysql_stmt_bind_param(handle, parameters) != 0 { throw MySQLError.last(handle, sql) }
        guard mysql_stmt_execute(handle) == 0 else { throw MySQLError.last(handle, sql) }
    }

    /// Sends it with many rows of parameters at once.
    func runBulk(_ parameters: UnsafeMutablePointer<MYSQL_BIND>, rows: Int) throws {
        var size = UInt32(rows)
        mysql_stmt_attr_set(handle, STMT_ATTR_ARRAY_SIZE, &size)
        defer {
            var none: UInt32 = 0
            mysql_stmt_attr_set(handle, STMT_ATTR_ARRAY_SIZE, &none)
        }
        guard mysql_stmt_bind_param(handle, parameters) == 0, mysql_stmt_execute(handle) == 0 else {
            throw MySQLError.last(handle, sql)
        }
    }

    /// Rows matched by the last run.
    var affectedRows: Int {
        let count = mysql_stmt_affected_rows(handle)
        return count == UInt64.max ? 0 : Int(count)
    }

    /// Reads the result of the last run row by row.
    func fetch(_ body: (any SQLRow) throws -> Bool) throws {
        guard let row else { return }
        defer { mysql_stmt_free_result(handle) }
        guard mysql_stmt_bind_result(handle, row.binds) == 0 else { throw MySQLError.last(handle, sql) }
        while true {
            switch mysql_stmt_fetch(handle) {
            case 0: break
            case MYSQL_DATA_TRUNCATED: try row.fetchLong(handle, sql)
            case MYSQL_NO_DATA: return
            default: throw MySQLError.last(handle, sql)
            }
            if try !body(row) { return }
        }
    }
}

/// The current row of a fetched result: every column in the form it travels in.
final class MySQLRow: SQLRow {
    private enum Form {
        case integer, double, time, bytes
    }

    /// One column's memory.
    private struct Column {
        var form: Form
        var memory: UnsafeMutableRawPointer
        var capacity: Int
    }

    let binds: UnsafeMutablePointer<MYSQL_BIND>
    private var columns: [Column] = []
    private let lengths: UnsafeMutablePointer<UInt>
    private let nulls: UnsafeMutablePointer<my_bool>
    private let errors: UnsafeMutablePointer<my_bool>

    init(metadata: UnsafeMutablePointer<MYSQL_RES>) {
        let count = Int(mysql_num_fields(metadata))
        binds = .allocate(capacity: count)
        binds.initialize(repeating: MYSQL_BIND(), count: count)
        lengths = .allocate(capacity: count)
        lengths.initialize(repeating: 0, count: count)
        nulls = .allocate(capacity: count)
        nulls.initialize(repeating: 0, count: count)
        errors = .allocate(capacity: count)
        errors.initialize(repeating: 0, count: count)
        let fields = mysql_fetch_fields(metadata)!
        for index in 0..<count {
            let form = Self.form(fields[index].type)
            let capacity = form == .bytes ? 256 : MemoryLayout<MYSQL_TIME>.size
            columns.append(Column(form: form, memory: .allocate(byteCount: capacity, alignment: 8), capacity: capacity))
            bindColumn(index)
        }
    }

    deinit {
        for column in columns { column.memory.deallocate() }
        binds.deallocate()
        lengths.deallocate()
        nulls.deallocate()
        errors.deallocate()
    }

    private static func form(_ type: enum_field_types) -> Form {
        switch type {
        case MYSQL_TYPE_TINY, MYSQL_TYPE_SHORT, MYSQL_TYPE_INT24, MYSQL_TYPE_LONG, MYSQL_TYPE_LONGLONG, MYSQL_TYPE_YEAR:
            .integer
        case MYSQL_TYPE_FLOAT, MYSQL_TYPE_DOUBLE: .double
        case MYSQL_TYPE_DATETIME, MYSQL_TYPE_TIMESTAMP, MYSQL_TYPE_DATE: .time
        default: .bytes
        }
    }

    private func bindColumn(_ index: Int) {
        let column = columns[index]
        var bind = MYSQL_BIND()
        switch column.form {
        case .integer: bind.buffer_type = MYSQL_TYPE_LONGLONG
        case .double: bind.buffer_type = MYSQL_TYPE_DOUBLE
        case .time: bind.buffer_type = MYSQL_TYPE_DATETIME
        case .bytes: bind.buffer_type = MYSQL_TYPE_BLOB
        }
        bind.buffer = column.memory
        bind.buffer_length = UInt(column.capacity)
        bind.length = lengths + index
        bind.is_null = nulls + index
        bind.error = errors + index
        binds[index] = bind
    }

    /// Fetches again what didn't fit, into memory that from now on is large enough.
    func fetchLong(_ statement: UnsafeMutablePointer<MYSQL_STMT>, _ sql: String) throws {
        var grown = false
        for index in columns.indices where columns[index].form == .bytes && nulls[index] == 0 {
            let length = Int(lengths[index])
            guard length > columns[index].capacity else { continue }
            columns[index].memory.deallocate()
            columns[index].capacity = length * 2
            columns[index].memory = .allocate(byteCount: length * 2, alignment: 8)
            bindColumn(index)
            grown = true
            guard mysql_stmt_fetch_column(statement, binds + index, UInt32(index), 0) == 0 else {
                throw MySQLError.last(statement, sql)
            }
        }
        if grown, mysql_stmt_bind_result(statement, binds) != 0 { throw MySQLError.last(statement, sql) }
    }

    func isNull(_ column: Int) -> Bool { nulls[column] != 0 }

    func integer(_ column: Int) -> Int64 {
        if isNull(column) { return 0 }
        switch columns[column].form {
        case .integer: return columns[column].memory.load(as: Int64.self)
        case .double: return Int64(columns[column].memory.load(as: Double.self))
        case .time: return timestamp(column) ?? 0
        // Sums of whole numbers come as DECIMAL, which travels as text.
        case .bytes: return Int64(text(column)) ?? Int64(Double(text(column)) ?? 0)
        }
    }

    func double(_ column: Int) -> Double {
        if isNull(column) { return 0 }
        switch columns[column].form {
        case .integer: return Double(columns[column].memory.load(as: Int64.self))
        case .double: return columns[column].memory.load(as: Double.self)
        case .time: return Double(timestamp(column) ?? 0)
        case .bytes: return Double(text(column)) ?? 0
        }
    }

    func text(_ column: Int) -> String {
        if isNull(column) { return "" }
        switch columns[column].form {
        case .integer: return String(integer(column))
        case .double: return NumberFormat.shortest(double(column))
        case .time: return timestamp(column).map(Timestamps.sqlText) ?? ""
        case .bytes: return String(decoding: bytes(column), as: UTF8.self)
        }
    }

    func blob(_ column: Int) -> [UInt8] {
        isNull(column) ? [] : columns[column].form == .bytes ? Array(bytes(column)) : Array(text(column).utf8)
    }

    func timestamp(_ column: Int) -> Int64? {
        if isNull(column) { return nil }
        switch columns[column].form {
        case .time:
            let time = columns[column].memory.load(as: MYSQL_TIME.self)
            // MySQL's zero date is no date.
            guard time.month > 0, time.day > 0 else { return nil }
            let days = Timestamps.days(year: Int(time.year), month: Int(time.month), day: Int(time.day))
            return days * 86_400 + Int64(time.hour) * 3600 + Int64(time.minute) * 60 + Int64(time.second)
        case .bytes: return Timestamps.parseSQLText(text(column))
        case .integer, .double: return nil
        }
    }

    private func bytes(_ column: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: columns[column].memory, count: Int(lengths[column]))
    }
}
