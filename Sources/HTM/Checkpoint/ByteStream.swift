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

    /// As `appendVarint`, into room that `reserve` has made.
    @inline(__always)
    mutating func appendReservedVarint(_ value: Int) {
        var rest = UInt(bitPattern: value)
        var end = bytes.count
        while rest >= 0x80 {
            bytes.base[end] = UInt8(truncatingIfNeeded: rest) | 0x80
            end += 1
            rest >>= 7
        }
        bytes.base[end] = UInt8(truncatingIfNeeded: rest)
        bytes.extend(by: end + 1 - bytes.count)
    }

    /// Zigzag, then LEB128.
    @inline(__always)
    mutating func appendSignedVarint(_ value: Int) {
        appendVarint((value << 1) ^ (value >> (Int.bitWidth - 1)))
    }

    /// Little-endian.
    @inline(__always)
    mutating func append(_ value: UInt32) {
        for shift: UInt32 in [0, 8, 16, 24] {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}

/// Reads a `ByteStream`; beyond its end it gives zeros and remembers that it did.
struct ByteStreamReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    /// Whether more was read than there is, or a number was too long.
    private(set) var hasFailed = false

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// Whether everything was read, and nothing beyond.
    var isAtEnd: Bool { position == bytes.count && !hasFailed }

    @inline(__always)
    mutating func byte() -> UInt8 {
        guard position < bytes.count else {
            hasFailed = true
            return 0
        }
        position += 1
        return bytes[position - 1]
    }

    /// At most 2^42.
    @inline(__always)
    mutating func varint() -> Int {
        let first = byte()
        return first < 0x80 ? Int(first) : longVarint(Int(first & 0x7F))
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
        var value: UInt32 = 0
        for shift: UInt32 in [0, 8, 16, 24] {
            value |= UInt32(byte()) << shift
        }
        return value
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
