// SPDX-License-Identifier: Apache-2.0

/// Reads what `StateEncoder` wrote, checking every bound: damaged bytes are an error, never a trap.
package struct StateDecoder {
    private let bytes: [UInt8]
    /// Where the next value begins.
    package private(set) var offset: Int

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        offset = 0
    }

    /// How many bytes are left.
    package var remaining: Int {
        bytes.count - offset
    }

    package mutating func decodeUInt8() throws(CheckpointError) -> UInt8 {
        guard offset < bytes.count else {
            throw .truncated(at: offset, needed: 1)
        }
        defer { offset += 1 }
        return bytes[offset]
    }

    package mutating func decodeBool() throws(CheckpointError) -> Bool {
        let value = try decodeUInt8()
        guard value <= 1 else {
            throw .damaged("a truth value is \(value) at offset \(offset - 1), expected 0 or 1")
        }
        return value == 1
    }

    package mutating func decodeUInt16() throws(CheckpointError) -> UInt16 {
        try decodeLittleEndian()
    }

    package mutating func decodeUInt32() throws(CheckpointError) -> UInt32 {
        try decodeLittleEndian()
    }

    package mutating func decodeUInt64() throws(CheckpointError) -> UInt64 {
        try decodeLittleEndian()
    }

    package mutating func decodeInt() throws(CheckpointError) -> Int {
        Int(Int64(bitPattern: try decodeUInt64()))
    }

    package mutating func decodeFloat() throws(CheckpointError) -> Float {
        Float(bitPattern: try decodeUInt32())
    }

    package mutating func decodeDouble() throws(CheckpointError) -> Double {
        Double(bitPattern: try decodeUInt64())
    }

    package mutating func decodeOptionalDouble() throws(CheckpointError) -> Double? {
        try decodeBool() ? try decodeDouble() : nil
    }

    package mutating func decodeOptionalTimestamp() throws(CheckpointError) -> Int64? {
        let isKnown = try decodeBool()
        let timestamp = Int64(try decodeInt())
        return isKnown ? timestamp : nil
    }

    package mutating func decodeVarint() throws(CheckpointError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try decodeUInt8()
            guard shift < 63 || byte <= 1 else {
                throw .damaged("a variable-length number at offset \(offset) exceeds 64 bits")
            }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                return value
            }
            shift += 7
        }
    }

    package mutating func decodeSignedVarint() throws(CheckpointError) -> Int {
        let value = try decodeVarint()
        return Int(Int64(bitPattern: (value >> 1) ^ (0 &- (value & 1))))
    }

    /// A number of 0...limit.
    ///
    /// - Parameters:
    ///   - limit: The largest value a sound model can have here.
    ///   - what: Names the value in the error.
    package mutating func decodeVarint(atMost limit: Int, _ what: String) throws(CheckpointError) -> Int {
        let value = try decodeVarint()
        guard value <= UInt64(limit) else {
            throw .damaged("\(what) is \(value), expected at most \(limit)")
        }
        return Int(value)
    }

    /// How many elements follow, each of at least `bytesPerElement` bytes: a count that can't fit in the bytes left is
    /// refused before anything is allocated for it.
    package mutating func decodeCount(bytesPerElement: Int, _ what: String) throws(CheckpointError) -> Int {
        precondition(bytesPerElement > 0, "an element takes at least one byte")
        let count = try decodeVarint()
        guard count <= UInt64(remaining / bytesPerElement) else {
            throw .damaged("\(what): \(count) elements announced, but only \(remaining) bytes are left")
        }
        return Int(count)
    }

    package mutating func decodeString() throws(CheckpointError) -> String {
        let count = try decodeCount(bytesPerElement: 1, "a text")
        guard let text = String(validating: bytes[offset..<offset + count], as: UTF8.self) else {
            throw .damaged("a text at offset \(offset) is not UTF-8")
        }
        offset += count
        return text
    }

    package mutating func decodeArray<Number: FixedWidthInteger>(
        of type: Number.Type = Number.self,
        _ what: String
    ) throws(CheckpointError) -> [Number] {
        let count = try decodeCount(bytesPerElement: MemoryLayout<Number>.size, what)
        var values: [Number] = []
        values.reserveCapacity(count)
        for _ in 0..<count {
            values.append(try decodeLittleEndian())
        }
        return values
    }

    package mutating func decodeFloats(_ what: String) throws(CheckpointError) -> [Float] {
        try decodeArray(of: UInt32.self, what).map { Float(bitPattern: $0) }
    }

    package mutating func decodeDoubles(_ what: String) throws(CheckpointError) -> [Double] {
        try decodeArray(of: UInt64.self, what).map { Double(bitPattern: $0) }
    }

    /// Puts the next numbers, written without a count, into a range of `values`.
    package mutating func decodeDoubles(into values: inout [Double], at range: Range<Int>) throws(CheckpointError) {
        guard range.count <= remaining / MemoryLayout<Double>.size else {
            throw .truncated(at: offset, needed: range.count * MemoryLayout<Double>.size)
        }
        #if _endian(little)
            let start = offset
            offset += range.count * MemoryLayout<Double>.size
            values.withUnsafeMutableBytes { values in
                bytes.withUnsafeBytes { bytes in
                    let size = MemoryLayout<Double>.size
                    UnsafeMutableRawBufferPointer(rebasing: values[range.lowerBound * size..<range.upperBound * size])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + range.count * size]))
                }
            }
        #else
            for index in range { values[index] = try decodeDouble() }
        #endif
    }

    /// Lets `body` read the next `count` bytes in place.
    package mutating func withBytes<Result>(
        _ count: Int,
        _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) throws(CheckpointError) -> Result {
        guard count >= 0, count <= remaining else {
            throw .truncated(at: offset, needed: count)
        }
        let start = offset
        offset += count
        return bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[start..<start + count])) }
    }

    /// Goes on behind the next `count` bytes.
    package mutating func skip(_ count: Int) throws(CheckpointError) {
        guard count >= 0, count <= remaining else {
            throw .truncated(at: offset, needed: count)
        }
        offset += count
    }

    /// Lets `body` read ranges of bytes that lie before `offset`, in place.
    func withStreams<Result>(_ ranges: [Range<Int>], _ body: ([UnsafeBufferPointer<UInt8>]) -> Result) -> Result {
        bytes.withUnsafeBufferPointer { bytes in
            body(ranges.map { UnsafeBufferPointer(rebasing: bytes[$0]) })
        }
    }

    /// The next `count` bytes.
    package mutating func decodeBytes(_ count: Int) throws(CheckpointError) -> [UInt8] {
        try withBytes(count) { Array($0) }
    }

    /// - Throws: when bytes follow the last value: they belong to no part of the model.
    package func requireEnd() throws(CheckpointError) {
        guard remaining == 0 else {
            throw .damaged("\(remaining) bytes follow the model's state")
        }
    }

    @inline(__always)
    private mutating func decodeLittleEndian<Number: FixedWidthInteger>() throws(CheckpointError) -> Number {
        let size = MemoryLayout<Number>.size
        guard size <= bytes.count - offset else {
            throw .truncated(at: offset, needed: size)
        }
        let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
        offset += size
        return Number(littleEndian: value)
    }
}
