// SPDX-License-Identifier: Apache-2.0

/// How well scores find labelled anomalies at one threshold.
///
/// An *event* is a run of labelled records, an *alarm* a run of detected ones; an alarm that touches no event is a false alarm.
package struct DetectionMetrics: Sendable, Equatable {
    package let threshold: Double
    /// Share of detected records that are labelled; 1 without any detection.
    package let precision: Double
    /// Share of labelled records that are detected.
    package let recall: Double
    /// Share of alarms that touch an event; 1 without any alarm.
    package let eventPrecision: Double
    /// Share of events with a detection.
    package let eventRecall: Double
    /// Records from the first of an event to its first detection, averaged over the detected events; `nil` without one.
    package let meanDelayRecords: Double?
    /// The same in seconds of the timestamps.
    package let meanDelaySeconds: Double?
    package let events: Int
    package let alarms: Int
    package let falseAlarms: Int
    /// False alarms per week of the span of timestamps; `nil` if that is empty.
    package let falseAlarmsPerWeek: Double?

    /// Harmonic mean of event precision and event recall.
    package var eventF1: Double {
        eventPrecision + eventRecall > 0 ? 2 * eventPrecision * eventRecall / (eventPrecision + eventRecall) : 0
    }

    /// - Parameters:
    ///   - labels: Per record whether it belongs to an anomaly.
    ///   - scores: Per record the anomaly score; at least `threshold` is a detection.
    ///   - timestamps: Seconds.
    package init(labels: [Bool], scores: [Double], timestamps: [Double], threshold: Double) {
        precondition(labels.count == scores.count && labels.count == timestamps.count)
        let detected = scores.map { $0 >= threshold }
        let eventRuns = Self.runs(of: labels)
        let alarmRuns = Self.runs(of: detected)
        let hits = zip(labels, detected).count { $0 && $1 }
        let detections = detected.count { $0 }
        let labelled = labels.count { $0 }
        let trueAlarms = alarmRuns.count { $0.contains { labels[$0] } }
        let firstHits = eventRuns.compactMap { run in run.first { detected[$0] }.map { (run.lowerBound, $0) } }

        self.threshold = threshold
        precision = detections == 0 ? 1 : Double(hits) / Double(detections)
        recall = labelled == 0 ? 1 : Double(hits) / Double(labelled)
        eventPrecision = alarmRuns.isEmpty ? 1 : Double(trueAlarms) / Double(alarmRuns.count)
        eventRecall = eventRuns.isEmpty ? 1 : Double(firstHits.count) / Double(eventRuns.count)
        events = eventRuns.count
        alarms = alarmRuns.count
        falseAlarms = alarmRuns.count - trueAlarms
        let found = Double(firstHits.count)
        meanDelayRecords = firstHits.isEmpty ? nil : Double(firstHits.reduce(0) { $0 + $1.1 - $1.0 }) / found
        meanDelaySeconds =
            firstHits.isEmpty ? nil : firstHits.reduce(0) { $0 + timestamps[$1.1] - timestamps[$1.0] } / found
        let span = (timestamps.max() ?? 0) - (timestamps.min() ?? 0)
        falseAlarmsPerWeek = span > 0 ? Double(falseAlarms) * 604_800 / span : nil
    }

    /// The maximal runs of `true`.
    static func runs(of flags: [Bool]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var start: Int?
        for index in 0...flags.count {
            let isSet = index < flags.count && flags[index]
            if isSet, start == nil { start = index }
            if !isSet, let first = start {
                runs.append(first..<index)
                start = nil
            }
        }
        return runs
    }

    /// The metrics at the threshold with the highest event F1, among at most `candidates` of the scores that occur.
    ///
    /// This looks at the labels: it tells how good the order of the scores is, not what a user gets.
    package static func best(
        labels: [Bool],
        scores: [Double],
        timestamps: [Double],
        candidates: Int = 256
    ) -> DetectionMetrics {
        let distinct = Set(scores.filter { !$0.isNaN }).sorted(by: >)
        // The interesting thresholds are few and high: half of the candidates are the highest scores, the rest spread evenly.
        let head = distinct.prefix(candidates / 2)
        let rest = distinct.dropFirst(head.count)
        let step = max(1, rest.count / max(1, candidates / 2))
        let thresholds = Array(head) + stride(from: 0, to: rest.count, by: step).map { rest[rest.startIndex + $0] }
        var best = DetectionMetrics(labels: labels, scores: scores, timestamps: timestamps, threshold: .infinity)
        for threshold in thresholds {
            let metrics = DetectionMetrics(
                labels: labels,
                scores: scores,
                timestamps: timestamps,
                threshold: threshold
            )
            if metrics.eventF1 > best.eventF1 { best = metrics }
        }
        return best
    }
}
