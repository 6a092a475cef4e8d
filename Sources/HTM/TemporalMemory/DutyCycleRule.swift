// SPDX-License-Identifier: Apache-2.0

/// How a segment's duty cycle decays: the share of iterations in which it was reinforced, averaged over ever longer times.
///
/// Only its rank within a full column has an effect: the segment of smallest duty cycle makes room.
struct DutyCycleRule {
    /// Iterations up to which the duty cycle is a plain share.
    static var startupIterations: Int { 100 }

    /// The duty cycle up to then.
    @inline(__always)
    static func share(_ activations: Float, of iteration: Int) -> Float {
        activations / Float(max(iteration, 1))
    }

    /// Iterations at which every segment's duty cycle is brought up to date, since the rate changes behind them.
    static var tiers: [Int] { [100, 320, 1_000, 3_200, 10_000, 32_000, 100_000, 320_000] }

    private static var rates: [Double] {
        [0.0032, 0.0010, 0.00032, 0.00010, 0.000032, 0.00001, 0.0000032, 0.000001]
    }

    /// Powers of (1 − rate) for the ages that occur most; computed as any other, once.
    private struct Table: Sendable {
        static let ages = 256
        let rate: Double
        let powers: [Double]

        init(rate: Double) {
            self.rate = rate
            powers = (0..<Self.ages).map { power(1 - rate, Double($0)) }
        }
    }

    private static let tables = rates.map { Table(rate: $0) }

    private let rate: Double
    private let powers: UnsafePointer<Double>?

    /// The rule in force at an iteration.
    init(iteration: Int) {
        guard let tier = Self.tiers.lastIndex(where: { iteration > $0 }) else {
            rate = 0
            powers = nil
            return
        }
        rate = Self.tables[tier].rate
        // The tables live as long as the program and never change, so their storage stays where it is.
        powers = Self.tables[tier].powers.withUnsafeBufferPointer { $0.baseAddress }
    }

    /// The duty cycle after `age` iterations without a look, plus one reinforcement if `isActive`.
    @inline(__always)
    func decayed(_ dutyCycle: Float, age: Int, isActive: Bool) -> Float {
        let factor = age < Table.ages ? powers.unsafelyUnwrapped[age] : power(1 - rate, Double(age))
        let value = factor * Double(dutyCycle)
        return Float(isActive ? value + rate : value)
    }
}
