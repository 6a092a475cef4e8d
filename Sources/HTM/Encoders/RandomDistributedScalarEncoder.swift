// SPDX-License-Identifier: Apache-2.0

/// Encodes a number of unknown range: buckets of fixed resolution around the first value seen, each a set of random bits that
/// shares all but one with its neighbours.
///
/// Buckets are made on demand from the existing range outward; both ends draw from one random stream, so the order in which a
/// series extends its range is part of the encoding. Similarity falls linearly to zero at `activeBits` buckets; farther
/// buckets share at most `maximumOverlap` bits. Values beyond ±500 buckets saturate.
public struct RandomDistributedScalarEncoder: Sendable {
    /// Everything that fixes the encoding.
    public struct Parameters: Sendable, Equatable {
        /// Width of a bucket in the metric's unit; positive.
        public var resolution: Double
        /// Bits on per value (w); odd.
        public var activeBits: Int
        /// Bits in all (n); more than 6 w.
        public var width: Int
        /// Seed of the buckets' random bits.
        public var seed: UInt64
        /// Centre of the middle bucket; `nil`: the first value seen.
        public var offset: Double?

        /// Collects the parameters; `RandomDistributedScalarEncoder.init` checks them.
        public init(
            resolution: Double,
            activeBits: Int = 21,
            width: Int = 400,
            seed: UInt64 = 42,
            offset: Double? = nil
        ) {
            self.resolution = resolution
            self.activeBits = activeBits
            self.width = width
            self.seed = seed
            self.offset = offset
        }
    }

    /// Number of buckets; the first value falls into the middle one.
    static let bucketCount = 1000
    /// Bits that buckets at least `activeBits` apart may share.
    static let maximumOverlap = 2
    /// Candidate bits an encoder draws again in its life; the standard one needs some hundreds for all its buckets.
    ///
    /// With few bits there comes a bucket that none is apart enough for, and the original looks for one for ever. Ours then asks only
    /// that a bucket differs from its neighbour.
    static let mostRetries = 200_000

    /// The parameters the encoder was made from.
    public let parameters: Parameters
    /// Centre of the middle bucket once known.
    public private(set) var offset: Double?
    /// Candidate bits that had to be drawn again so far.
    package private(set) var retries = 0
    private var random: RandomGenerator
    /// Ordered bits of buckets middle, middle + 1, …, `activeBits` each.
    private var upperBuckets: [UInt16]
    /// Ordered bits of buckets middle − 1, middle − 2, ….
    private var lowerBuckets: [UInt16] = []

    /// Makes the encoder with its middle bucket.
    ///
    /// - Throws: `ParameterError` when a parameter is out of its range.
    public init(_ parameters: Parameters) throws(ParameterError) {
        let (activeBits, width) = (parameters.activeBits, parameters.width)
        try require(
            parameters.resolution > 0 && parameters.resolution.isFinite,
            "encoder resolution is \(parameters.resolution), expected a positive number"
        )
        try require(
            activeBits >= 1 && activeBits % 2 == 1,
            "encoder w is \(activeBits), expected an odd number of at least 1"
        )
        try require(
            width > 6 * activeBits && width <= 65_535,
            "encoder n is \(width), expected more than 6 w (\(6 * activeBits)) and at most 65535"
        )
        try require(parameters.seed != 0, "encoder seed is 0, expected another number")
        try require(parameters.offset?.isFinite ?? true, "encoder offset is not finite")
        self.parameters = parameters
        offset = parameters.offset
        random = RandomGenerator(seed: parameters.seed)
        var bits = Array(0..<UInt16(width))
        random.shuffle(&bits)
        upperBuckets = Array(bits.prefix(activeBits))
    }

    private var middle: Int { Self.bucketCount / 2 }
    private var maximumIndex: Int { middle + upperBuckets.count / parameters.activeBits - 1 }
    private var minimumIndex: Int { middle - lowerBuckets.count / parameters.activeBits }

    /// The bucket of a present value; fixes the offset at the first one.
    public mutating func bucketIndex(of value: Double) -> Int {
        let centre = offset ?? value
        offset = centre
        let distance = ((value - centre) / parameters.resolution).rounded(.toNearestOrAwayFromZero)
        let limit = Double(Self.bucketCount)
        // An infinite value saturates like a far one; inf − inf counts as the centre.
        let clipped = distance.isNaN ? 0 : min(max(distance, -limit), limit)
        return min(max(middle + Int(clipped), 0), Self.bucketCount - 1)
    }

    /// The ordered bits of a bucket, made now if it doesn't exist yet.
    public mutating func bits(ofBucket index: Int) -> [Int] {
        precondition(index >= 0 && index < Self.bucketCount, "bucket outside 0..<1000")
        extend(to: index)
        return withBucket(index) { $0.map(Int.init) }
    }

