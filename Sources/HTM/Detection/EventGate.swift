// SPDX-License-Identifier: Apache-2.0

/// Lets only the peak so far of an event through: evidence no stronger than that of the records just before is a repetition.
struct EventGate: Sendable, Hashable {
    private let length: Int
    private let repeated: Double
    /// Evidence of the last `length - 1` records, oldest overwritten.
    private var recent: [Double] = []
    private var next = 0

    init(length: Int, repeated: Double) {
        self.length = length
        self.repeated = repeated
    }

    /// The evidence as it is to be shown.
    mutating func pass(_ evidence: Double) -> Double {
        let isRepetition = recent.contains { $0 >= evidence }
        if recent.count < length - 1 {
            recent.append(evidence)
        } else if length > 1 {
            recent[next] = evidence
            next = (next + 1) % recent.count
        }
        return isRepetition ? min(evidence, repeated) : evidence
    }
}

extension EventGate {
    func encode(into encoder: inout StateEncoder) {
        encoder.encode(recent)
        encoder.encodeVarint(next)
    }

    init(length: Int, repeated: Double, from decoder: inout StateDecoder) throws(CheckpointError) {
        self.init(length: length, repeated: repeated)
        recent = try decoder.decodeDoubles("recent evidence")
        guard recent.count < length else { throw .damaged("\(recent.count) records of recent evidence") }
        next = try decoder.decodeVarint(atMost: max(0, recent.count - 1), "position in the recent evidence")
    }
}
