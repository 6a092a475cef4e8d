// SPDX-License-Identifier: Apache-2.0

/// The smallest and largest of the last 8640 to 17,280 values: a month or two at five minutes.
///
/// Kept for two blocks, the running one and the one before, so that forgetting costs nothing and old extremes don't blind it for good.
struct RecentExtremes: Sendable, Hashable {
    private static let blockLength = 8640

    private var previous: ClosedRange<Double>?
    private var current: ClosedRange<Double>?
    /// Values in the running block.
    private var filled = 0
    /// Values ever taken.
    private(set) var count = 0

    /// `nil` before the first value.
    var range: ClosedRange<Double>? {
        guard let current else { return previous }
        guard let previous else { return current }
        return min(previous.lowerBound, current.lowerBound)...max(previous.upperBound, current.upperBound)
    }

    /// Whether a value lies outside by more than a share of the range's width; never for a range without width.
    func isOutside(_ value: Double, tolerance: Double) -> Bool {
        guard let range else { return false }
        let width = range.upperBound - range.lowerBound
        guard width > 0 else { return false }
        return value > range.upperBound + tolerance * width || value < range.lowerBound - tolerance * width
    }

    mutating func add(_ value: Double) {
        if filled == Self.blockLength {
            previous = current
            current = nil
            filled = 0
        }
        current = current.map { min($0.lowerBound, value)...max($0.upperBound, value) } ?? value...value
        filled += 1
        count += 1
    }
}

extension RecentExtremes: StateCodable {
    func encode(into encoder: inout StateEncoder) {
        for block in [previous, current] {
            encoder.encode(block?.lowerBound)
            encoder.encode(block?.upperBound)
        }
        encoder.encodeVarint(filled)
        encoder.encodeVarint(count)
    }

    init(from decoder: inout StateDecoder) throws(CheckpointError) {
        previous = try Self.block(&decoder)
        current = try Self.block(&decoder)
        filled = try decoder.decodeVarint(atMost: Self.blockLength, "values in a block")
        count = try decoder.decodeVarint(atMost: Int.max, "values")
        guard (current == nil) == (filled == 0) else { throw .damaged("a block of \(filled) values, its range amiss") }
    }

    private static func block(_ decoder: inout StateDecoder) throws(CheckpointError) -> ClosedRange<Double>? {
        let low = try decoder.decodeOptionalDouble()
        let high = try decoder.decodeOptionalDouble()
        guard let low, let high else { return nil }
        guard low <= high else { throw .damaged("a range from \(low) to \(high)") }
        return low...high
    }
}
