// SPDX-License-Identifier: Apache-2.0

/// Areas under precision-recall curves over all thresholds.
package enum PrecisionRecallCurve {
    /// Average precision: the sum over falling thresholds of the gain in recall times the precision there.
    ///
    /// 0 without a label.
    package static func area(labels: [Bool], scores: [Double]) -> Double {
        let order = Order(scores)
        return area(labels: labels, scores: scores, buffer: nil, order: order)
    }

    /// VUS-PR, the volume under the surface of range-based precision-recall curves.
    ///
    /// Source: Paparrizos, Boniol, Palpanas, Tsay, Elmore, Franklin, "Volume Under the Surface: A New Accuracy Evaluation Measure for
    /// Time-Series Anomaly Detection" (PVLDB 15, 2022). For a buffer length ℓ the labels get soft borders: a record at distance d < ℓ/2
    /// before or after an event counts √(1 − d/ℓ). Precision is the sum of soft labels over the detections, recall that sum over the
    /// mean of hard and soft label mass (at most 1), times the share of (extended) events with a detection. The volume is the mean
    /// area over ℓ = 0…`maximumBuffer`.
    ///
    /// - Parameter maximumBuffer: In records.
    package static func volume(labels: [Bool], scores: [Double], maximumBuffer: Int) -> Double {
        precondition(maximumBuffer >= 0)
        let order = Order(scores)
        let areas = (0...maximumBuffer).map { area(labels: labels, scores: scores, buffer: $0, order: order) }
        return areas.reduce(0, +) / Double(areas.count)
    }

    /// Records from the highest score to the lowest, once for all buffers.
    private struct Order {
        let records: [Int]

        init(_ scores: [Double]) {
            records = scores.indices.filter { !scores[$0].isNaN }.sorted { scores[$0] > scores[$1] }
        }
    }

    /// - Parameter buffer: ℓ; `nil` for the plain curve, in which events don't count.
    private static func area(labels: [Bool], scores: [Double], buffer: Int?, order: Order) -> Double {
        precondition(labels.count == scores.count)
        let (soft, eventOf) = softLabels(labels, buffer: buffer ?? 0)
        let eventCount = DetectionMetrics.runs(of: soft.map { $0 > 0 }).count
        guard eventCount > 0 else { return 0 }
        let mass = (Double(labels.count { $0 }) + soft.reduce(0, +)) / 2
        var seen = [Bool](repeating: false, count: eventCount)
        var seenCount = 0
        var hits = 0.0
        var previousRecall = 0.0
        var area = 0.0
        for (rank, record) in order.records.enumerated() {
            hits += soft[record]
            let event = eventOf[record]
            if event >= 0, !seen[event] {
                seen[event] = true
                seenCount += 1
            }
            let isLastOfItsScore =
                rank + 1 == order.records.count || scores[order.records[rank + 1]] < scores[record]
            guard isLastOfItsScore else { continue }
            let existence = buffer == nil ? 1 : Double(seenCount) / Double(eventCount)
            let recall = min(hits / mass, 1) * existence
            area += (recall - previousRecall) * hits / Double(rank + 1)
            previousRecall = recall
        }
        return area
    }

    /// Labels with soft borders, and for each record the number of the extended event it lies in, -1 outside.
    private static func softLabels(_ labels: [Bool], buffer: Int) -> (soft: [Double], eventOf: [Int]) {
        var soft = labels.map { $0 ? 1.0 : 0 }
        let half = buffer / 2
        for event in DetectionMetrics.runs(of: labels) where half > 0 {
            for distance in 1...half {
                let weight = (1 - Double(distance) / Double(buffer)).squareRoot()
                let before = event.lowerBound - distance
                let after = event.upperBound - 1 + distance
                if before >= 0 { soft[before] = min(1, soft[before] + weight) }
                if after < labels.count { soft[after] = min(1, soft[after] + weight) }
            }
        }
        var eventOf = [Int](repeating: -1, count: labels.count)
        for (number, run) in DetectionMetrics.runs(of: soft.map { $0 > 0 }).enumerated() {
            for record in run { eventOf[record] = number }
        }
        return (soft, eventOf)
    }
}
