// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

@Suite struct SDRClassifierTests {
    private static let records: [(cells: [UInt16], bucket: Int, value: Double)] = [
        ([1, 5, 9], 4, 40), ([2, 5, 7], 2, 20), ([1, 5, 9], 4, 44), ([2, 5, 7], 3, 30), ([1, 5, 9], 1, 10),
        ([2, 5, 7], 4, 41),
    ]

    /// Known answers of spec htm.md 13.7.
    @Test(
        arguments: [
            (
                true, 2,
                [
                    0.16971137044718049, 0.16971137044718049, 0.22908638814392038, 0.21574543548085934,
                    0.21574543548085934,
                ]
            ),
            (
                false, 2,
                [
                    0.18692082089790621, 0.18692082089790621, 0.25231671640837533, 0.18692082089790621,
                    0.18692082089790621,
                ]
            ),
            (
                true, 5,
                [
                    0.15600751100456414, 0.21058811277752115, 0.19737264880495586, 0.19792917006487951,
                    0.23810255734807928,
                ]
            ),
            (
                false, 5,
                [
                    0.17073755487449646, 0.23047159223133021, 0.18542229763519946, 0.18762332440485296,
                    0.22574523085412104,
                ]
            ),
        ] as [(Bool, Int, [Double])]
    )
    func likelihoodsEqualTheOriginals(quirks: Bool, record: Int, expected: [Double]) throws {
        var classifier = SDRClassifier(parameters: .init(alpha: 0.1, parityQuirks: quirks))
        var last: ClassifierPrediction?
        for (index, (cells, bucket, value)) in Self.records[...record].enumerated() {
            last = classifier.compute(
                recordNumber: UInt64(index),
                activeCells: cells,
                bucket: bucket,
                value: value,
                learn: true,
                infer: true
            )
        }
        let prediction = try #require(last)
        let likelihoods = prediction.likelihoods(step: 1)
        #expect(likelihoods.count == 5)
        for (actual, expected) in zip(likelihoods, expected) {
            #expect(abs(actual - expected) < 1e-12)
        }
        if record == 5 {
            let values = (0..<5).map { prediction.value(ofBucket: $0) ?? .nan }
            for (actual, expected) in zip(values, [41, 10, 20, 30, 41.2]) {
                #expect(abs(actual - expected) < 1e-12)
            }
        }
    }

    /// The rules of htm.md 9.1 and 9.2 with every weight stored: what sharing and sparse rows must equal exactly.
    private struct PlainClassifier {
        let steps: [Int]
        let quirks: Bool
        let alpha = 0.0358289
        var history: [(UInt64, [UInt16])] = []
        var weights: [[[Double]]]
        var maxBucket = 0
        var actual: [Double?] = Array(repeating: nil, count: 700)

        init(steps: [Int], quirks: Bool) {
            self.steps = steps
            self.quirks = quirks
            weights = steps.map { _ in Array(repeating: Array(repeating: 0, count: 700), count: 300) }
        }

        func softmax(_ cells: [UInt16], _ step: Int) -> [Double] {
            var sums = [Double](repeating: 0, count: maxBucket + 1)
            for cell in cells {
                for bucket in 0...maxBucket { sums[bucket] += weights[step][Int(cell)][bucket] }
            }
            let position = sums.firstIndex(of: sums.max()!)!
            let maximum = sums[position]
            for bucket in sums.indices {
                let shift = quirks && bucket > position ? 0 : maximum
                sums[bucket] = MathOfTests.exponential(sums[bucket] - shift)
            }
            let total = sums.reduce(0, +)
            return sums.map { $0 / total }
        }

        mutating func compute(_ number: UInt64, _ cells: [UInt16], _ bucket: Int, _ value: Double) -> [[Double]] {
            history.append((number, cells))
            history = Array(history.suffix(steps.max()! + 1))
            let inferred = steps.indices.map { softmax(cells, $0) }
            maxBucket = max(maxBucket, bucket)
            actual[bucket] = actual[bucket].map { 0.7 * $0 + 0.3 * value } ?? value
            for (earlier, pattern) in history {
                guard let step = steps.firstIndex(of: Int(number - earlier)) else { continue }
                let expected = softmax(pattern, step)
                for cell in pattern {
                    for bucketIndex in 0...maxBucket {
                        let error = (bucketIndex == bucket ? 1 : 0) - expected[bucketIndex]
                        let weight = weights[step][Int(cell)][bucketIndex] + alpha * error
                        let vanishes = quirks && abs(weight) <= Double(Float(1e-6))
                        weights[step][Int(cell)][bucketIndex] = vanishes ? 0 : weight
                    }
                }
            }
            return inferred
        }
    }

    /// Patterns of 8 of 300 cells, buckets that wander to both sides of the first one.
    private func record(_ index: Int, _ random: inout RandomGenerator) -> (cells: [UInt16], bucket: Int, value: Double)
    {
        let phase = index % 12
        var pattern = RandomGenerator(seed: UInt64(phase + 1))
        let cells = pattern.sample(Array(0..<300), count: 8).map(UInt16.init)
        let spread = UInt32(3 + index / 4)
        let bucket = 500 + phase + Int(random.uint32(below: spread)) - Int(spread / 2)
        return (cells, bucket, Double(bucket) + random.real64())
    }

