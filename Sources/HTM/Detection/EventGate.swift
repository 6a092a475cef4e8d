// SPDX-License-Identifier: Apache-2.0

/// Makes one alarm of an event, and says for each record after it whether the event goes on.
///
/// A warning or an alarm passes if it is the strongest of the last records, and of the last hour where samples are denser; a warning
/// only if there was none. All other evidence is shown at half, and at most as 2: averages of ten raw scores stay high for ten
/// records, so that most of it is the echo of one. An event goes on when records that are unusual by themselves follow its alarm
/// again and again: it is then shown at each of them, and in pauses no longer than the longest before. What is shown fades away over
/// the event's records, so that records soon after it rank above those of quiet times.
package struct EventGate: Sendable, Hashable {
    /// Unusual records after an alarm that show that the event goes on; fewer may be the way back.
    private static let persistence = 3
    /// Where samples are denser than 50 s an event has this length. Unit: seconds.
    private static let shortest: Int64 = 3600

    private struct Peak: Sendable, Hashable {
        let record: Int
        let timestamp: Int64?
        let evidence: Double
    }

    private let length: Int
    private let goingOn: Double
    /// Warnings and alarms of the event's length, each weaker than the one before.
    private var peaks: [Peak] = []
    private var recordCount = 0
    /// Records since the last unusual one of the running event; `nil` when there is no event.
    private var pause: Int?
    private var unusualCount = 0
    private var longestPause = 0
    /// Records since an event was last shown; `nil` when that has faded away.
    private var sinceShown: Int?

    /// - Parameters:
    ///   - length: Records of an event.
    ///   - goingOn: What records are shown as in which an event goes on.
    package init(length: Int, goingOn: Double) {
        self.length = length
        self.goingOn = goingOn
    }

    /// The evidence as it is to be shown.
    ///
    /// - Parameter isUnusual: Whether the record is unusual by itself, whatever was before.
    package mutating func pass(_ evidence: Double, isUnusual: Bool, at timestamp: Int64?) -> Double {
        let isPeak = addPeak(evidence, at: timestamp)
        let goesOn = follow(isAlarm: isPeak && evidence >= EvidenceParameters.alarm, isUnusual: isUnusual)
        recordCount += 1
        var shown = isPeak ? evidence : min(evidence, EvidenceParameters.notable) / 2
        if goesOn { shown = max(shown, goingOn) }
        sinceShown = shown >= goingOn ? 0 : sinceShown.flatMap { $0 < length ? $0 + 1 : nil }
        let faded = sinceShown.map { EvidenceParameters.notable / 2 * (1 - Double($0) / Double(length)) } ?? 0
        return max(shown, faded)
    }

    private mutating func addPeak(_ evidence: Double, at timestamp: Int64?) -> Bool {
        guard evidence >= EvidenceParameters.notable else { return false }
        peaks.removeAll { peak in
            guard recordCount - peak.record >= length else { return false }
            guard let timestamp, let before = peak.timestamp else { return true }
            // A clock that went back must not keep it for good.
            return !(0..<Self.shortest).contains(timestamp - before)
        }
        let strongest = peaks.first?.evidence ?? 0
        while let last = peaks.last, last.evidence <= evidence { peaks.removeLast() }
        peaks.append(Peak(record: recordCount, timestamp: timestamp, evidence: evidence))
        return strongest < evidence && (strongest == 0 || evidence >= EvidenceParameters.alarm)
    }

    private mutating func follow(isAlarm: Bool, isUnusual: Bool) -> Bool {
        let sinceUnusual = pause.map { $0 + 1 }
        if let sinceUnusual, isAlarm || isUnusual, sinceUnusual <= length / 2 {
            unusualCount += 1
            longestPause = max(longestPause, sinceUnusual)
            pause = 0
            return unusualCount >= Self.persistence
        }
        if isAlarm {
            (pause, unusualCount, longestPause) = (0, 0, 0)
            return false
        }
        // After a longer pause only an alarm begins an event.
        pause = sinceUnusual.flatMap { $0 <= length / 2 ? $0 : nil }
        return unusualCount >= Self.persistence && pause.map { $0 <= longestPause } ?? false
    }
}

extension EventGate {
    package func encode(into encoder: inout StateEncoder) {
        encoder.encodeVarint(recordCount)
        encoder.encodeVarint(peaks.count)
        for peak in peaks {
            encoder.encodeVarint(peak.record)
            encoder.encode(peak.timestamp)
            encoder.encode(peak.evidence)
        }
        encoder.encodeSignedVarint(pause ?? -1)
        encoder.encodeVarint(unusualCount)
        encoder.encodeVarint(longestPause)
        encoder.encodeSignedVarint(sinceShown ?? -1)
    }

    package init(length: Int, goingOn: Double, from decoder: inout StateDecoder) throws(CheckpointError) {
        self.init(length: length, goingOn: goingOn)
        recordCount = try decoder.decodeVarint(atMost: Int.max, "records")
        for _ in 0..<(try decoder.decodeVarint(atMost: decoder.remaining, "warnings")) {
            let record = try decoder.decodeVarint(atMost: recordCount, "record of a warning")
            let timestamp = try decoder.decodeOptionalTimestamp()
            peaks.append(Peak(record: record, timestamp: timestamp, evidence: try decoder.decodeDouble()))
        }
        let pause = try decoder.decodeSignedVarint()
        unusualCount = try decoder.decodeVarint(atMost: Int.max, "unusual records")
        longestPause = try decoder.decodeVarint(atMost: length, "longest pause")
        let sinceShown = try decoder.decodeSignedVarint()
        guard pause <= length, sinceShown <= length else {
            throw .damaged("an event of \(pause) and \(sinceShown) records, expected at most \(length)")
        }
        self.pause = pause < 0 ? nil : pause
        self.sinceShown = sinceShown < 0 ? nil : sinceShown
    }

    /// From version 1, which kept the evidence of the last records and knew no more.
    init(length: Int, goingOn: Double, version1 decoder: inout StateDecoder) throws(CheckpointError) {
        self.init(length: length, goingOn: goingOn)
        let recent = try decoder.decodeDoubles("recent evidence")
        guard recent.count < length else { throw .damaged("\(recent.count) records of recent evidence") }
        let next = try decoder.decodeVarint(atMost: max(0, recent.count - 1), "position in the recent evidence")
        for evidence in recent[next...] + recent[..<next] {
            _ = addPeak(evidence, at: nil)
            recordCount += 1
        }
    }
}
