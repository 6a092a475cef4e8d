// SPDX-License-Identifier: Apache-2.0

/// The smallest and largest value of the last month or two, and of the last 8640 values at least.
///
/// Kept for two blocks, the running one and the one before, so that forgetting costs nothing and old extremes don't blind it for good.
/// A block has 8640 values, a month at five minutes; where samples are denser it has a month, because with less it would forget what
/// a day or a week is like.
struct RecentExtremes: Sendable, Hashable {
    private static let blockLength = 8640
    /// Unit: seconds.
    private static let blockTime: Int64 = 30 * 86_400

    private var previous: ClosedRange<Double>?
    private var current: ClosedRange<Double>?
    /// Values in the running block.
    private var filled = 0
    /// Time of its first value, where known.
    private var blockStart: Int64?
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

    mutating func add(_ value: Double, at timestamp: Int64?) {
        if filled >= Self.blockLength, isBlockOver(at: timestamp) {
            previous = current
            current = nil
            filled = 0
        }
        if filled == 0 { blockStart = timestamp }
        current = current.map { min($0.lowerBound, value)...max($0.upperBound, value) } ?? value...value
        filled += 1
        count += 1
    }

    /// Whether a full block's time is over too. A clock that went back must not keep it open for good.
    private func isBlockOver(at timestamp: Int64?) -> Bool {
        guard let blockStart, let timestamp else { return true }
        return !(0..<Self.blockTime).contains(timestamp - blockStart)
    }
}

extension RecentExtremes {
    func encode(into encoder: inout StateEncoder) {
        for block in [previous, current] {
            encoder.encode(block?.lowerBound)
            encoder.encode(block?.upperBound)
        }
        encoder.encodeVarint(filled)
        encoder.encode(blockStart)
        encoder.encodeVarint(count)
    }

    /// Version 1 knew blocks of 8640 values only.
    init(from decoder: inout StateDecoder, version: UInt32) throws(CheckpointError) {
        previous = try Self.block(&decoder)
        current = try Self.block(&decoder)
        filled = try decoder.decodeVarint(atMost: Int.max - 1, "values in a block")
        if version > 1 { blockStart = try decoder.decodeOptionalTimestamp() }
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
