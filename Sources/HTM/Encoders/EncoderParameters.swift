// SPDX-License-Identifier: Apache-2.0

/// One encoder of a model: what it reads and how.
public struct EncoderParameters: Sendable, Equatable {
    /// How a field is turned into bits.
    public enum Kind: Sendable, Equatable {
        /// Reads the time stamp.
        case date(DateEncoder.Parameters)
        /// Reads the value; buckets of fixed width around the first value.
        case randomDistributedScalar(RandomDistributedScalarEncoder.Parameters)
        /// Reads the value; a fixed range.
        case scalar(ScalarEncoder.Parameters)
        /// Reads the value; a fixed range of its logarithm.
        case log(LogEncoder.Parameters)
        /// Reads the value; a range that widens as values come.
        case adaptiveScalar(AdaptiveScalarEncoder.Parameters)
        /// Reads the value; encodes its change. Predictions are shifted back to values.
        case delta(AdaptiveScalarEncoder.Parameters)
    }

    /// The key of the encoder in a model configuration, for example `c0_timeOfDay`; the bits of the encoders follow each other in
    /// the order of their names.
    public var name: String
    /// How it encodes.
    public var kind: Kind

    /// - Parameters:
    ///   - name: Unique among a model's encoders.
    ///   - kind: How it encodes.
    public init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }
}
