// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A detector run over a corpus, scored for every profile.
package struct NABEvaluation: Sendable {
    package let detectorName: String
    package let files: [NABFile]
    /// In the order of `files`.
    package let scored: [ScoredSeries]
    /// In the order of ``NABProfile/all``.
    package let optima: [NABThresholdSweep.Optimum]

    /// Runs a detector over all files, at most `jobs` at a time.
    ///
    /// - Parameter progress: Called from any thread with the number of files done so far.
    /// - Throws: The first file's error, in the order of files.
    package static func run(
        _ detector: any SeriesDetector,
        on corpus: NABCorpus,
        jobs: Int,
        progress: @Sendable (Int) -> Void = { _ in }
    ) throws -> NABEvaluation {
        precondition(jobs > 0)
        // The longest files first, so that no long one is left for the end.
        let order = corpus.files.indices.sorted { corpus.files[$0].series.count > corpus.files[$1].series.count }
        let state = Mutex(
            (
                next: 0, done: 0,
                results: [Result<ScoredSeries, any Error>?](
                    repeating: nil,
                    count: order.count
                )
            )
        )
        DispatchQueue.concurrentPerform(iterations: min(jobs, order.count)) { _ in
            while true {
                let turn = state.withLock { state in
                    defer { state.next += 1 }
                    return state.next
                }
                guard turn < order.count else { return }
                let index = order[turn]
                let result = Result { try detector.scores(of: corpus.files[index].series) }
                let done = state.withLock { state in
                    state.results[index] = result
                    state.done += 1
                    return state.done
                }
                progress(done)
            }
        }
        let scored = try state.withLock { try $0.results.map { try $0!.get() } }
        return NABEvaluation(detectorName: detector.name, files: corpus.files, scored: scored)
    }

    /// Scores what a detector said about each file.
    package init(detectorName: String, files: [NABFile], scored: [ScoredSeries]) {
        self.detectorName = detectorName
        self.files = files
        self.scored = scored
        let sweep = NABThresholdSweep(files: files, scores: scored.map(\.anomalyScores))
        optima = NABProfile.all.map(sweep.optimum)
    }

    /// Score of one file at the corpus's best threshold of a profile.
    package func score(file index: Int, at optimum: NABThresholdSweep.Optimum) -> NABFileScore {
        NABFileScore(
            files[index],
            scores: scored[index].anomalyScores,
            threshold: optimum.threshold,
            profile: optimum.profile
        )
    }
}
