// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

/// Inputs that were never on when their column won share one history: nothing may tell that from a permanence for each.
@Suite struct SharedHistoryTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var inputCount = 200
        var recordCount = 2500
        /// Whether weak columns are expected to be strengthened.
        var bumps = false
        /// Whether the pooler is expected to take less memory than a permanence for each input would.
        var isSmaller = true
        let parameters: SpatialPoolerParameters

        init(_ description: String, _ change: (inout SpatialPoolerParameters) -> Void) {
            testDescription = description
            var parameters = SpatialPoolerParameters()
            parameters.columnCount = 96
            parameters.numActiveColumnsPerInhArea = 4
            change(&parameters)
            self.parameters = parameters
        }

        static let all: [Case] = {
            var weak = Case("columns that hardly ever overlap") {
                $0.potentialPct = 0.1
                $0.dutyCyclePeriod = 10
                $0.minPctOverlapDutyCycle = 0.5
            }
            weak.bumps = true
            // Twenty inputs each, and every strengthened column has a permanence for all of them.
            weak.isSmaller = false
            var narrow = Case("128 inputs, all of them potential") {
                $0.potentialPct = 1
                $0.synPermInactiveDec = 0.01
            }
            narrow.inputCount = 128
            var steady = Case("permanences that never fade") { $0.synPermInactiveDec = 0 }
            steady.isSmaller = false
            var slow = Case("permanences that fade too slowly") { $0.synPermInactiveDec = 0.00002 }
            slow.isSmaller = false
            return [
                Case("the anomaly model's constants") { _ in },
                Case("permanences that soon fade away") { $0.synPermInactiveDec = 0.004 },
                Case("permanences that fade at once") { $0.synPermInactiveDec = 1 },
                Case("nothing to gain and nothing trimmed") { $0.synPermActiveInc = 0 },
                Case("a threshold for winners") { $0.stimulusThreshold = 3 },
                weak, narrow, steady, slow,
            ]
        }()
    }

    @Test(arguments: Case.all, KernelLevel.available)
    func permanencesEqualThoseThatEachInputHasOfItsOwn(_ example: Case, level: KernelLevel) throws {
        let fresh = try SpatialPooler(parameters: example.parameters, inputCount: example.inputCount, level: level)
        var pooler = fresh
        var plain = PlainPooler(fresh, parameters: example.parameters)
        var source = PatternSource(inputCount: example.inputCount)
        for record in 0..<example.recordCount {
            if record == example.recordCount / 2 {
                // What was read back goes on as if nothing had happened, whichever inputs it takes for the same.
                pooler = try Self.readBack(pooler, into: fresh)
            }
            let input = source.next(record)
            let winners = pooler.compute(input, learn: true)
            try #require(winners == plain.learn(input), "record \(record)")
        }
        Self.compare(pooler, plain)
        Self.compare(try Self.readBack(pooler, into: fresh), plain)
        #expect((plain.bumpCount > 0) == example.bumps)
        let separate = pooler.changedColumnCount * pooler.synapses(of: 0).count * MemoryLayout<Float>.stride
        #expect((pooler.byteCount < separate) == example.isSmaller)
    }

    @Test func aCopyKeepsItsPermanencesWhenTheOtherOneGetsMore() throws {
        let example = Case.all[0]
        let fresh = try SpatialPooler(parameters: example.parameters, inputCount: example.inputCount)
        var pooler = fresh
        var plain = PlainPooler(fresh, parameters: example.parameters)
        var source = PatternSource(inputCount: example.inputCount)
        for record in 0..<300 {
            let input = source.next(record)
            _ = pooler.compute(input, learn: true)
            _ = plain.learn(input)
        }
        var other = pooler
        for record in 300..<400 {
            _ = other.compute(source.next(record), learn: true)
        }
        Self.compare(pooler, plain)
        #expect(other.byteCount > pooler.byteCount)
    }

    private static func readBack(_ pooler: SpatialPooler, into fresh: SpatialPooler) throws -> SpatialPooler {
        var encoder = StateEncoder()
        pooler.encode(into: &encoder)
        var restored = fresh
        var decoder = StateDecoder(encoder.bytes)
        try restored.restore(from: &decoder)
        try decoder.requireEnd()
        return restored
    }

    private static func compare(_ pooler: SpatialPooler, _ plain: PlainPooler) {
        for (column, expected) in plain.columns.enumerated() {
            let actual = pooler.synapses(of: column)
            #expect(actual.map(\.permanence.bitPattern) == expected.map(\.permanence.bitPattern), "column \(column)")
            #expect(actual.map(\.isConnected) == expected.map(\.isConnected), "column \(column)")
        }
    }
}

/// Patterns of which few come often and most seldom, some of them late for the first time.
private struct PatternSource {
    private let inputCount: Int
    private var random = RandomGenerator(seed: 42)
    private var patterns: [InputBits] = []

    init(inputCount: Int) {
        self.inputCount = inputCount
    }

    mutating func next(_ record: Int) -> InputBits {
        if record % 25 == 0 {
            var pattern = InputBits(count: inputCount)
            for _ in 0..<12 {
                pattern.set(Int(random.uint32(below: UInt32(inputCount))))
            }
            patterns.append(pattern)
        }
        // Every other time the first pattern, so that its columns win more than 1,000 times.
        return random.uint32(below: 2) == 0 ? patterns[0] : patterns[Int(random.uint32(below: UInt32(patterns.count)))]
    }
}