    @Test(arguments: [true, false])
    func sharedColumnsEqualStoredOnes(quirks: Bool) throws {
        var random = RandomGenerator(seed: 3)
        var plain = PlainClassifier(steps: [1, 5], quirks: quirks)
        var classifier = SDRClassifier(parameters: .init(steps: [5, 1], parityQuirks: quirks))
        for index in 0..<400 {
            let (cells, bucket, value) = record(index, &random)
            let number = UInt64(index + 1)
            let expected = plain.compute(number, cells, bucket, value)
            let computed = classifier.compute(
                recordNumber: number,
                activeCells: cells,
                bucket: bucket,
                value: value,
                learn: true,
                infer: true
            )
            let prediction = try #require(computed)
            #expect(prediction.likelihoods(step: 1) == expected[0], "record \(index)")
            #expect(prediction.likelihoods(step: 5) == expected[1], "record \(index)")
        }
    }

    @Test func learnsASequence() throws {
        var classifier = SDRClassifier(parameters: .init(alpha: 0.5, parityQuirks: false))
        var hits = 0
        for index in 0..<1000 {
            let phase = index % 4
            let computed = classifier.compute(
                recordNumber: UInt64(index + 1),
                activeCells: [UInt16(phase * 10), UInt16(phase * 10 + 1)],
                bucket: 500 + phase,
                value: Double(phase),
                learn: true,
                infer: true
            )
            let prediction = try #require(computed)
            hits += index >= 900 && prediction.best(step: 1)?.rounded() == Double((phase + 1) % 4) ? 1 : 0
        }
        #expect(hits == 100)
    }

    @Test func missingValuesTeachNothing() throws {
        var classifier = SDRClassifier()
        func step(_ number: UInt64, _ bucket: Int?, _ value: Double?) -> ClassifierPrediction? {
            classifier.compute(
                recordNumber: number,
                activeCells: [1, 2],
                bucket: bucket,
                value: value,
                learn: true,
                infer: true
            )
        }
        let computed = step(1, nil, nil)
        let first = try #require(computed)
        #expect(first.best(step: 1) == nil)
        #expect(first.predictions(step: 1).isEmpty)
        let best = [step(2, 500, 7), step(3, nil, nil), step(4, 501, 8)].map { $0?.best(step: 1) }
        #expect(best == [7, 7, 8])
    }

    @Test func predictionsAreFewAndProbable() throws {
        var random = RandomGenerator(seed: 5)
        var classifier = SDRClassifier()
        for index in 0..<300 {
            let (cells, bucket, value) = record(index, &random)
            let computed = classifier.compute(
                recordNumber: UInt64(index),
                activeCells: cells,
                bucket: bucket,
                value: value,
                learn: true,
                infer: true
            )
            let prediction = try #require(computed)
            let predictions = prediction.predictions(step: 1)
            #expect((1...8).contains(predictions.count))
            #expect(predictions.dropFirst().allSatisfy { $0.probability >= 0.0001 })
            #expect(predictions.map(\.probability) == predictions.map(\.probability).sorted(by: >))
            #expect(predictions.contains { $0.value == prediction.best(step: 1) })
        }
    }

    @Test func decodedClassifierContinuesBitForBit() throws {
        let parameters = SDRClassifier.Parameters(steps: [1, 5])
        var random = RandomGenerator(seed: 11)
        var original = SDRClassifier(parameters: parameters)
        var restored = original
        for index in 0..<200 {
            let (cells, bucket, value) = record(index, &random)
            func step(_ classifier: inout SDRClassifier) -> [Double] {
                classifier.compute(
                    recordNumber: UInt64(index),
                    activeCells: cells,
                    bucket: index % 17 == 5 ? nil : bucket,
                    value: index % 17 == 5 ? nil : value,
                    learn: true,
                    infer: true
                )!.likelihoods(step: 5)
            }
            let expected = step(&original)
            let actual = step(&restored)
            #expect(actual == expected, "record \(index)")
            var encoder = StateEncoder()
            original.encode(into: &encoder)
            var decoder = StateDecoder(encoder.bytes)
            restored = try SDRClassifier(parameters: parameters, from: &decoder)
            try decoder.requireEnd()
            if index == 150 {
                for length in stride(from: 0, to: encoder.bytes.count, by: 997) {
                    var damaged = StateDecoder(Array(encoder.bytes[..<length]))
                    #expect(throws: CheckpointError.self) {
                        try SDRClassifier(parameters: parameters, from: &damaged)
                    }
                }
            }
        }
    }

    @Test func predictedChangesAddUpToValues() {
        var shift = DeltaPredictionShift()
        let ahead1 = [1.0, 2].map { shift.value(change: $0, step: 1, current: 10) }
        #expect(ahead1 == [11, 12])
        let ahead3 = [1.0, 2, 4, 8].map { shift.value(change: $0, step: 3, current: 10) }
        #expect(ahead3 == [11, 13, 17, 24])
    }
}
