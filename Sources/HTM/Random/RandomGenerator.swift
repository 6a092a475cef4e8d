// SPDX-License-Identifier: Apache-2.0

/// The additive-feedback random generator that every seeded part of the model draws from.
///
/// Bit-equal to the original's, because the order and the values of its draws decide which synapses a model grows.
/// State: 31 words and two indices. Source: docs of the reference model, "Random generator" (golden values in the tests).
public struct RandomGenerator: Sendable {
    /// Words of state.
    static let stateCount = 31
    /// The modulus of the feedback sum and the exclusive upper bound of an unbounded draw.
    static let maximum: UInt32 = 4_294_967_295

    /// The seed this generator started from; informational.
    public let seed: UInt64
    private var words: InlineArray<31, UInt32>
    private var front: Int
    private var rear: Int

    /// Starts the stream of `seed`.
    ///
    /// - Parameter seed: Any value but 0, which would mean "take one from elsewhere".
    public init(seed: UInt64) {
        precondition(seed != 0, "seed 0 has no stream of its own")
        self.seed = seed
        words = InlineArray(repeating: 0)
        words[0] = UInt32(seed % UInt64(Self.maximum))
        for index in 1..<Self.stateCount {
            let quotient = words[index - 1] / 127_773
            let remainder = words[index - 1] % 127_773
            let next = Int32(truncatingIfNeeded: 16_807 &* Int64(remainder) &- 2_836 &* Int64(quotient))
            words[index] = UInt32(bitPattern: next < 0 ? next &+ 2_147_483_647 : next)
        }
        front = 3
        rear = 0
        for _ in 0..<310 {
            _ = next31()
        }
    }

    /// The next 31-bit output.
    @inline(__always)
    mutating func next31() -> UInt32 {
        Self.next31(&words, &front, &rear)
    }

    /// The same on indices that the caller may keep in registers; both are below `stateCount`.
    @inline(__always)
    private static func next31(_ words: inout InlineArray<31, UInt32>, _ front: inout Int, _ rear: inout Int) -> UInt32
    {
        let sum = UInt64(words[unchecked: front]) + UInt64(words[unchecked: rear])
        let wrapped = sum >= UInt64(maximum) ? sum - UInt64(maximum) : sum
        // Twice the modulus minus two is the largest sum unless a seed word equals the modulus: reduce once more.
        let reduced = wrapped >= UInt64(maximum) ? wrapped - UInt64(maximum) : wrapped
        let value = UInt32(truncatingIfNeeded: reduced)
        words[unchecked: front] = value
        front = front == stateCount - 1 ? 0 : front &+ 1
        rear = rear == stateCount - 1 ? 0 : rear &+ 1
        return value >> 1
    }

    /// A number below `bound`; without a bound a 31-bit number.
    ///
    /// - Parameter bound: At least 1.
    @inline(__always)
    public mutating func uint32(below bound: UInt32 = 4_294_967_295) -> UInt32 {
        if bound <= 1 << 31 {
            // The limit below is then at least 2³¹, which no output reaches: no need to divide twice.
            return next31() % bound
        }
        let limit = Self.maximum - (Self.maximum % bound)
        var value = next31()
        while value > limit {
            value = next31()
        }
        return value % bound
    }

    /// A number below `bound`, made of two outputs, low half first.
    public mutating func uint64(below bound: UInt64) -> UInt64 {
        let limit = UInt64.max - (UInt64.max % bound)
        while true {
            let low = UInt64(next31())
            let value = low | (UInt64(next31()) << 32)
            if value <= limit {
                return value % bound
            }
        }
    }

    /// A number in [0, 1) on the grid of 2⁻⁴⁸; two outputs.
    public mutating func real64() -> Double {
        Double(uint64(below: 1 << 48)) * 0x1p-48
    }

    /// Chooses `count` elements, keeping the population's order.
    ///
    /// Stops drawing once enough are taken, so the number of draws depends on the outcome.
    public mutating func sample<Element>(_ population: [Element], count: Int) -> [Element] {
        precondition(count <= population.count, "a sample can't be larger than its population")
        var chosen: [Element] = []
        chosen.reserveCapacity(count)
        var remaining = population.count
        for element in population {
            if chosen.count == count {
                break
            }
            if Int(uint32(below: UInt32(remaining))) < count - chosen.count {
                chosen.append(element)
            }
            remaining -= 1
        }
        return chosen
    }

    /// `sample` for a population of bits, which may go on in another word.
    ///
    /// - Parameters:
    ///   - missing: How many bits are to be chosen, of this word and those after it; counts down.
    ///   - remaining: How many there are to choose from, less than 2³¹; counts down.
    mutating func sample(_ population: UInt64, _ missing: inout UInt32, of remaining: inout UInt32) -> UInt64 {
        var (rest, chosen): (UInt64, UInt64) = (population, 0)
        var (wanted, left) = (missing, remaining)
        var (front, rear) = (front, rear)
        while rest != 0 && wanted > 0 {
            let lowest = rest & (0 &- rest)
            rest ^= lowest
            // Without a branch, which would be taken by chance.
            let isChosen: UInt32 = Self.next31(&words, &front, &rear) % left < wanted ? 1 : 0
            chosen |= lowest & (0 &- UInt64(isChosen))
            wanted &-= isChosen
            left &-= 1
        }
        (self.front, self.rear) = (front, rear)
        (missing, remaining) = (wanted, left)
        return chosen
    }

    /// Shuffles in place; draws once per element, the last one included.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        for position in elements.indices {
            let offset = Int(uint32(below: UInt32(elements.count - position)))
            elements.swapAt(position, position + offset)
        }
    }
}

extension RandomGenerator {
    /// Appends seed, indices and the 31 words.
    package func encode(into encoder: inout StateEncoder) {
        encoder.encode(seed)
        encoder.encode(UInt8(front))
        encoder.encode(UInt8(rear))
        for index in words.indices {
            encoder.encode(words[index])
        }
    }

    /// Reads what `encode(into:)` wrote.
    ///
    /// - Throws: `CheckpointError` when bytes are missing or an index is outside the state.
    package init(from decoder: inout StateDecoder) throws(CheckpointError) {
        seed = try decoder.decodeUInt64()
        front = Int(try decoder.decodeUInt8())
        rear = Int(try decoder.decodeUInt8())
        guard front < Self.stateCount, rear < Self.stateCount else {
            throw .damaged("random generator: index \(front) or \(rear) is not below \(Self.stateCount)")
        }
        words = InlineArray(repeating: 0)
        for index in 0..<Self.stateCount {
            words[index] = try decoder.decodeUInt32()
        }
    }
}
