// SPDX-License-Identifier: Apache-2.0

/// Notices values well outside the range of everything seen before.
///
/// NAB's detector gives such a record the anomaly score 1: a temporal model whose encoder saturates can't say how far
/// out a value is. Source: spec htm.md 8.3.
public struct SpatialRangeTrick: Sendable, Hashable {
    /// How far outside the range a value has to be, as a share of the range.
    public static let tolerance = 0.05

    private var minimum: Double?
    private var maximum: Double?

    /// Nothing seen yet.
    public init() {}

    /// Smallest and largest value seen; `nil` before the first.
    public var range: ClosedRange<Double>? {
        guard let minimum, let maximum else { return nil }
        return minimum...maximum
    }

    /// Takes the next value and says whether it lies outside the earlier ones' range by more than 5 % of it.
    ///
    /// - Parameter value: nil or NaN when missing: never outside, and the range stays.
    public mutating func isOutside(_ value: Double?) -> Bool {
        guard let value, !value.isNaN else {
            return false
        }
        guard let low = minimum, let high = maximum else {
            minimum = value
            maximum = value
            return false
        }
        minimum = min(low, value)
        maximum = max(high, value)
        let margin = (high - low) * Self.tolerance
        return low != high && (value > high + margin || value < low - margin)
    }
}

extension SpatialRangeTrick: StateCodable {
    package func encode(into encoder: inout StateEncoder) {
        encoder.encode(minimum)
        encoder.encode(maximum)
    }

    package init(from decoder: inout StateDecoder) throws(CheckpointError) {
        minimum = try decoder.decodeOptionalDouble()
        maximum = try decoder.decodeOptionalDouble()
        guard (minimum == nil) == (maximum == nil) else {
            throw .damaged("value range with only one end")
        }
    }
}
