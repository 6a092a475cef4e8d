// SPDX-License-Identifier: Apache-2.0

/// What hits, false alarms and misses weigh: one of NAB's application profiles (Lavin and Ahmad 2015, table 1).
package struct NABProfile: Sendable, Equatable {
    /// NAB's name of the profile, a key of its result files.
    package let name: String
    package let truePositive: Double
    package let falsePositive: Double
    package let falseNegative: Double

    package static let standard = NABProfile(
        name: "standard",
        truePositive: 1,
        falsePositive: 0.11,
        falseNegative: 1
    )
    package static let rewardLowFalsePositives = NABProfile(
        name: "reward_low_FP_rate",
        truePositive: 1,
        falsePositive: 0.22,
        falseNegative: 1
    )
    package static let rewardLowFalseNegatives = NABProfile(
        name: "reward_low_FN_rate",
        truePositive: 1,
        falsePositive: 0.11,
        falseNegative: 2
    )

    package static let all = [standard, rewardLowFalsePositives, rewardLowFalseNegatives]
}
