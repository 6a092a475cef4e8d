// SPDX-License-Identifier: Apache-2.0

/// Notices missing samples and values that got stuck, by what has been usual for the metric.
struct ContinuityEvidence: Sendable, Hashable {
    /// A gap speaks when it is more than this many times the longest before.
    private static let gapFactor = 4.0
    private static let gapWarmUp = 30
    /// A flat line speaks once, when it is this many times the longest before.
    private static let flatFactor = 4
    private static let shortestFlat = 24
    private static let flatWarmUp = 288

    private var gaps = RecentExtremes()
    private var runs = RecentExtremes()
    private var lastTimestamp: Int64?
    private var lastValue: Double?
    private var run = 0
    private var recordCount = 0

    /// What is out of the ordinary about a sample.
    struct Finding: Sendable {
        let channel: EvidenceChannel
        let usual: Double
        let actual: Double
    }

    mutating func add(timestamp: Int64?, value: Double?) -> Finding? {
        let gap = timestamp.flatMap { gapFinding($0) }
        let flat = value.flatMap { flatFinding($0, at: timestamp) }
        recordCount += 1
        return gap ?? flat
    }

    private mutating func gapFinding(_ timestamp: Int64) -> Finding? {
        defer { lastTimestamp = timestamp }
        guard let lastTimestamp, timestamp > lastTimestamp else { return nil }
        let gap = Double(timestamp - lastTimestamp)
        let longest = max(gaps.range?.upperBound ?? 0, 1)
        gaps.add(gap, at: timestamp)
        guard recordCount > Self.gapWarmUp, gap > Self.gapFactor * longest else { return nil }
        return Finding(channel: .gap, usual: longest, actual: gap)
    }

    private mutating func flatFinding(_ value: Double, at timestamp: Int64?) -> Finding? {
        defer { lastValue = value }
        guard value == lastValue else {
            if run > 0 { runs.add(Double(run), at: timestamp) }
            run = 0
            return nil
        }
        run += 1
        let longest = Int(runs.range?.upperBound ?? 0)
        guard recordCount > Self.flatWarmUp, run == max(Self.shortestFlat, Self.flatFactor * longest + 1) else {
            return nil
        }
        return Finding(channel: .flat, usual: Double(longest + 1), actual: Double(run + 1))
    }
}

extension ContinuityEvidence {
    func encode(into encoder: inout StateEncoder) {
        gaps.encode(into: &encoder)
        runs.encode(into: &encoder)
        encoder.encode(lastTimestamp)
        encoder.encode(lastValue)
        encoder.encodeVarint(run)
        encoder.encodeVarint(recordCount)
    }

    init(from decoder: inout StateDecoder, version: UInt32) throws(CheckpointError) {
        gaps = try RecentExtremes(from: &decoder, version: version)
        runs = try RecentExtremes(from: &decoder, version: version)
        lastTimestamp = try decoder.decodeOptionalTimestamp()
        lastValue = try decoder.decodeOptionalDouble()
        run = try decoder.decodeVarint(atMost: Int.max, "equal values")
        recordCount = try decoder.decodeVarint(atMost: Int.max, "records")
    }
}
