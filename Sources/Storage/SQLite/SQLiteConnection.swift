// SPDX-License-Identifier: Apache-2.0

internal import CSQLite
import EngineCore
import Glibc

/// One connection to an SQLite file.
///
/// Used by one thread at a time.
final class SQLiteConnection: SQLConnection {
    private let handle: OpaquePointer
    private let path: String
    private var statements: [String: OpaquePointer] = [:]
    /// Pages of the write-ahead log at this connection's last commit, once `watchLog` was called.
    private(set) var logLength = 0

    var dialect: SQLDialect { .sqlite }

    /// Refused, and harmlessly so, where another part of the process has used SQLite before.
    private static let configured: Void = { _ = csqlite_leave_out_memory_statistics() }()

    /// Opens the file at `path`, creating it when `writable`.
    init(path: String, writable: Bool) throws {
        Self.configured
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (writable ? SQLITE_OPEN_CREATE : 0)
        let status = sqlite3_open_v2(path, &handle, flags, nil)
        guard status == SQLITE_OK, let handle else {
            let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(handle)
            throw SQLError(kind: Self.kind(status), code: status, message: "\(message) (\(path))")
        }
        self.path = path
        self.handle = handle
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 5000)
        // SQLite opens what it may only read without a word, and fails at the first write.
        if writable, sqlite3_db_readonly(handle, "main") == 1 {
            throw SQLError(
                kind: .readOnly,
                code: SQLITE_READONLY,
                message: "\(path) can't be written: expected a file that user \(geteuid()) may write to"
            )
        }
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// Keeps `logLength` up to date from now on. SQLite no longer copies the log into the database by itself then.
    func watchLog() {
        sqlite3_wal_hook(
            handle,
            { owner, _, _, pages in
                Unmanaged<SQLiteConnection>.fromOpaque(owner!).takeUnretainedValue().logLength = Int(pages)
                return SQLITE_OK
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    /// Copies the write-ahead log into the database as far as readers and other writers allow; what fails is tried again by
    /// whoever calls next.
    ///
    /// - Returns: Pages of the log that are in the database now; 0 after a failure.
    @discardableResult
    func copyLog() -> Int {
        // A connection that has read nothing yet doesn't know that there is a log, and would do nothing.
        guard (try? first("PRAGMA schema_version", []) { $0.integer(0) }) != nil else { return 0 }
        var (length, copied): (Int32, Int32) = (0, 0)
        let status = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, &length, &copied)
        return status == SQLITE_OK ? max(0, Int(copied)) : 0
    }

    /// Syncs the database file, which SQLite does only when it has copied the whole log.
    func syncFile() {
        var file: UnsafeMutablePointer<sqlite3_file>?
        // The connection's own file: closing another of this process would drop SQLite's locks on it.
        guard sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK, let file,
            let methods = file.pointee.pMethods
        else { return }
        // A failure is no concern here: whoever copies the rest of the log syncs again, and is told on its own file.
        _ = methods.pointee.xSync(file, SQLITE_SYNC_NORMAL)
    }

    /// Whether a transaction is open; SQLite ends it by itself after some errors, such as a full disk.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    @discardableResult
    func execute(_ sql: String, _ parameters: [SQLValue]) throws -> Int {
        let statement = try prepare(sql)
        defer { sqlite3_reset(statement) }
        try bind(statement, parameters[...], sql)
        return try stepToEnd(statement, sql)
    }

    @discardableResult
    func executeMany(_ sql: String, _ rows: SQLRows) throws -> Int {
        let statement = try prepare(sql)
        precondition(
            rows.columnCount == sqlite3_bind_parameter_count(statement),
            "the statement takes another number of parameters"
        )
        return try rows.values.withUnsafeBufferPointer { values in
            var changed = 0
            for start in stride(from: 0, to: values.count, by: rows.columnCount) {
                defer { sqlite3_reset(statement) }
                for column in 0..<rows.columnCount {
                    let value = values[start + column]
                    // A reset statement keeps what is bound, and rows of one metric come together.
                    if start > 0, case .text(let text) = value,
                        case .text(let before) = values[start + column - rows.columnCount],
                        text.utf8.elementsEqual(before.utf8)
                    {
                        continue
                    }
                    guard Self.bind(statement, Int32(column + 1), value) == SQLITE_OK else { throw lastError(sql) }
                }
                changed += try stepToEnd(statement, sql)
            }
            return changed
        }
    }

    @discardableResult
    func executeMany(_ sql: String, _ batches: [RowBatch]) throws -> Int {
        let statement = try prepare(sql)
        precondition(sqlite3_bind_parameter_count(statement) == 4, "the statement takes another number of parameters")
        // What is bound without a copy lives no longer than this call.
        defer { sqlite3_clear_bindings(statement) }
        return try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 19) { time in
            var changed = 0
            for batch in batches {
                var uid = batch.uid
                changed += try uid.withUTF8 { uid in
                    try executeMany(statement, sql, UnsafeRawBufferPointer(uid), batch, time)
                }
            }
            return changed
        }
    }

    /// - Parameters:
    ///   - uid: The bytes of the batch's uid.
    ///   - time: Room for 19 bytes, whose place doesn't change.
    private func executeMany(
        _ statement: OpaquePointer,
        _ sql: String,
        _ uid: UnsafeRawBufferPointer,
        _ batch: RowBatch,
        _ time: UnsafeMutableBufferPointer<UInt8>
    ) throws -> Int {
        var status = sqlite3_bind_text(
            statement,
            1,
            uid.assumingMemoryBound(to: CChar.self).baseAddress,
            Int32(uid.count),
            nil
        )
        var changed = 0
        var rowid = batch.firstRowid
        for sample in batch.samples {
            Timestamps.writeSQLText(sample.timestamp, into: time)
            status |= sqlite3_bind_int64(statement, 2, rowid)
            status |= time.withMemoryRebound(to: CChar.self) {
                sqlite3_bind_text(statement, 3, $0.baseAddress, 19, nil)
            }
            status |= sqlite3_bind_double(statement, 4, sample.value)
            guard status == SQLITE_OK else { throw lastError(sql) }
            defer { sqlite3_reset(statement) }
            changed += try stepToEnd(statement, sql)
            rowid += 1
        }
        return changed
    }

    func query(_ sql: String, _ parameters: [SQLValue], _ body: (any SQLRow) throws -> Bool) throws {
        let statement = try prepare(sql)
        defer { sqlite3_reset(statement) }
        try bind(statement, parameters[...], sql)
        let row = SQLiteRow(statement: statement)
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                if try !body(row) { return }
            case SQLITE_DONE: return
            default: throw lastError(sql)
            }
        }
    }

    func executeScript(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw lastError(sql) }
    }

    private func prepare(_ sql: String) throws -> OpaquePointer {
        if let known = statements[sql] { return known }
        var statement: OpaquePointer?
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        guard sqlite3_prepare_v3(handle, sql, -1, flags, &statement, nil) == SQLITE_OK, let statement else {
            throw lastError(sql)
        }
        statements[sql] = statement
        return statement
    }

    private func bind(_ statement: OpaquePointer, _ values: ArraySlice<SQLValue>, _ sql: String) throws {
        var position: Int32 = 0
        for value in values {
            position += 1
            guard Self.bind(statement, position, value) == SQLITE_OK else { throw lastError(sql) }
        }
        precondition(
            position == sqlite3_bind_parameter_count(statement),
            "the statement takes another number of parameters"
        )
    }

    private static func bind(_ statement: OpaquePointer, _ position: Int32, _ value: SQLValue) -> Int32 {
        // SQLITE_TRANSIENT, which isn't imported: SQLite copies the bytes before the call returns.
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .null: return sqlite3_bind_null(statement, position)
        case .integer(let number): return sqlite3_bind_int64(statement, position, number)
        case .double(let number): return sqlite3_bind_double(statement, position, number)
        case .text(var text):
            return text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { characters in
                    // A null pointer would bind NULL, and an empty string may have one.
                    guard let start = characters.baseAddress else {
                        return sqlite3_bind_text(statement, position, "", 0, transient)
                    }
                    return sqlite3_bind_text(statement, position, start, Int32(characters.count), transient)
                }
            }
        case .blob(let bytes):
            return bytes.withUnsafeBytes { buffer in
                guard let start = buffer.baseAddress, !buffer.isEmpty else {
                    return sqlite3_bind_zeroblob(statement, position, 0)
                }
                return sqlite3_bind_blob64(statement, position, start, UInt64(buffer.count), transient)
            }
        case .timestamp(let seconds):
            return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 19) { buffer in
                Timestamps.writeSQLText(seconds, into: buffer)
                return buffer.withMemoryRebound(to: CChar.self) { characters in
                    sqlite3_bind_text(statement, position, characters.baseAddress!, 19, transient)
                }
            }
        }
    }

    private func stepToEnd(_ statement: OpaquePointer, _ sql: String) throws -> Int {
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: continue
            case SQLITE_DONE: return Int(sqlite3_changes(handle))
            default: throw lastError(sql)
            }
        }
    }

    private func lastError(_ sql: String) -> SQLError {
        let code = sqlite3_extended_errcode(handle)
        let kind = Self.kind(code)
        var message = String(cString: sqlite3_errmsg(handle))
        switch kind {
        case .connection, .full, .readOnly, .corrupt, .busy:
            // The file's affair rather than the statement's: whoever reads it needs to know which file it is, and why.
            message += Self.fileSystemState(path).map { ": \($0) (\(path))" } ?? " (\(path))"
            return SQLError(kind: kind, code: code, message: message)
        default: return SQLError(kind: kind, code: code, message: message, sql: sql)
        }
    }

    /// What is wrong with the file system a file is on, where that can be seen; SQLite's own words for it are "disk I/O error".
    private static func fileSystemState(_ path: String) -> String? {
        var state = statvfs()
        guard statvfs(path, &state) == 0 else { return String(cString: strerror(errno)) }
        if state.f_flag & UInt(ST_RDONLY) != 0 { return "the file system is mounted read-only" }
        return state.f_bavail == 0 || (state.f_files > 0 && state.f_favail == 0) ? "the file system is full" : nil
    }

    static func kind(_ code: Int32) -> SQLError.Kind {
        switch code & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED: .busy
        case SQLITE_FULL: .full
        case SQLITE_IOERR, SQLITE_PROTOCOL: .connection
        case SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH: .readOnly
        case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
        case SQLITE_CONSTRAINT: .constraint
        default: .other
        }
    }
}

/// The current row of a stepped statement.
private final class SQLiteRow: SQLRow {
    private let statement: OpaquePointer

    init(statement: OpaquePointer) { self.statement = statement }

    func isNull(_ column: Int) -> Bool { sqlite3_column_type(statement, Int32(column)) == SQLITE_NULL }
    func integer(_ column: Int) -> Int64 { sqlite3_column_int64(statement, Int32(column)) }
    func double(_ column: Int) -> Double { sqlite3_column_double(statement, Int32(column)) }

    func text(_ column: Int) -> String {
        String(decoding: textBytes(column), as: UTF8.self)
    }

    func blob(_ column: Int) -> [UInt8] {
        guard let start = sqlite3_column_blob(statement, Int32(column)) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, Int32(column)))))
    }

    func timestamp(_ column: Int) -> Int64? {
        isNull(column) ? nil : Timestamps.parseSQLText(textBytes(column))
    }

    private func textBytes(_ column: Int) -> UnsafeBufferPointer<UInt8> {
        let start = sqlite3_column_text(statement, Int32(column))
        return UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, Int32(column))))
    }
}
