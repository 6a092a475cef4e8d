// SPDX-License-Identifier: Apache-2.0

/// A fixed number of bits in 64-bit words: what encoders write and the spatial pooler reads.
public struct InputBits: Sendable, Equatable {
    /// Number of bits.
    public let count: Int
    /// Bit i is bit i mod 64 of word i / 64; bits beyond `count` stay 0.
    package private(set) var words: [UInt64]

    /// All bits off.
    public init(count: Int) {
        precondition(count >= 0, "a bit field has no negative size")
        self.count = count
        words = [UInt64](repeating: 0, count: (count + 63) / 64)
    }

    /// Turns one bit on.
    @inline(__always)
    package mutating func set(_ bit: Int) {
        precondition(bit >= 0 && bit < count, "bit outside the field")
        words[bit >> 6] |= 1 << UInt64(bit & 63)
    }

    /// Turns all bits off.
    package mutating func clear() {
        for index in words.indices {
            words[index] = 0
        }
    }

    /// Whether a bit is on.
    public subscript(bit: Int) -> Bool {
        words[bit >> 6] >> UInt64(bit & 63) & 1 == 1
    }

    /// The numbers of the bits that are on, ascending.
    public var activeBits: [Int] {
        (0..<count).filter { self[$0] }
    }
}
