// SPDX-License-Identifier: Apache-2.0

/// Maps a number of a known range to a run of `activeBits` consecutive bits, wrapped around when the range is periodic.
///
/// The core of the date, log, adaptive and delta encoders. Reference: htm model specification, "ScalarEncoder core".
public struct ScalarEncoder: Sendable, Equatable {
    /// How the range is divided; exactly one is given, the others follow.
    public enum Division: Sendable, Equatable {
        /// Number of bits in all.
        case bits(Int)
        /// Inputs farther apart than this share no bits.
        case radius(Double)
        /// Inputs farther apart than this differ in at least one bit.
        case resolution(Double)
    }

    /// Everything that fixes the encoding.
    public struct Parameters: Sendable, Equatable {
        /// Bits on per value (w); odd, at least 1.
        public var activeBits: Int
        /// Lower end of the range, included.
        public var minimum: Double
        /// Upper end of the range; included unless periodic.
        public var maximum: Double
        /// Whether the upper end meets the lower one.
        public var periodic: Bool
        /// Total bits, radius or resolution.
        public var division: Division
        /// Moves values outside the range to its nearest end instead of refusing them (not for periodic ranges).
        public var clipInput: Bool

        /// Collects the parameters; `ScalarEncoder.init` checks them.
        public init(
            activeBits: Int,
            minimum: Double,
            maximum: Double,
            periodic: Bool,
            division: Division,
            clipInput: Bool = false
        ) {
            self.activeBits = activeBits
            self.minimum = minimum
            self.maximum = maximum
            self.periodic = periodic
            self.division = division
            self.clipInput = clipInput
        }
    }

    /// The parameters the encoder was made from.
    public let parameters: Parameters
    /// Number of bits (n).
    public let width: Int
    /// Width of one step of the encoding, in the input's unit.
    public let resolution: Double
    private let range: Double
    private let padding: Int
    private let halfWidth: Int

    /// Derives the number of bits from the parameters.
    ///
    /// - Throws: `ParameterError` when the range is empty or the numbers don't give a usable width.
    public init(_ parameters: Parameters) throws(ParameterError) {
        let activeBits = parameters.activeBits
        try require(
            activeBits >= 1 && activeBits % 2 == 1,
            "encoder w is \(activeBits), expected an odd number of at least 1"
        )
        try require(
            parameters.minimum.isFinite && parameters.maximum.isFinite && parameters.minimum < parameters.maximum,
            "encoder range is \(parameters.minimum)...\(parameters.maximum), expected minval < maxval"
        )
        self.parameters = parameters
        halfWidth = (activeBits - 1) / 2
        padding = parameters.periodic ? 0 : halfWidth
        let internalRange = parameters.maximum - parameters.minimum
        switch parameters.division {
        case .bits(let bits):
            try require(
                bits > activeBits && bits <= Self.maximumWidth,
                "encoder n is \(bits), expected w < n <= \(Self.maximumWidth)"
            )
            resolution = internalRange / Double(parameters.periodic ? bits : bits - activeBits)
            range = parameters.periodic ? internalRange : internalRange + resolution
            width = bits
        case .radius(let radius):
            try require(radius > 0 && radius.isFinite, "encoder radius is \(radius), expected a positive number")
            resolution = radius / Double(activeBits)
            range = parameters.periodic ? internalRange : internalRange + resolution
            width = try Self.width(activeBits: activeBits, range: range, radius: radius, padding: padding)
        case .resolution(let resolution):
            try require(
                resolution > 0 && resolution.isFinite,
                "encoder resolution is \(resolution), expected a positive number"
            )
            self.resolution = resolution
            range = parameters.periodic ? internalRange : internalRange + resolution
            let radius = resolution * Double(activeBits)
            width = try Self.width(activeBits: activeBits, range: range, radius: radius, padding: padding)
        }
        try require(width >= activeBits, "encoder needs \(width) bits, fewer than the \(activeBits) it sets")
    }

    /// The most bits an encoder may have; beyond it a parameter is a mistake.
    static let maximumWidth = 1 << 20

    private static func width(activeBits: Int, range: Double, radius: Double, padding: Int) throws(ParameterError)
        -> Int
    {
        let exact = (Double(activeBits) * (range / radius) + Double(2 * padding)).rounded(.up)
        try require(exact <= Double(maximumWidth), "encoder would need \(exact) bits, expected at most \(maximumWidth)")
        return Int(exact)
    }

    /// The first of the bits on for `value`, before wrapping (negative near the start of a periodic range).
    ///
    /// - Returns: `nil` when the value is outside the range and not clipped.
    package func firstBit(of value: Double) -> Int? {
        var value = value
        if parameters.periodic {
            guard value >= parameters.minimum, value < parameters.maximum else {
                return nil
            }
            let internalWidth = Double(width - 2 * padding)
            let centre = Int((value - parameters.minimum) * internalWidth / range) + padding
            return centre - halfWidth
        }
        if parameters.clipInput {
            value = min(max(value, parameters.minimum), parameters.maximum)
        }
        guard value >= parameters.minimum, value <= parameters.maximum else {
            return nil
        }
        let centre = Int((value - parameters.minimum + resolution / 2) / resolution) + padding
        return centre - halfWidth
    }

    /// Writes the bits of a present value.
    ///
    /// - Returns: The bucket (periodic: the centre bit; otherwise the first bit), or `nil` when the value is outside the range:
    ///   then no bit is set.
    package func write(_ value: Double, into bits: inout InputBits, at offset: Int) -> Int? {
        guard let first = firstBit(of: value) else {
            return nil
        }
        for bit in first..<first + parameters.activeBits {
            let wrapped = bit < 0 ? bit + width : (bit >= width ? bit - width : bit)
            bits.set(offset + wrapped)
        }
        return parameters.periodic ? (first + halfWidth) % width : first
    }
}

extension ScalarEncoder: ValueEncoder {
    package mutating func encode(_ value: Double?, learn: Bool, into bits: inout InputBits, at offset: Int) -> Int? {
        guard let value, !value.isNaN else {
            return nil
        }
        return write(value, into: &bits, at: offset)
    }

    package func encode(into encoder: inout StateEncoder) {}

    package mutating func restore(from decoder: inout StateDecoder) throws(CheckpointError) {}
}
