// SPDX-License-Identifier: Apache-2.0

/// Encodes the change from the value before, with a learned range: for counters and other metrics without a level.
///
/// The first value counts as no change; missing values are passed over. Reference: htm model specification 3.5, "Delta".
public struct DeltaEncoder: Sendable, Equatable {
    private var adaptive: AdaptiveScalarEncoder
    private var previous: Double?
    /// The last change encoded; nil before the first value and after a missing one.
    package private(set) var change: Double?

    /// - Parameter parameters: Those of the adaptive encoder that the changes go through.
    /// - Throws: `ParameterError` when the range is empty or the numbers don't give a usable width.
    public init(_ parameters: AdaptiveScalarEncoder.Parameters) throws(ParameterError) {
        adaptive = try AdaptiveScalarEncoder(parameters)
    }

    /// Number of bits (n).
    public var width: Int { adaptive.width }
}

extension DeltaEncoder: ValueEncoder {
    package mutating func encode(_ value: Double?, learn: Bool, into bits: inout InputBits, at offset: Int) -> Int? {
        guard let value, !value.isNaN else {
            change = nil
            return nil
        }
        let change = value - (previous ?? value)
        previous = value
        self.change = change
        return adaptive.encode(change, learn: learn, into: &bits, at: offset)
    }

    package func encode(into encoder: inout StateEncoder) {
        adaptive.encode(into: &encoder)
        encoder.encode(previous)
    }

    package mutating func restore(from decoder: inout StateDecoder) throws(CheckpointError) {
        try adaptive.restore(from: &decoder)
        previous = try decoder.decodeOptionalDouble()
        change = nil
    }
}
