// SPDX-License-Identifier: Apache-2.0

/// Finds, for a whole corpus and exactly, the threshold with the highest NAB score.
///
/// NAB climbs a hill towards it; but the score only changes at the scores that occur. Going through them from high to low, a record
/// outside windows adds its cost, and a record inside one replaces the window's credit if it is the earliest yet. So one sort
/// suffices.
package struct NABThresholdSweep: Sendable {
    /// The best threshold of one profile, and what it gives.
    package struct Optimum: Sendable, Equatable {
        package let profile: NABProfile
        /// Records scoring at least this are detections; infinite if detecting nothing is best.
        package let threshold: Double
        /// NAB's sum over the files.
        package let score: Double
        /// 0 for a detector that detects nothing, 100 for a perfect one.
        package let normalised: Double
    }

    /// A change of the total when the threshold falls to `score`.
    private struct Step {
        let score: Double
        let credit: Double
        let cost: Double
        let windowsFound: Int
    }

    private let steps: [Step]
    private let windowCount: Int

    /// - Parameters:
    ///   - files: The corpus.
    ///   - scores: For each file its records' anomaly scores; higher is more anomalous, NaN never is a detection.
    package init(files: [NABFile], scores: [[Double]]) {
        precondition(files.count == scores.count, "one list of scores per file")
        var steps: [Step] = []
        for (file, scores) in zip(files, scores) {
            precondition(scores.count == file.series.count, "one score per record")
            let credits = NABCredits(file)
            for record in file.probation..<max(file.probation, scores.count)
            where credits.window[record] < 0 && !scores[record].isNaN {
                steps.append(Step(score: scores[record], credit: 0, cost: credits.value[record], windowsFound: 0))
            }
            for window in file.windows {
                steps += Self.steps(of: window, credits: credits, scores: scores, probation: file.probation)
            }
        }
        self.steps = steps.sorted { $0.score > $1.score }
        windowCount = files.reduce(0) { $0 + $1.windows.count }
    }

    /// In a window only records matter that score higher than all before them: each is the earliest detection of a range of thresholds.
    private static func steps(
        of window: ClosedRange<Int>,
        credits: NABCredits,
        scores: [Double],
        probation: Int
    ) -> [Step] {
        var peaks: [Int] = []
        for record in window where record >= probation && !scores[record].isNaN {
            if let last = peaks.last, scores[record] <= scores[last] { continue }
            peaks.append(record)
        }
        return peaks.indices.map { index in
            let later = index + 1 < peaks.count ? credits.value[peaks[index + 1]] : 0
            return Step(
                score: scores[peaks[index]],
                credit: credits.value[peaks[index]] - later,
                cost: 0,
                windowsFound: index + 1 == peaks.count ? 1 : 0
            )
        }
    }

    /// The best threshold for a profile; among equals the highest.
    package func optimum(_ profile: NABProfile) -> Optimum {
        let null = -profile.falseNegative * Double(windowCount)
        let perfect = profile.truePositive * Double(windowCount)
        var best = (score: null, threshold: Double.infinity)
        var credit = 0.0
        var cost = 0.0
        var found = 0
        for (index, step) in steps.enumerated() {
            credit += step.credit
            cost += step.cost
            found += step.windowsFound
            let isLastOfItsScore = index + 1 == steps.count || steps[index + 1].score < step.score
            guard isLastOfItsScore else { continue }
            let score =
                profile.truePositive * credit + profile.falsePositive * cost + profile.falseNegative * Double(found)
                + null
            if score > best.score { best = (score, step.score) }
        }
        let span = perfect - null
        return Optimum(
            profile: profile,
            threshold: best.threshold,
            score: best.score,
            normalised: span > 0 ? 100 * (best.score - null) / span : 0
        )
    }
}
