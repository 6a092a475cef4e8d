// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

/// Known answers of spec htm.md 13.6 and engine.md 7.12.
@Suite struct AnomalyLikelihoodTests {
    // MARK: NAB's schedule

    private func nabRecord(_ index: Int) -> (value: Double, raw: Double) {
        let raw = (350...361).contains(index) ? 1.0 : 0.2 * Double((37 * index) % 41) / 40
        return (Double(index % 7), raw)
    }

    private static let nabSchedule = AnomalyLikelihood.Schedule.nab(
        learningPeriod: 100,
        estimationSamples: 50,
        historySize: 300,
        reestimationPeriod: 50
    )

    @Test func nabScheduleEqualsTheOriginal() throws {
        var likelihood = AnomalyLikelihood(schedule: Self.nabSchedule)
        var results: [Double] = []
        for index in 0..<420 {
            let (value, raw) = nabRecord(index)
            results.append(likelihood.update(value: value, rawScore: raw))
            if index == 150 {
                let distribution = try #require(likelihood.distribution)
                #expect(abs(distribution.mean - 0.10018) < 1e-9)
                #expect(abs(distribution.standardDeviation - 0.0173205080756888) < 1e-9)
            }
            if index == 200 {
                #expect(abs(try #require(likelihood.distribution).mean - 0.100585) < 1e-9)
            }
        }
        let distribution = try #require(likelihood.distribution)
        #expect(abs(distribution.mean - 0.134765615079365) < 1e-9)
        #expect(abs(distribution.standardDeviation - 0.149105861671315) < 1e-9)
        let expected: [(Int, Double)] = [
            (149, 0.5), (150, 0.576004396757296), (199, 0.663715357555068), (200, 0.665714237885211),
            (350, 0.999999286342001), (351, 0.999), (362, 0.999), (400, 0.577802910670557), (419, 0.60643901149265),
        ]
        for (index, value) in expected {
            #expect(abs(results[index] - value) < 1e-9, "record \(index)")
        }
        #expect(abs(AnomalyLikelihood.logLikelihood(results[350]) - 0.614644903356109) < 1e-9)
        #expect(abs(AnomalyLikelihood.logLikelihood(results[351]) - 0.299999996735066) < 1e-9)
    }

    @Test func tailProbabilitiesEqualTheOriginals() {
        let distribution = LikelihoodDistribution(mean: 0.1, variance: 0.1 * 0.1)
        #expect(abs(distribution.tailProbability(0.5, .erfc) - 3.16661084257e-05) < 1e-15)
        #expect(abs(distribution.tailProbability(0.05, .erfc) - 0.30853585055) < 1e-11)
        // The scores in the original's README are averages below the mean under 0.3.4's table.
        #expect(distribution.tailProbability(0.06, .table) == 1 - 0.344578258)
        #expect(distribution.tailProbability(0.19, .table) == 0.184060125)
        #expect(distribution.tailProbability(0.9, .table) == 0)
    }

    // MARK: The engine's schedule

    private func engineScores(_ tail: LikelihoodTail) -> (scores: [Double], last: LikelihoodDistribution?) {
        var likelihood = AnomalyLikelihood(schedule: .engine(), tail: tail)
        var scores = [Double.nan]
        for row in 1...600 {
            let red = (450...459).contains(row) || row == 500
            let raw = red ? 1.0 : Double((37 * row) % 101) / 1000
            scores.append(likelihood.update(value: Double((7 * row) % 50), rawScore: raw))
        }
        return (scores, likelihood.distribution)
    }

    @Test func engineScheduleEqualsTheOriginalWithErfc() throws {
        let (scores, last) = engineScores(.erfc)
        let expected: [(Int, Double)] = [
            (100, 0), (101, 0.50018128110447), (288, 0.5001810816314374), (300, 0.6262266298629194),
            (312, 0.6119280458502365), (340, 0.545882445537035), (400, 0.5216175512009718), (450, 0.9999999499806177),
            (470, 0.5826561576876568), (500, 0.6216669034618695), (600, 0.5846152316880187),
        ]
        for (row, value) in expected {
            #expect(abs(scores[row] - value) < 1e-9, "row \(row)")
        }
        #expect(scores[451...461].allSatisfy { $0 == 0.999 })
        let distribution = try #require(last)
        #expect(abs(distribution.mean - 0.08594349315068474) < 1e-9)
        #expect(abs(distribution.variance - 0.019762429649441735) < 1e-9)
    }

    @Test func engineScheduleEqualsTheOriginalWithTheTable() {
        let (scores, _) = engineScores(.table)
        let expected: [(Int, Double)] = [
            (100, 0), (101, 0.5), (288, 0.5), (300, 0.6179114219999999), (312, 0.38208857800000007),
            (340, 0.539827837), (400, 0.46017216299999997), (450, 0.999999940163222), (470, 0.420740291),
            (500, 0.6179114219999999), (600, 0.420740291),
        ]
        for (row, value) in expected {
            #expect(abs(scores[row] - value) < 1e-12, "row \(row)")
        }
        #expect(scores[451...461].allSatisfy { $0 == 0.999 })
    }

