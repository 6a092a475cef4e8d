// SPDX-License-Identifier: Apache-2.0

/// Encodes the decimal logarithm of a value: for metrics whose changes matter in proportion to their size.
///
/// Values outside the range move to its nearest end. Reference: htm model specification 3.5, "Log".
public struct LogEncoder: Sendable, Equatable {
    /// Everything that fixes the encoding.
    public struct Parameters: Sendable, Equatable {
        /// Bits on per value (w); odd, at least 1.
        public var activeBits: Int
        /// Smallest value, at least 1e-7: there is no logarithm of 0.
        public var minimum: Double
        /// Largest value.
        public var maximum: Double
        /// Total bits; or radius or resolution, in powers of ten.
        public var division: ScalarEncoder.Division

        /// The original's defaults; the division has none.
        public init(
            activeBits: Int = 5,
            minimum: Double = 1e-7,
            maximum: Double = 10_000,
            division: ScalarEncoder.Division
        ) {
            self.activeBits = activeBits
            self.minimum = minimum
            self.maximum = maximum
            self.division = division
        }
    }

    /// The smallest value with a logarithm of its own.
    static let floor = 1e-7

    private let range: ClosedRange<Double>
    private let core: ScalarEncoder

    /// - Throws: `ParameterError` when the range is empty or the numbers don't give a usable width.
    public init(_ parameters: Parameters) throws(ParameterError) {
        let minimum = max(parameters.minimum, Self.floor)
        try require(
            minimum < parameters.maximum && parameters.maximum.isFinite,
            "log encoder range is \(parameters.minimum)...\(parameters.maximum), expected \(Self.floor) <= minval < maxval"
        )
        range = minimum...parameters.maximum
        core = try ScalarEncoder(
            ScalarEncoder.Parameters(
                activeBits: parameters.activeBits,
                minimum: decimalLogarithm(minimum),
                maximum: decimalLogarithm(parameters.maximum),
                periodic: false,
                division: parameters.division,
                clipInput: true
            )
        )
    }

    /// Number of bits (n).
    public var width: Int { core.width }
}

extension LogEncoder: ValueEncoder {
    package mutating func encode(_ value: Double?, learn: Bool, into bits: inout InputBits, at offset: Int) -> Int? {
        guard let value, !value.isNaN else {
            return nil
        }
        let clipped = min(max(value, range.lowerBound), range.upperBound)
        return core.write(decimalLogarithm(clipped), into: &bits, at: offset)
    }

    package func encode(into encoder: inout StateEncoder) {}

    package mutating func restore(from decoder: inout StateDecoder) throws(CheckpointError) {}
}
