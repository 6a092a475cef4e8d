// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

@Suite struct RandomGeneratorTests {
    @Test(
        arguments: [
            (1, [1_823_822_888, 867_002_122, 1_702_683_038, 1_737_902_870, 1_981_779_714]),
            (42, [91_716_700, 729_225_899, 1_505_223_544, 930_964_946, 467_588_745]),
            (1956, [2_108_973_445, 1_003_922_628, 2_080_764_699, 1_333_809_478, 2_040_411_817]),
            (1960, [889_696_819, 252_451_760, 383_714_562, 859_261_317, 1_467_944_023]),
        ] as [(UInt64, [UInt32])]
    )
    func unboundedDrawsEqualTheOriginals(seed: UInt64, expected: [UInt32]) {
        var random = RandomGenerator(seed: seed)
        #expect((0..<5).map { _ in random.uint32() } == expected)
    }

    @Test(arguments: [(42, [7, 3, 6, 9, 28, 5, 2, 18]), (1960, [12, 5, 3, 0, 0, 0, 21, 17])] as [(UInt64, [UInt32])])
    func boundedDrawsEqualTheOriginals(seed: UInt64, expected: [UInt32]) {
        var random = RandomGenerator(seed: seed)
        #expect((0..<8).map { _ in random.uint32(below: 31) } == expected)
    }

    @Test(
        arguments: [
            (42, [0.10417207877286216, 0.3977409433313994, 0.7367417735136179]),
            (1956, [0.6436232152350563, 0.3174817575955835, 0.30313835251459764]),
        ] as [(UInt64, [Double])]
    )
    func realDrawsEqualTheOriginals(seed: UInt64, expected: [Double]) {
        var random = RandomGenerator(seed: seed)
        #expect((0..<3).map { _ in random.real64() } == expected)
    }

    @Test func shuffleAndSampleEqualTheOriginals() {
        var shuffling = RandomGenerator(seed: 42)
        var digits = Array(0..<10)
        shuffling.shuffle(&digits)
        #expect(digits == [0, 9, 2, 5, 7, 3, 8, 4, 6, 1])

        var sampling = RandomGenerator(seed: 42)
        #expect(sampling.sample(Array(0..<20), count: 5) == [0, 5, 7, 9, 10])
        #expect(sampling.uint32(below: 1000) == 698)
    }

    @Test func decodedGeneratorContinuesTheStream() throws {
        var random = RandomGenerator(seed: 1960)
        for _ in 0..<57 {
            _ = random.uint32()
        }
        var encoder = StateEncoder()
        random.encode(into: &encoder)
        var decoder = StateDecoder(encoder.bytes)
        var restored = try RandomGenerator(from: &decoder)
        try decoder.requireEnd()
        #expect((0..<100).map { _ in restored.uint32() } == (0..<100).map { _ in random.uint32() })
    }
}
