// SPDX-License-Identifier: Apache-2.0

/// When an anomaly begins and when it is over, in anomaly likelihoods.
package struct AnomalyEventRule: Sendable, Hashable {
    /// An event starts at the first row above this; 0…1.
    package var startAbove = 0.9999
    /// Rows at or below this are quiet; 0…1.
    package var endBelow = 0.99
    /// So many quiet rows in a row end an event.
    package var quietRows: Int64 = 12

    package init() {}

    package init(startAbove: Double, endBelow: Double, quietRows: Int64) {
        self.startAbove = startAbove
        self.endBelow = endBelow
        self.quietRows = quietRows
    }

    /// Rows at or below this neither start nor prolong an event.
    package var lowestOfInterest: Double { min(startAbove, endBelow) }
}

/// A stretch of one metric's rows that behaved oddly.
package struct AnomalyEvent: Sendable, Hashable {
    package var uid: String
    /// The first row above the threshold.
    package var start: HighRow
    /// The last row before it stayed quiet; of an open event the last that wasn't quiet.
    package var end: HighRow
    /// The row with the highest score, the first of equals.
    package var peak: HighRow
    /// Whether too few quiet rows have followed yet.
    package var isOpen: Bool
}

/// Puts rows together to events.
///
/// It sees only the rows above the rule's `lowestOfInterest`, in the order of uid and row id: how many quiet rows lie between two
/// of them follows from their row ids, which have no gaps.
package struct AnomalyEventFinder: Sendable {
    private let rule: AnomalyEventRule
    private var current: AnomalyEvent?
    package private(set) var events: [AnomalyEvent] = []

    package init(rule: AnomalyEventRule) {
        self.rule = rule
    }

    package mutating func take(_ row: HighRow) {
        if var event = current {
            if row.uid == event.uid, row.rowid - event.end.rowid - 1 < rule.quietRows {
                guard row.anomalyScore > rule.endBelow else { return }
                event.end = row
                if row.anomalyScore > event.peak.anomalyScore { event.peak = row }
                current = event
                return
            }
            events.append(event)
            current = nil
        }
        if row.anomalyScore > rule.startAbove {
            current = AnomalyEvent(uid: row.uid, start: row, end: row, peak: row, isOpen: false)
        }
    }

    /// Ends the input.
    ///
    /// - Parameter scoredRowid: The last scored row of a metric, which decides whether its last event is open.
    package mutating func finish(scoredRowid: (String) -> Int64) -> [AnomalyEvent] {
        if let event = current { events.append(event) }
        current = nil
        for index in events.indices {
            let event = events[index]
            let isLast = index + 1 == events.count || events[index + 1].uid != event.uid
            events[index].isOpen = isLast && scoredRowid(event.uid) - event.end.rowid < rule.quietRows
        }
        return events
    }
}
