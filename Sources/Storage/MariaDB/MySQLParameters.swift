// SPDX-License-Identifier: Apache-2.0

internal import CMariaDB
import EngineCore

/// Memory for the values bound to a statement while it runs, reused from call to call.
///
/// Connector/C wants pointers that stay put until the statement has been sent; one arena holds them all.
final class MySQLParameters {
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    private var used = 0
    private var binds: UnsafeMutablePointer<MYSQL_BIND>
    private var bindCapacity: Int

    init() {
        capacity = 64 << 10
        memory = .allocate(byteCount: capacity, alignment: 16)
        bindCapacity = 64
        binds = .allocate(capacity: bindCapacity)
    }

    deinit {
        memory.deallocate()
        binds.deallocate()
    }

    /// How a column is sent.
    private enum Kind {
        case null, integer, double, bytes
    }

    private static func kind(_ value: SQLValue) -> Kind {
        switch value {
        case .null: .null
        case .integer: .integer
        case .double: .double
        case .text, .blob, .timestamp: .bytes
        }
    }

    /// Length of a value sent as bytes.
    private static func byteCount(_ value: SQLValue) -> Int {
        switch value {
        case .text(let text): text.utf8.count
        case .blob(let bytes): bytes.count
        case .timestamp: 19
        case .null, .integer, .double: 0
        }
    }

    /// Binds one row of values; valid until the next call.
    func bind(_ values: ArraySlice<SQLValue>) -> UnsafeMutablePointer<MYSQL_BIND> {
        reserve(values.reduce(0) { $0 + 16 + Self.byteCount($1) }, binds: values.count)
        for (index, value) in values.enumerated() {
            var bind = MYSQL_BIND()
            switch value {
            case .null: bind.buffer_type = MYSQL_TYPE_NULL
            case .integer(let number):
                bind.buffer_type = MYSQL_TYPE_LONGLONG
                bind.buffer = take(8)
                bind.buffer.storeBytes(of: number, as: Int64.self)
            case .double(let number):
                bind.buffer_type = MYSQL_TYPE_DOUBLE
                bind.buffer = take(8)
                bind.buffer.storeBytes(of: number, as: Double.self)
            case .text, .timestamp, .blob:
                bind.buffer_type = Self.wireType(value)
                let (start, count) = copy(value)
                bind.buffer = start
                bind.buffer_length = UInt(count)
                bind.length_value = UInt(count)
            }
            binds[index] = bind
        }
        return binds
    }

    private static func wireType(_ value: SQLValue) -> enum_field_types {
        if case .blob = value { MYSQL_TYPE_BLOB } else { MYSQL_TYPE_STRING }
    }

    /// Binds rows `range` column by column, for Connector/C's bulk execution.
    ///
    /// - Returns: nil when a column mixes kinds, which bulk execution can't say.
    func bindColumns(_ rows: SQLRows, _ range: Range<Int>) -> UnsafeMutablePointer<MYSQL_BIND>? {
        let columns = rows.columnCount
        let bytes = rows.values[range.lowerBound * columns..<range.upperBound * columns]
            .reduce(0) { $0 + Self.byteCount($1) + 16 }
        reserve(bytes + range.count * columns * 40 + columns * 64, binds: columns)
        for column in 0..<columns {
            guard let bind = bindColumn(rows, range, column) else { return nil }
            binds[column] = bind
        }
        return binds
    }

    private func bindColumn(_ rows: SQLRows, _ range: Range<Int>, _ column: Int) -> MYSQL_BIND? {
        var kind = Kind.null
        var wireType = MYSQL_TYPE_STRING
        let indicators = take(range.count).assumingMemoryBound(to: CChar.self)
        for (position, row) in range.enumerated() {
            let value = rows.values[row * rows.columnCount + column]
            let own = Self.kind(value)
            indicators[position] = CChar(own == .null ? STMT_INDICATOR_NULL.rawValue : STMT_INDICATOR_NONE.rawValue)
            if own == .null { continue }
            if kind == .null {
                kind = own
                wireType = Self.wireType(value)
            } else if kind != own {
                return nil
            }
        }
        var bind = MYSQL_BIND()
        bind.u.indicator = indicators
        switch kind {
        case .integer, .double:
            bind.buffer_type = kind == .integer ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_DOUBLE
            bind.buffer = take(8 * range.count)
            for (position, row) in range.enumerated() {
                switch rows.values[row * rows.columnCount + column] {
                case .integer(let number):
                    bind.buffer.storeBytes(of: number, toByteOffset: 8 * position, as: Int64.self)
                case .double(let number):
                    bind.buffer.storeBytes(of: number, toByteOffset: 8 * position, as: Double.self)
                default: bind.buffer.storeBytes(of: 0, toByteOffset: 8 * position, as: Int64.self)
                }
            }
        case .bytes, .null:
            bind.buffer_type = wireType
            let starts = take(8 * range.count).assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
            let lengths = take(8 * range.count).assumingMemoryBound(to: UInt.self)
            for (position, row) in range.enumerated() {
                let (start, count) = copy(rows.values[row * rows.columnCount + column])
                starts[position] = start
                lengths[position] = UInt(count)
            }
            bind.buffer = UnsafeMutableRawPointer(starts)
            bind.length = lengths
        }
        return bind
    }

    private func copy(_ value: SQLValue) -> (start: UnsafeMutableRawPointer, count: Int) {
        let count = Self.byteCount(value)
        let start = take(count)
        let target = UnsafeMutableRawBufferPointer(start: start, count: count)
        switch value {
        case .text(let text): target.copyBytes(from: text.utf8)
        case .blob(let bytes): target.copyBytes(from: bytes)
        case .timestamp(let seconds): Timestamps.writeSQLText(seconds, into: target.bindMemory(to: UInt8.self))
        case .null, .integer, .double: break
        }
        return (start, count)
    }

    private func reserve(_ bytes: Int, binds count: Int) {
        used = 0
        if bytes > capacity {
            memory.deallocate()
            capacity = bytes * 2
            memory = .allocate(byteCount: capacity, alignment: 16)
        }
        if count > bindCapacity {
            binds.deallocate()
            bindCapacity = count * 2
            binds = .allocate(capacity: bindCapacity)
        }
    }

    /// The next free bytes, aligned to 8.
    private func take(_ count: Int) -> UnsafeMutableRawPointer {
        let start = memory + used
        used += (count + 8) & ~7
        precondition(used <= capacity, "the arena was reserved too small")
        return start
    }
}
