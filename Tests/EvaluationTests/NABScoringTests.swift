// SPDX-License-Identifier: Apache-2.0

import Evaluation
import Foundation
import Testing

@Suite("NAB scoring")
struct NABScoringTests {
    /// 100 records, probation 15, one window of 11 records.
    private let file = Self.file(count: 100, windows: [40...50])

    private static func file(count: Int, windows: [ClosedRange<Int>]) -> NABFile {
        NABFile(
            series: LabelledSeries(
                name: "made/up.csv",
                timestampTexts: (0..<count).map(String.init),
                timestamps: (0..<count).map(Double.init),
                values: Array(repeating: 0, count: count)
            ),
            windows: windows
        )
    }

    private func scores(_ marks: [Int: Double]) -> [Double] {
        (0..<file.series.count).map { marks[$0] ?? 0.1 }
    }

    @Test func detectionAtTheLeftEdgeIsPerfect() {
        let sweep = NABThresholdSweep(files: [file], scores: [scores([40: 0.9])])
        for profile in NABProfile.all {
            let optimum = sweep.optimum(profile)
            #expect(abs(optimum.normalised - 100) < 1e-9)
            #expect(optimum.threshold == 0.9)
        }
    }

    @Test func onlyTheEarliestDetectionOfAWindowCounts() {
        let score = NABFileScore(
            file,
            scores: scores([45: 0.9, 47: 0.9, 50: 0.9]),
            threshold: 0.9,
            profile: .standard
        )
        // 2 / (1 + e^(-5 · 6/11)) - 1 over the same at -1.
        #expect(abs(score.score - 0.889135) < 1e-6)
        #expect(score.truePositives == 3)
        #expect(score.falsePositives == 0)
    }

    @Test func falseAlarmsCostLessRightAfterAWindow() {
        func cost(_ record: Int) -> Double {
            NABFileScore(file, scores: scores([40: 1, record: 1]), threshold: 1, profile: .standard).score - 1
        }
        #expect(cost(51) > -0.11 * 0.3 && cost(51) < 0)
        #expect(cost(60) == cost(51) * 1.0 || cost(60) < cost(51))
        #expect(abs(cost(30) + 0.11) < 1e-12)
        #expect(abs(cost(85) + 0.11) < 1e-12)
    }

    @Test func probationIsIgnored() {
        let score = NABFileScore(file, scores: scores([3: 1, 14: 1]), threshold: 1, profile: .standard)
        #expect(score.detections.isEmpty)
        #expect(score.score == -1)
        #expect(Self.file(count: 10_000, windows: []).probation == 750)
        #expect(Self.file(count: 1999, windows: []).probation == 299)
    }

    @Test func constantScoresAreWorthNothing() {
        let files = [file, Self.file(count: 400, windows: [])]
        let sweep = NABThresholdSweep(files: files, scores: files.map { Array(repeating: 0.5, count: $0.series.count) })
        for profile in NABProfile.all {
            #expect(sweep.optimum(profile).normalised == 0)
            #expect(sweep.optimum(profile).threshold == .infinity)
        }
    }

    @Test func sweepFindsWhatTryingEveryThresholdFinds() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20 {
            let files = [
                Self.file(count: 300, windows: [60...90, 200...203]), Self.file(count: 80, windows: [5...20]),
            ]
            let scores = files.map { file in
                file.series.values.map { _ in Double(Int.random(in: 0..<40, using: &generator)) / 40 }
            }
            let sweep = NABThresholdSweep(files: files, scores: scores)
            for profile in NABProfile.all {
                var best = -3 * profile.falseNegative
                for threshold in Set(scores.joined()) {
                    let sum = zip(files, scores).reduce(0) {
                        $0 + NABFileScore($1.0, scores: $1.1, threshold: threshold, profile: profile).score
                    }
                    best = max(best, sum)
                }
                #expect(abs(sweep.optimum(profile).score - best) < 1e-9)
            }
        }
    }

    @Test(
        "Golden scores of NuPIC 1.0.5 on the development half",
        .enabled(if: TestData.golden != nil && TestData.nab != nil)
    )
    func goldenScores() throws {
        let corpus = try NABCorpus(directory: try #require(TestData.nab))
        let evaluation = try NABEvaluation.run(
            RecordedScores(name: "golden", directory: try #require(TestData.golden)),
            on: corpus,
            jobs: 2
        )
        let expected = [70.93, 63.76, 75.36]
        for (optimum, expected) in zip(evaluation.optima, expected) {
            #expect(abs(optimum.normalised - expected) < 0.005)
            let sum = evaluation.files.indices.reduce(0) { $0 + evaluation.score(file: $1, at: optimum).score }
            #expect(abs(sum - optimum.score) < 1e-9)
        }
    }
}

@Suite("NAB evaluation")
struct NABEvaluationTests {
    /// Three short files are enough to notice a change; the whole half is scored by `make nab`.
    @Test("Parity mode gives the golden anomaly scores", .enabled(if: TestData.golden != nil && TestData.nab != nil))
    func parityModeIsGolden() throws {
        let corpus = try NABCorpus(directory: try #require(TestData.nab))
        let golden = RecordedScores(name: "golden", directory: try #require(TestData.golden))
        let names = ["exchange-3_cpc_results.csv", "speed_t4013.csv", "iio_us-east-1_i-a2eb1cd9_NetworkIn.csv"]
        let files = corpus.files.filter { file in names.contains { file.series.name.hasSuffix($0) } }
        try #require(files.count == names.count)
        let evaluation = try NABEvaluation.run(EvaluatedMode.parity.detector, on: NABCorpus(files: files), jobs: 2)
        for (file, scored) in zip(evaluation.files, evaluation.scored) {
            let expected = try golden.scores(of: file.series).anomalyScores
            #expect(zip(scored.anomalyScores, expected).allSatisfy { abs($0 - $1) < 1e-7 })
        }
    }

    @Test func resultFilesReadBackAndReportHoldsEveryFile() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("results-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let files = [FaultSeries(shape: .daily, fault: .spike, seed: 5).file()]
        let scores = files[0].series.values.map { abs($0 - 60) / 100 }
        let evaluation = NABEvaluation(
            detectorName: "distance",
            files: files,
            scored: [ScoredSeries(anomalyScores: scores, explanations: [7: "far, far away"])]
        )
        try NABResultFiles.write(evaluation, to: directory)
        let read = try RecordedScores(name: "distance", directory: directory + "/distance").scores(of: files[0].series)
        #expect(read.anomalyScores == scores)
        let report = try String(contentsOfFile: directory + "/report.html", encoding: .utf8)
        #expect(report.contains("spike/daily_5.csv") && report.contains("<svg"))
        #expect(FileManager.default.fileExists(atPath: directory + "/final_results.json"))
    }
}
