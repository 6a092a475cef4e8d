// SPDX-License-Identifier: Apache-2.0

/// Appends a model's state to a byte array: little-endian fixed-width numbers, variable-length counts, bulk arrays.
///
/// Nothing is self-describing; reader and writer agree by `docs/formats/checkpoint.md`.
package struct StateEncoder {
    /// What has been written so far.
    package private(set) var bytes: [UInt8] = []

    package init(reservingCapacity capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    package mutating func encode(_ value: UInt8) {
        bytes.append(value)
    }

    package mutating func encode(_ value: Bool) {
        bytes.append(value ? 1 : 0)
    }

    package mutating func encode(_ value: UInt16) {
        appendLittleEndian(value)
    }

    package mutating func encode(_ value: UInt32) {
        appendLittleEndian(value)
    }

    package mutating func encode(_ value: UInt64) {
        appendLittleEndian(value)
    }

    /// Two's complement, eight bytes.
    package mutating func encode(_ value: Int) {
        appendLittleEndian(UInt64(bitPattern: Int64(value)))
    }

    /// The bit pattern, so that NaN and −0 survive.
    package mutating func encode(_ value: Float) {
        appendLittleEndian(value.bitPattern)
    }

    /// The bit pattern, so that NaN and −0 survive.
    package mutating func encode(_ value: Double) {
        appendLittleEndian(value.bitPattern)
    }

    /// One byte that says whether a value follows.
    package mutating func encode(_ value: Double?) {
        encode(value != nil)
        if let value {
            encode(value)
        }
    }

    /// One byte that says whether there is one, and its eight bytes or zeros.
    package mutating func encode(_ timestamp: Int64?) {
        encode(timestamp != nil)
        encode(Int(timestamp ?? 0))
    }

    /// LEB128: seven bits a byte, lowest first, the top bit set on all but the last.
    package mutating func encodeVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// A count or another number that is never negative.
    package mutating func encodeVarint(_ value: Int) {
        precondition(value >= 0, "a varint holds no negative number")
        encodeVarint(UInt64(value))
    }

    /// A signed number, small magnitudes short (zigzag).
    package mutating func encodeSignedVarint(_ value: Int) {
        encodeVarint(UInt64(bitPattern: Int64((value << 1) ^ (value >> 63))))
    }

    /// Count, then UTF-8.
    package mutating func encode(_ value: String) {
        encodeVarint(value.utf8.count)
        bytes.append(contentsOf: value.utf8)
    }

    /// Count, then the numbers.
    package mutating func encode<Number: FixedWidthInteger>(_ values: [Number]) {
        encodeVarint(values.count)
        for value in values {
            appendLittleEndian(value)
        }
    }

    /// Count, then the bit patterns.
    package mutating func encode(_ values: [Float]) {
        encodeVarint(values.count)
        for value in values {
            appendLittleEndian(value.bitPattern)
        }
    }

    /// Count, then the bit patterns.
    package mutating func encode(_ values: [Double]) {
        encodeVarint(values.count)
        for value in values {
            appendLittleEndian(value.bitPattern)
        }
    }

    /// The bit patterns, without a count.
    package mutating func append(_ values: ArraySlice<Double>) {
        #if _endian(little)
            values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        #else
            for value in values { appendLittleEndian(value.bitPattern) }
        #endif
    }

    /// The bytes as they are, without a count.
    package mutating func append(contentsOf buffer: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: buffer)
    }

    /// The bytes as they are, without a count.
    package mutating func append(contentsOf buffer: [UInt8]) {
        bytes.append(contentsOf: buffer)
    }

    @inline(__always)
    private mutating func appendLittleEndian<Number: FixedWidthInteger>(_ value: Number) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
