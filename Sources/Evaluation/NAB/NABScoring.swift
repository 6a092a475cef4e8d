// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What detecting each single record of a file is worth, before weights.
///
/// Source: Lavin and Ahmad, "Evaluating Real-Time Anomaly Detection Algorithms – the Numenta Anomaly Benchmark" (2015), section III.
struct NABCredits {
    /// Window each record lies in, -1 outside.
    let window: [Int]
    /// Inside a window its credit, 1 at the left edge; outside what a false alarm costs, -1 far from any window, less right after one.
    let value: [Double]

    init(_ file: NABFile) {
        var window = [Int](repeating: -1, count: file.series.count)
        var value = [Double](repeating: -1, count: file.series.count)
        for (number, range) in file.windows.enumerated() {
            let length = Double(range.count)
            // After the window: relative to its width, flat from three widths on. A later window overwrites what follows it.
            for record in (range.upperBound + 1)..<max(range.upperBound + 1, file.series.count) {
                let position = Double(record - range.upperBound) / max(length - 1, 1)
                value[record] = position > 3 ? -1 : Self.sigmoid(position)
            }
            for record in range {
                window[record] = number
                value[record] = Self.sigmoid(-Double(range.upperBound - record + 1) / length) / Self.sigmoid(-1)
            }
        }
        self.window = window
        self.value = value
    }

    /// NAB's scaled sigmoid: 1 far left, 0 at 0, -1 far right.
    static func sigmoid(_ position: Double) -> Double {
        2 / (1 + exp(5 * position)) - 1
    }
}

/// What one file contributes at one threshold.
package struct NABFileScore: Sendable, Equatable {
    package var falsePositives = 0
    /// Detections inside windows, the ones after the first of a window included (they neither win nor lose).
    package var truePositives = 0
    /// First detection of each window as its credit, 1 at the left edge; `nil` where the window was missed.
    package var windowCredits: [Double?] = []
    /// Weighted sum: credits, false alarms, misses.
    package var score = 0.0
    /// Records detected, after probation.
    package var detections: [Int] = []

    /// Scores a file: records with `score >= threshold` after probation are detections.
    package init(_ file: NABFile, scores: [Double], threshold: Double, profile: NABProfile) {
        precondition(scores.count == file.series.count, "one score per record")
        let credits = NABCredits(file)
        windowCredits = Array(repeating: nil, count: file.windows.count)
        for record in file.probation..<max(file.probation, scores.count) where scores[record] >= threshold {
            detections.append(record)
            let window = credits.window[record]
            if window < 0 {
                falsePositives += 1
                score += profile.falsePositive * credits.value[record]
            } else {
                truePositives += 1
                if windowCredits[window] == nil { windowCredits[window] = credits.value[record] }
            }
        }
        for credit in windowCredits {
            score += credit.map { $0 * profile.truePositive } ?? -profile.falseNegative
        }
    }
}