    @Test func flatMetricsKeepTheNullDistribution() {
        var likelihood = AnomalyLikelihood(schedule: .engine())
        for row in 1...1000 {
            let value: Double? = row % 3 == 0 ? nil : 7.001
            _ = likelihood.update(value: value, rawScore: row % 50 == 0 ? 1 : 0)
        }
        #expect(likelihood.distribution == .null)
    }

    // MARK: Against the plain rules

    /// The rules of htm.md 8.1 and 8.2 word by word: everything recomputed from a list.
    private func plainNAB(_ records: [(value: Double, raw: Double)], window: Int) -> [Double] {
        let (learning, estimation, period) = (100, 50, 50)
        var distribution: LikelihoodDistribution?
        var (recent, lastTail): ([Double], Double) = ([], 1)
        func averages(_ raws: [Double]) -> [Double] {
            raws.indices.map { index in
                let part = raws[max(0, index - 9)...index]
                return part.reduce(0, +) / Double(part.count)
            }
        }
        func moments(_ sample: [Double]) -> (Double, Double) {
            let mean = sample.reduce(0, +) / Double(sample.count)
            return (mean, sample.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(sample.count))
        }
        return records.indices.map { iteration in
            guard iteration >= learning + estimation else { return 0.5 }
            if distribution == nil || iteration % period == 0 {
                let shifted = max(0, iteration - window)
                let skip = min(iteration, max(0, learning - shifted))
                let history = Array(records[shifted..<iteration])
                let all = averages(history.map(\.raw))
                let (mean, variance) = moments(Array(all[skip...]))
                let flat = moments(history[skip...].map(\.value)).1 < 1.5e-5
                let estimated =
                    flat ? .null : LikelihoodDistribution(mean: max(mean, 0.03), variance: max(variance, 0.0003))
                distribution = estimated
                recent = history.suffix(10).map(\.raw)
                lastTail = estimated.tailProbability(all.last!, .erfc)
            }
            recent = Array((recent + [records[iteration].raw]).suffix(10))
            let tail = distribution!.tailProbability(recent.reduce(0, +) / Double(recent.count), .erfc)
            defer { lastTail = tail }
            return tail <= 1 - 0.99999 && lastTail <= 1 - 0.99999 ? 0.999 : 1 - tail
        }
    }

    @Test(arguments: [10, 47, 150, 300])
    func incrementalSumsEqualRecomputedOnesWhileTheWindowSlides(window: Int) {
        var random = RandomGenerator(seed: 7)
        // Codes first, then scores off the grid; a flat stretch in between.
        let records = (0..<1500).map { index -> (value: Double, raw: Double) in
            let code = Double(Float(random.uint32(below: 41)) / 40)
            let raw = index < 900 ? code : random.real64()
            return ((700..<1100).contains(index) ? 3 : random.real64(), raw * (index % 97 == 0 ? 1 : 0.3))
        }
        let schedule = AnomalyLikelihood.Schedule.nab(
            learningPeriod: 100,
            estimationSamples: 50,
            historySize: window,
            reestimationPeriod: 50
        )
        var likelihood = AnomalyLikelihood(schedule: schedule)
        for (index, expected) in plainNAB(records, window: window).enumerated() {
            let actual = likelihood.update(value: records[index].value, rawScore: records[index].raw)
            #expect(abs(actual - expected) < 1e-9, "window \(window), record \(index)")
        }
    }

    // MARK: State

    @Test(arguments: [AnomalyLikelihoodTests.nabSchedule, .engine(historySize: 300)])
    func decodedLikelihoodContinuesBitForBit(schedule: AnomalyLikelihood.Schedule) throws {
        var original = AnomalyLikelihood(schedule: schedule)
        var restored = original
        for index in 0..<800 {
            let (value, raw) = nabRecord(index)
            let expected = original.update(value: value, rawScore: raw)
            let actual = restored.update(value: value, rawScore: raw)
            #expect(actual == expected, "record \(index)")
            var encoder = StateEncoder()
            original.encode(into: &encoder)
            var decoder = StateDecoder(encoder.bytes)
            restored = try AnomalyLikelihood(schedule: schedule, tail: .erfc, from: &decoder)
            try decoder.requireEnd()
        }
    }

    @Test func damagedStateIsRefused() throws {
        var likelihood = AnomalyLikelihood(schedule: .engine())
        for index in 0..<200 {
            let (value, raw) = nabRecord(index)
            _ = likelihood.update(value: value, rawScore: raw)
        }
        var encoder = StateEncoder()
        likelihood.encode(into: &encoder)
        for length in stride(from: 0, to: encoder.bytes.count, by: 37) {
            var decoder = StateDecoder(Array(encoder.bytes[..<length]))
            #expect(throws: CheckpointError.self) {
                try AnomalyLikelihood(schedule: .engine(), tail: .erfc, from: &decoder)
            }
        }
    }
}

@Suite struct SpatialRangeTrickTests {
    @Test func onlyValuesWellOutsideTheSeenRangeCount() {
        var trick = SpatialRangeTrick()
        let outside = [10.0, 10, 30, 31, 31.1, 32.2, nil, 8.9, 100].map { trick.isOutside($0) }
        #expect(outside == [false, false, false, false, false, true, false, false, true])
    }
}
