// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

@Suite struct SpatialPoolerTests {
    private static let pooler = try! SpatialPooler(parameters: .init(), inputCount: 454)

    @Test(
        arguments: [
            (0, [0, 1, 2, 3, 4, 5, 6, 8], 191, [0.97355, 0.92624, 0.13618, 0.04262, 0.03340, 0.97951, 0.42296, 0]),
            (1, [0, 1, 3, 4, 7, 8, 10, 12], 189, [0.24168, 0.07504, 0, 0.05865, 0.96813, 0, 0, 0.15993]),
        ] as [(Int, [Int], Int, [Float])]
    )
    func initialColumnsEqualTheOriginals(column: Int, inputs: [Int], connected: Int, permanences: [Float]) {
        let synapses = Self.pooler.synapses(of: column)
        #expect(synapses.count == 363)
        #expect(synapses.prefix(8).map(\.input) == inputs)
        #expect(synapses.count { $0.isConnected } == connected)
        // The reference lists permanences by input number, 0 where an input isn't potential.
        let byInput = (0..<8).map { input in synapses.first { $0.input == input }?.permanence ?? 0 }
        #expect(zip(byInput, permanences).allSatisfy { abs($0 - $1) < 0.000_004 }, "\(byInput)")
    }

    @Test func initialConnectionsEqualTheOriginals() {
        let connected = (0..<2048).reduce(0) { sum, column in
            sum + Self.pooler.synapses(of: column).count { $0.isConnected }
        }
        #expect(connected == 370_835)
    }

    @Test(arguments: KernelLevel.available)
    func everyKernelGivesTheBaselinesBits(level: KernelLevel) throws {
        for inputCount in [454, 130, 700] {
            var parameters = SpatialPoolerParameters()
            parameters.columnCount = inputCount == 700 ? 333 : 2048
            parameters.numActiveColumnsPerInhArea = 20
            var plain = try SpatialPooler(parameters: parameters, inputCount: inputCount, level: .baseline)
            var fast = try SpatialPooler(parameters: parameters, inputCount: inputCount, level: level)
            var random = RandomGenerator(seed: 7)
            for _ in 0..<60 {
                var input = InputBits(count: inputCount)
                for _ in 0..<40 {
                    input.set(Int(random.uint32(below: UInt32(inputCount))))
                }
                #expect(plain.compute(input, learn: true) == fast.compute(input, learn: true))
            }
            for column in stride(from: 0, to: parameters.columnCount, by: 7) {
                let (expected, actual) = (plain.synapses(of: column), fast.synapses(of: column))
                #expect(expected.map(\.permanence) == actual.map(\.permanence))
                #expect(expected.map(\.isConnected) == actual.map(\.isConnected))
            }
            try checkCoding(plain, fast, SpatialPooler(parameters: parameters, inputCount: inputCount, level: level))
        }
    }

    /// `plain` and `fast` have learned the same at two levels; `fresh` is of the level of `fast`.
    private func checkCoding(_ plain: SpatialPooler, _ fast: SpatialPooler, _ fresh: SpatialPooler) throws {
        var (expected, actual) = (StateEncoder(), StateEncoder())
        plain.encode(into: &expected)
        fast.encode(into: &actual)
        #expect(expected.bytes == actual.bytes)
        var restored = fresh
        var decoder = StateDecoder(actual.bytes)
        try restored.restore(from: &decoder)
        try decoder.requireEnd()
        for column in 0..<333 {
            let (before, after) = (plain.synapses(of: column), restored.synapses(of: column))
            #expect(before.map(\.permanence.bitPattern) == after.map(\.permanence.bitPattern))
            #expect(before.map(\.isConnected) == after.map(\.isConnected))
        }
    }

    @Test func emptyInputActivatesTheHighestColumns() throws {
        var pooler = Self.pooler
        #expect(pooler.compute(InputBits(count: 454), learn: true) == Array(2008...2047))
    }

    @Test func copiesLearnApart() throws {
        var first = Self.pooler
        var input = InputBits(count: 454)
        for bit in 100..<142 {
            input.set(bit)
        }
        let winners = first.compute(input, learn: true)
        let untouched = first
        let before = untouched.synapses(of: Int(winners[0])).map(\.permanence)
        _ = first.compute(input, learn: true)
        #expect(untouched.synapses(of: Int(winners[0])).map(\.permanence) == before)
        #expect(first.synapses(of: Int(winners[0])).map(\.permanence) != before)
        #expect(Self.pooler.changedColumnCount == 0)
    }

    @Test func columnsWithoutOverlapGrowStrongerWithTime() throws {
        var parameters = SpatialPoolerParameters()
        parameters.columnCount = 64
        parameters.numActiveColumnsPerInhArea = 2
        parameters.dutyCyclePeriod = 10
        parameters.potentialPct = 0.1
        parameters.minPctOverlapDutyCycle = 0.5
        var pooler = try SpatialPooler(parameters: parameters, inputCount: 40)
        var input = InputBits(count: 40)
        input.set(3)
        for _ in 0..<80 {
            _ = pooler.compute(input, learn: true)
        }
        #expect(pooler.changedColumnCount > 2)
    }

    @Test func boostingFavoursRestedColumns() throws {
        var parameters = SpatialPoolerParameters()
        parameters.columnCount = 128
        parameters.numActiveColumnsPerInhArea = 4
        parameters.boostStrength = 20
        var pooler = try SpatialPooler(parameters: parameters, inputCount: 100)
        var input = InputBits(count: 100)
        for bit in 0..<20 {
            input.set(bit)
        }
        var winners: Set<UInt16> = []
        for _ in 0..<50 {
            winners.formUnion(pooler.compute(input, learn: true))
        }
        #expect(winners.count > 4)
    }
}