    private func withBucket<Result>(_ index: Int, _ body: (UnsafeBufferPointer<UInt16>) -> Result) -> Result {
        let activeBits = parameters.activeBits
        let position = index >= middle ? index - middle : middle - 1 - index
        let range = position * activeBits..<(position + 1) * activeBits
        return (index >= middle ? upperBuckets : lowerBuckets).withUnsafeBufferPointer {
            body(UnsafeBufferPointer(rebasing: $0[range]))
        }
    }

    private mutating func extend(to index: Int) {
        while index < minimumIndex {
            addBucket(minimumIndex - 1, beside: minimumIndex)
        }
        while index > maximumIndex {
            addBucket(maximumIndex + 1, beside: maximumIndex)
        }
    }

    /// Makes bucket `index` of its neighbour's bits with one replaced.
    private mutating func addBucket(_ index: Int, beside neighbour: Int) {
        let replaced = index % parameters.activeBits
        let original = withBucket(neighbour) { Array($0) }
        var candidate = original
        while true {
            let bit = UInt16(random.uint32(below: UInt32(parameters.width)))
            candidate[replaced] = bit
            if !original.contains(bit), retries >= Self.mostRetries || isApart(candidate, at: index) {
                break
            }
            retries += 1
        }
        if index >= middle {
            upperBuckets.append(contentsOf: candidate)
        } else {
            lowerBuckets.append(contentsOf: candidate)
        }
    }

    /// Whether `candidate` overlaps every existing bucket as much as its distance demands.
    private func isApart(_ candidate: [UInt16], at index: Int) -> Bool {
        var isOn = [UInt8](repeating: 0, count: parameters.width)
        for bit in candidate {
            isOn[Int(bit)] = 1
        }
        for other in minimumIndex...maximumIndex {
            let overlap = withBucket(other) { bits in bits.reduce(0) { $0 + Int(isOn[Int($1)]) } }
            let distance = abs(other - index)
            let fits =
                distance < parameters.activeBits
                ? overlap == parameters.activeBits - distance : overlap <= Self.maximumOverlap
            if !fits {
                return false
            }
        }
        return true
    }
}

extension RandomDistributedScalarEncoder: ValueEncoder {
    package var width: Int { parameters.width }

    package mutating func encode(_ value: Double?, learn: Bool, into bits: inout InputBits, at offset: Int) -> Int? {
        guard let value, !value.isNaN else {
            return nil
        }
        let index = bucketIndex(of: value)
        extend(to: index)
        withBucket(index) { bucket in
            for bit in bucket {
                bits.set(offset + Int(bit))
            }
        }
        return index
    }

    /// Offset, retries, random state, and of each bucket but the middle one the bit it replaced in its neighbour.
    package func encode(into encoder: inout StateEncoder) {
        encoder.encode(offset)
        encoder.encodeVarint(retries)
        random.encode(into: &encoder)
        encoder.encodeVarint(maximumIndex - middle)
        encoder.encodeVarint(middle - minimumIndex)
        for index in middle + 1..<max(maximumIndex + 1, middle + 1) {
            encoder.encode(withBucket(index) { $0[index % parameters.activeBits] })
        }
        for index in stride(from: middle - 1, through: minimumIndex, by: -1) {
            encoder.encode(withBucket(index) { $0[index % parameters.activeBits] })
        }
    }

    package mutating func restore(from decoder: inout StateDecoder) throws(CheckpointError) {
        offset = try decoder.decodeOptionalDouble()
        retries = try decoder.decodeVarint(atMost: Int(Int32.max), "encoder retries")
        random = try RandomGenerator(from: &decoder)
        let upper = try decoder.decodeVarint(atMost: Self.bucketCount - 1 - middle, "encoder buckets above the middle")
        let lower = try decoder.decodeVarint(atMost: middle, "encoder buckets below the middle")
        upperBuckets.removeLast(upperBuckets.count - parameters.activeBits)
        lowerBuckets = []
        for step in 0..<upper {
            try restoreBucket(middle + step + 1, beside: middle + step, from: &decoder)
        }
        for step in 0..<lower {
            try restoreBucket(middle - step - 1, beside: middle - step, from: &decoder)
        }
    }

    private mutating func restoreBucket(
        _ index: Int,
        beside neighbour: Int,
        from decoder: inout StateDecoder
    ) throws(CheckpointError) {
        var bits = withBucket(neighbour) { Array($0) }
        let bit = try decoder.decodeUInt16()
        guard bit < parameters.width else {
            throw .damaged("encoder bit is \(bit), expected less than \(parameters.width)")
        }
        bits[index % parameters.activeBits] = bit
        if index >= middle {
            upperBuckets.append(contentsOf: bits)
        } else {
            lowerBuckets.append(contentsOf: bits)
        }
    }
}
