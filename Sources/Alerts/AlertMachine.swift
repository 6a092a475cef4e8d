// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation

/// Follows one metric row by row and says when something begins and ends. A value: no clock, no I/O.
///
/// The same rows in the same order always give the same events with the same ids, wherever a process died in between.
package struct AlertMachine: Sendable, Hashable, Codable {
    /// What happened at a row or a look at the clock.
    package enum Change: Sendable, Hashable {
        case began(AlertEvent)
        case ended(AlertEvent)
    }

    /// An anomaly that lasts.
    private struct Anomaly: Sendable, Hashable, Codable {
        var startRowid: Int64
        var startedAt: Int64
        var endRowid: Int64
        var endedAt: Int64
        var peakScore: Double
        var peakValue: Double
        var peakAt: Int64
        /// Whether it has lasted long enough to be told.
        var hasBegun = false
    }

    /// Silence that lasts.
    private struct Silence: Sendable, Hashable, Codable {
        var startRowid: Int64
        var startedAt: Int64
        var value: Double
    }

    package let uid: String
    package private(set) var generation: Int64
    /// Rows up to here have been seen.
    package private(set) var rowid: Int64
    private var anomaly: Anomaly?
    private var silence: Silence?
    private var lastTimestamp: Int64?
    private var lastValue = 0.0
    /// Smoothed distance of samples; 0 before there are two. Unit: seconds.
    package private(set) var interval = 0.0
    /// Unix seconds at which the last sample came, when it was about as old as now; nil while old rows are being taken in.
    private var lastArrival: Int64?

    package init(uid: String, generation: Int64, rowid: Int64) {
        self.uid = uid
        self.generation = generation
        self.rowid = rowid
    }

    /// Whether something lasts.
    package var hasOpenEvent: Bool { anomaly?.hasBegun == true || silence != nil }

    // MARK: Rows

    /// Takes the row after `rowid`.
    /// - Parameter now: Unix seconds.
    package mutating func observe(_ row: MetricRow, metric: MetricDescription, rule: AlertRule, now: Int64) -> [Change]
    {
        precondition(row.rowid > rowid, "rows come once, in order")
        rowid = row.rowid
        var changes: [Change] = []
        if let silent = silence {
            silence = nil
            changes.append(.ended(event(silent, metric, endedAt: row.timestamp)))
        }
        noteArrival(row, now: now)
        if let score = row.anomalyScore { changes += take(row, score, metric, rule) }
        return changes
    }

    private mutating func noteArrival(_ row: MetricRow, now: Int64) {
        if let last = lastTimestamp, row.timestamp > last {
            let distance = Double(row.timestamp - last)
            // A gap is no interval: it counts as four at most.
            interval = interval == 0 ? distance : interval + (min(distance, 4 * interval) - interval) / 8
        }
        lastTimestamp = row.timestamp
        lastValue = row.value
        let isLive = abs(now - row.timestamp) <= max(300, Int64(2 * interval))
        lastArrival = isLive ? now : nil
    }

    private mutating func take(
        _ row: MetricRow,
        _ score: Double,
        _ metric: MetricDescription,
        _ rule: AlertRule
    ) -> [Change] {
        guard var open = anomaly else {
            guard score > rule.anomaly.startAbove else { return [] }
            var new = Anomaly(
                startRowid: row.rowid,
                startedAt: row.timestamp,
                endRowid: row.rowid,
                endedAt: row.timestamp,
                peakScore: score,
                peakValue: row.value,
                peakAt: row.timestamp
            )
            new.hasBegun = rule.minimumDuration == 0
            anomaly = new
            return new.hasBegun ? [.began(event(new, metric, endedAt: nil))] : []
        }
        if score > rule.anomaly.endBelow {
            open.endRowid = row.rowid
            open.endedAt = row.timestamp
            if score > open.peakScore {
                open.peakScore = score
                open.peakValue = row.value
                open.peakAt = row.timestamp
            }
            let begins = !open.hasBegun && row.timestamp - open.startedAt >= rule.minimumDuration
            open.hasBegun = open.hasBegun || begins
            anomaly = open
            return begins ? [.began(event(open, metric, endedAt: nil))] : []
        }
        guard row.rowid - open.endRowid >= rule.anomaly.quietRows else { return [] }
        anomaly = nil
        return open.hasBegun ? [.ended(event(open, metric, endedAt: open.endedAt))] : []
    }

    // MARK: Other things that happen

    /// Looks whether the metric has gone silent.
    package mutating func check(metric: MetricDescription, rule: AlertRule, now: Int64) -> [Change] {
        guard isSilent(rule: rule, now: now), let last = lastTimestamp else { return [] }
        let new = Silence(startRowid: rowid, startedAt: last, value: lastValue)
        silence = new
        return [.began(event(new, metric, endedAt: nil))]
    }

    /// Whether `check` would say so; cheap, for all metrics often.
    package func isSilent(rule: AlertRule, now: Int64) -> Bool {
        guard silence == nil, rule.silenceFactor > 0, interval > 0, let arrival = lastArrival else { return false }
        return Double(now - arrival) > max(60, rule.silenceFactor * interval)
    }

    /// The process has just started: how long it was away says nothing about the metric.
    package mutating func resume(now: Int64) {
        if lastArrival != nil { lastArrival = now }
    }

    /// The model is gone or was replaced: what lasts ends.
    package mutating func end(metric: MetricDescription, now: Int64) -> [Change] {
        defer {
            anomaly = nil
            silence = nil
        }
        var changes: [Change] = []
        if let silent = silence { changes.append(.ended(event(silent, metric, endedAt: now))) }
        if let open = anomaly, open.hasBegun { changes.append(.ended(event(open, metric, endedAt: open.endedAt))) }
        return changes
    }

    /// Goes over to the rows of another model of the metric, whose open events have been ended.
    package mutating func restart(generation: Int64, rowid: Int64) {
        self.generation = generation
        self.rowid = rowid
    }

    // MARK: Events

    private func event(_ open: Anomaly, _ metric: MetricDescription, endedAt: Int64?) -> AlertEvent {
        AlertEvent(
            id: "anomaly-\(uid)-\(generation)-\(open.startRowid)",
            kind: .anomaly,
            uid: uid,
            metric: metric.name ?? uid,
            server: metric.resource ?? "",
            startedAt: open.startedAt,
            endedAt: endedAt,
            peakScore: open.peakScore,
            peakValue: open.peakValue,
            peakAt: open.peakAt
        )
    }

    private func event(_ open: Silence, _ metric: MetricDescription, endedAt: Int64?) -> AlertEvent {
        AlertEvent(
            id: "silent-\(uid)-\(generation)-\(open.startRowid)",
            kind: .silent,
            uid: uid,
            metric: metric.name ?? uid,
            server: metric.resource ?? "",
            startedAt: open.startedAt,
            endedAt: endedAt,
            peakScore: 0,
            peakValue: open.value,
            peakAt: open.startedAt
        )
    }

    // MARK: Storage

    /// As it is kept in the database.
    package var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(self) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    /// Nil for what was written by a version that kept other things: the metric is then followed from its next row on.
    package init?(text: String) {
        guard let machine = try? JSONDecoder().decode(AlertMachine.self, from: Data(text.utf8)) else { return nil }
        self = machine
    }
}
