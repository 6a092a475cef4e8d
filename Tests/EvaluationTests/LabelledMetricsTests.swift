// SPDX-License-Identifier: Apache-2.0

import Evaluation
import Testing

@Suite("Labelled metrics")
struct LabelledMetricsTests {
    private let labels = (0..<20).map { (5..<8).contains($0) || (15..<17).contains($0) }
    private let timestamps = (0..<20).map { Double($0) * 300 }

    @Test func countsEventsAlarmsAndDelay() {
        var scores = [Double](repeating: 0, count: 20)
        for record in [2, 6, 7, 8, 12] { scores[record] = 1 }
        let metrics = DetectionMetrics(labels: labels, scores: scores, timestamps: timestamps, threshold: 0.5)
        #expect(metrics.precision == 0.4)
        #expect(metrics.recall == 0.4)
        #expect(metrics.events == 2)
        #expect(metrics.alarms == 3)
        #expect(metrics.falseAlarms == 2)
        #expect(metrics.eventRecall == 0.5)
        #expect(abs(metrics.eventPrecision - 1 / 3) < 1e-12)
        #expect(abs(metrics.eventF1 - 0.4) < 1e-12)
        #expect(metrics.meanDelayRecords == 1)
        #expect(metrics.meanDelaySeconds == 300)
        #expect(abs((metrics.falseAlarmsPerWeek ?? 0) - 2 * 604_800 / 5700) < 1e-9)
    }

    @Test func bestThresholdSeparatesWhatCanBeSeparated() {
        let scores = labels.map { $0 ? 0.8 : 0.3 }
        let best = DetectionMetrics.best(labels: labels, scores: scores, timestamps: timestamps)
        #expect(best.threshold == 0.8)
        #expect(best.eventF1 == 1)
    }

    @Test func areasOfPerfectAndUselessScores() {
        let perfect = labels.map { $0 ? 1.0 : 0 }
        #expect(PrecisionRecallCurve.area(labels: labels, scores: perfect) == 1)
        let constant = [Double](repeating: 1, count: 20)
        #expect(PrecisionRecallCurve.area(labels: labels, scores: constant) == 0.25)
        #expect(PrecisionRecallCurve.area(labels: Array(repeating: false, count: 20), scores: constant) == 0)
    }

    @Test func averagePrecisionByHand() {
        // Ranks: hit, miss, hit.
        let area = PrecisionRecallCurve.area(labels: [true, false, true], scores: [3, 2, 1])
        #expect(abs(area - (0.5 * 1 + 0.5 * 2 / 3)) < 1e-12)
    }

    /// The soft border forgives a detection just beside the event, which the plain area doesn't.
    @Test func volumeRewardsNearMisses() {
        var scores = [Double](repeating: 0, count: 20)
        scores[4] = 1
        scores[14] = 1
        let area = PrecisionRecallCurve.area(labels: labels, scores: scores)
        let volume = PrecisionRecallCurve.volume(labels: labels, scores: scores, maximumBuffer: 8)
        #expect(volume > area + 0.1)
        #expect(volume <= 1)
        // Without a border only the share of events with a detection is left of the difference: a single event has none.
        let single = PrecisionRecallCurve.volume(labels: [false, true, true], scores: [3, 2, 1], maximumBuffer: 0)
        #expect(single == PrecisionRecallCurve.area(labels: [false, true, true], scores: [3, 2, 1]))
    }
}
