// SPDX-License-Identifier: Apache-2.0

/// Encodes a number of a range that is learned: it only ever widens, and the steps of the encoding with it.
///
/// Widening changes the bits of values already seen, so what a model learned before fits less well. Reference: htm model
/// specification 3.5, "AdaptiveScalar".
public struct AdaptiveScalarEncoder: Sendable, Equatable {
    /// Everything that fixes the encoding.
    public struct Parameters: Sendable, Equatable {
        /// Bits on per value (w); odd, at least 1.
        public var activeBits: Int
        /// Number of bits (n); more than w.
        public var width: Int
        /// Range to begin with; nil: the first value and one more.
        public var range: ClosedRange<Double>?

        /// Collects the parameters; `AdaptiveScalarEncoder.init` checks them.
        public init(activeBits: Int, width: Int, range: ClosedRange<Double>? = nil) {
            self.activeBits = activeBits
            self.width = width
            self.range = range
        }
    }

    /// Values whose extremes widen the range.
    static let windowSize = 300

    private let parameters: Parameters
    /// nil until the range is known.
    private var core: ScalarEncoder?
    /// The last values, oldest first; more than one matters only after values that came without learning.
    private var window: [Double] = []

    /// - Throws: `ParameterError` when the range is empty or the numbers don't give a usable width.
    public init(_ parameters: Parameters) throws(ParameterError) {
        self.parameters = parameters
        // Checks the widths as well when the range isn't known yet.
        let core = try Self.makeCore(parameters, parameters.range ?? 0...1)
        if parameters.range != nil {
            self.core = core
        }
    }

    private static func makeCore(
        _ parameters: Parameters,
        _ range: ClosedRange<Double>
    ) throws(ParameterError) -> ScalarEncoder {
        try ScalarEncoder(
            ScalarEncoder.Parameters(
                activeBits: parameters.activeBits,
                minimum: range.lowerBound,
                maximum: range.upperBound,
                periodic: false,
                division: .bits(parameters.width),
                clipInput: true
            )
        )
    }

    /// Number of bits (n).
    public var width: Int { parameters.width }

    /// The range learned so far.
    public var range: ClosedRange<Double>? {
        core.map { $0.parameters.minimum...$0.parameters.maximum }
    }

    private mutating func adapt(to value: Double, learn: Bool) {
        window.append(value)
        if window.count > Self.windowSize {
            window.removeFirst()
        }
        guard let range else {
            setRange(value...max(value + 1, value.nextUp))
            return
        }
        if learn {
            let (smallest, largest) = (window.min()!, window.max()!)
            if smallest < range.lowerBound || largest > range.upperBound {
                setRange(min(range.lowerBound, smallest)...max(range.upperBound, largest))
            }
        }
    }

    private mutating func setRange(_ range: ClosedRange<Double>) {
        // Fails only when the width of the range overflows: then the values at its ends share bits with all others.
        core = (try? Self.makeCore(parameters, range)) ?? core
    }
}

extension AdaptiveScalarEncoder: ValueEncoder {
    package mutating func encode(_ value: Double?, learn: Bool, into bits: inout InputBits, at offset: Int) -> Int? {
        guard let value, !value.isNaN else {
            return nil
        }
        adapt(to: value, learn: learn)
        return core?.write(value, into: &bits, at: offset)
    }

    package func encode(into encoder: inout StateEncoder) {
        encoder.encode(window)
        encoder.encode(range?.lowerBound)
        encoder.encode(range?.upperBound)
    }

    package mutating func restore(from decoder: inout StateDecoder) throws(CheckpointError) {
        window = try decoder.decodeDoubles("window of the adaptive encoder")
        let (lower, upper) = (try decoder.decodeOptionalDouble(), try decoder.decodeOptionalDouble())
        guard window.count <= Self.windowSize, window.allSatisfy({ !$0.isNaN }), (lower == nil) == (upper == nil) else {
            throw .damaged("adaptive encoder: a window of \(window.count) values")
        }
        guard let lower, let upper else {
            core = nil
            return
        }
        guard lower < upper, let restored = try? Self.makeCore(parameters, lower...upper) else {
            throw .damaged("adaptive encoder: range \(lower)...\(upper)")
        }
        core = restored
    }
}
