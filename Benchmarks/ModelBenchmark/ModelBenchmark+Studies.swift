// SPDX-License-Identifier: Apache-2.0

import Evaluation
import Foundation
import HTM

extension ModelBenchmark {
    /// Runs one golden file several times: something for a profiler to look at.
    func series(_ name: String, isPlain: Bool, repetitions: Int) throws {
        let series = try SeriesFile(golden.appendingPathComponent(name))
        var parameters = series.parameters
        if isPlain {
            parameters.temporalMemory = .plain(PlainTemporalMemory.Parameters())
        }
        for _ in 0..<repetitions {
            let run = try ModelRun(series, parameters: parameters, factory: factory)
            print("\(series.name): \(text(run.medianMicroseconds)) µs/record, hash \(run.scoreHash)")
        }
    }

    /// What a limit on segments costs in detection and saves in time, as CSV: NAB's normalised scores, threshold chosen for each.
    func limits(corpus path: String) throws {
        let corpus = try NABCorpus(directory: path)
        let profiles = NABProfile.all.map(\.name).joined(separator: ",")
        print("segment_limit,\(profiles),files_changed,records_changed,cpu_seconds")
        var reference: [ScoredSeries] = []
        // The original has no limit; no file reaches this one.
        for limit in [16_000_000, 131_072, 65_536, 32_768, 16_384, 8_192, 4_096] {
            let start = cpuSeconds()
            let detector = ParityDetector(knowsFile: true, segmentLimit: limit)
            let scored = try corpus.files.map { try detector.scores(of: $0.series) }
            let seconds = cpuSeconds() - start
            if reference.isEmpty {
                reference = scored
            }
            let changed = zip(scored, reference).map { one, other in
                zip(one.rawScores, other.rawScores).count { $0 != $1 }
            }
            let evaluation = NABEvaluation(detectorName: detector.name, files: corpus.files, scored: scored)
            let scores = evaluation.optima.map { text($0.normalised, 2) }.joined(separator: ",")
            print("\(limit),\(scores),\(changed.count { $0 > 0 }),\(changed.reduce(0, +)),\(text(seconds))")
            fflush(nil)
        }
    }
}
