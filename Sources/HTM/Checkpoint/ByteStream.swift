// SPDX-License-Identifier: Apache-2.0

/// Bytes of one kind, collected apart from others because alike bytes compress best together.
///
/// Like every `GrowableBuffer` freed by hand.
struct ByteStream {
    private(set) var bytes = GrowableBuffer<UInt8>()

    mutating func deallocate() {
        bytes.deallocate()
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        bytes.append(byte)
    }

    /// LEB128, as `StateEncoder.encodeVarint`.
    @inline(__always)
    mutating func appendVarint(_ value: Int) {
        assert(value >= 0, "a varint holds no negative number")
        var rest = UInt(bitPattern: value)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Makes room for `count` more bytes.
    @inline(__always)
    mutating func reserve(_ count: Int) {
        bytes.reserve(bytes.count + count)
    }

    /// Appends what `body` writes from the address it is given on.
    ///
    /// - Parameters:
    ///   - limit: The most that it may write. Unit: bytes.
    ///   - body: Returns where it stopped.
    @inline(__always)
    mutating func append(
        atMost limit: Int,
        _ body: (UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>
    ) {
        reserve(limit)
        let start = bytes.base + bytes.count
        let end = body(start)
        assert(end - start <= limit, "more bytes than announced")
        bytes.extend(by: end - start)
    }

    /// Writes LEB128 at an address and returns the next one. May touch, but not use, the byte behind.
    ///
    /// Numbers below 16,384 take the same steps whether they need one byte or two: which of them come can't be foreseen.
    @inline(__always)
    static func writeVarint(_ value: Int, at address: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        var rest = UInt(bitPattern: value)
        var address = address
        while rest >= 1 << 14 {
            address.pointee = UInt8(truncatingIfNeeded: rest) | 0x80
            address += 1
            rest >>= 7
        }
        let high = rest >> 7
        let isLong: UInt = high == 0 ? 0 : 1
        address[0] = UInt8(truncatingIfNeeded: rest & 0x7F | isLong << 7)
        address[1] = UInt8(truncatingIfNeeded: high)
        return address + 1 + Int(isLong)
    }

    /// Zigzag, then LEB128.
    @inline(__always)
    mutating func appendSignedVarint(_ value: Int) {
        appendVarint((value << 1) ^ (value >> (Int.bitWidth - 1)))
    }

    /// The lowest so many bytes, 0...8, little-endian.
    @inline(__always)
    mutating func append(_ bits: UInt64, bytes count: Int) {
        reserve(8)
        UnsafeMutableRawPointer(bytes.base + bytes.count).storeBytes(of: bits.littleEndian, as: UInt64.self)
        bytes.extend(by: count)
    }

    /// So many numbers as they lie in memory, little-endian.
    @inline(__always)
    mutating func append<Number: BitwiseCopyable>(_ numbers: UnsafePointer<Number>, count: Int) {
        #if _endian(big)
            #error("numbers in memory must be little-endian")
        #endif
        append(atMost: count * MemoryLayout<Number>.stride) { address in
            let size = count * MemoryLayout<Number>.stride
            UnsafeMutableRawPointer(address).copyMemory(from: numbers, byteCount: size)
            return address + size
        }
    }

    /// Little-endian.
    @inline(__always)
    mutating func append(_ value: UInt32) {
        append(atMost: 4) { address in
            UnsafeMutableRawPointer(address).storeBytes(of: value.littleEndian, as: UInt32.self)
            return address + 4
        }
    }
}

/// Reads a `ByteStream`; beyond its end it gives zeros and remembers that it did.
struct ByteStreamReader {
    private var at: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>
    /// Whether more was read than there is, or a number was too long.
    private(set) var hasFailed = false

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        // Without bytes there need be no address; this one is never read from.
        at = bytes.baseAddress ?? UnsafePointer(bitPattern: 1)!
        end = at + bytes.count
    }

    /// What hasn't been read yet, for kernels; `skip` says how far they came.
    @inline(__always)
    var unread: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: at, count: end - at) }

    /// Goes on `count` bytes later.
    @inline(__always)
    mutating func skip(_ count: Int) {
        assert(count >= 0 && count <= end - at, "more bytes read than there are")
        at += count
    }

    /// Whether everything was read, and nothing beyond.
    var isAtEnd: Bool { at == end && !hasFailed }

    @inline(__always)
    mutating func byte() -> UInt8 {
        guard at < end else {
            hasFailed = true
            return 0
        }
        defer { at += 1 }
        return at.pointee
    }

    /// At most 2^42.
    @inline(__always)
    mutating func varint() -> Int {
        let first = byte()
        return first < 0x80 ? Int(first) : longVarint(Int(first & 0x7F))
    }

    /// As `varint`, for numbers that take one byte about as often as two: without a branch on which it is.
    @inline(__always)
    mutating func unforeseenVarint() -> Int {
        guard end - at >= 2 else {
            return varint()
        }
        let (first, second) = (Int(at[0]), Int(at[1]))
        let isLong = first >> 7
        guard isLong & second >> 7 == 0 else {
            return varint()
        }
        at += 1 + isLong
        return first & 0x7F | (second << 7) & (0 &- isLong)
    }

    private mutating func longVarint(_ low: Int) -> Int {
        var value = low
        for shift in stride(from: 7, to: 42, by: 7) {
            let next = byte()
            value |= Int(next & 0x7F) << shift
            if next < 0x80 {
                return value
            }
        }
        hasFailed = true
        return 0
    }

    @inline(__always)
    mutating func signedVarint() -> Int {
        let value = varint()
        return (value >> 1) ^ (0 &- (value & 1))
    }

    @inline(__always)
    mutating func word() -> UInt32 {
        UInt32(truncatingIfNeeded: bits(bytes: 4))
    }

    /// So many bytes, 0...8, little-endian.
    @inline(__always)
    mutating func bits(bytes count: Int) -> UInt64 {
        guard end - at >= 8 else {
            return (0..<count).reduce(0) { $0 | UInt64(byte()) << UInt64(truncatingIfNeeded: 8 * $1) }
        }
        let eight = UInt64(littleEndian: UnsafeRawPointer(at).loadUnaligned(as: UInt64.self))
        at += count
        return eight & ~(~0 << UInt64(truncatingIfNeeded: 8 * count))
    }
}

extension StateEncoder {
    /// Length, then the bytes.
    mutating func encode(_ stream: ByteStream) {
        encodeVarint(stream.bytes.count)
        append(contentsOf: UnsafeRawBufferPointer(stream.bytes.elements))
    }
}

extension StateDecoder {
    /// Reads the length of a stream, and where it lies, and goes behind it.
    mutating func decodeStream(_ what: String) throws(CheckpointError) -> Range<Int> {
        let count = try decodeCount(bytesPerElement: 1, what)
        let start = offset
        try skip(count)
        return start..<start + count
    }
}
