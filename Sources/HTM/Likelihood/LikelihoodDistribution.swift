// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Which tail probability turns an averaged raw score into a likelihood.
public enum LikelihoodTail: UInt8, Sendable, Hashable, CaseIterable {
    /// NuPIC 1.0.x: two-sided, ½ erfc(z / 1.4142). An unusually low average is unlikely too.
    case erfc = 0
    /// NuPIC 0.3.4: one-sided, from a table in steps of a tenth of a standard deviation.
    case table = 1
}

/// The normal distribution that averaged raw scores are held against.
///
/// Source: spec htm.md 8.1; S. Ahmad et al., "Unsupervised real-time anomaly detection for streaming data",
/// Neurocomputing 262 (2017), section 2.2.
public struct LikelihoodDistribution: Sendable, Hashable {
    /// Mean of the averaged raw scores, 0...1.
    public let mean: Double
    /// Population variance of the averaged raw scores.
    public let variance: Double
    /// Square root of `variance`.
    public let standardDeviation: Double

    /// The floor under the mean, so that a perfectly predicted stretch doesn't make every small error an anomaly.
    static let smallestMean = 0.03
    /// The floor under the variance, for the same reason.
    static let smallestVariance = 0.0003

    /// Every score is as likely as any other: about 0.5.
    ///
    /// Used while there is nothing to estimate from.
    public static let null = LikelihoodDistribution(mean: 0.5, variance: 1e6)

    /// A distribution with exactly these moments.
    public init(mean: Double, variance: Double) {
        self.mean = mean
        self.variance = variance
        standardDeviation = variance.squareRoot()
    }

    /// A distribution with these sample moments, lifted to the floors.
    init(sampleMean: Double, sampleVariance: Double) {
        self.init(mean: max(sampleMean, Self.smallestMean), variance: max(sampleVariance, Self.smallestVariance))
    }

    /// How likely it is to see an average as far out as `average`.
    ///
    /// - Returns: 0...0.5 with `.erfc`; 0...1 with `.table`.
    public func tailProbability(_ average: Double, _ tail: LikelihoodTail) -> Double {
        switch tail {
        case .erfc:
            let mirrored = average < mean ? 2 * mean - average : average
            // 1.4142 and not √2: so does the original.
            return 0.5 * Glibc.erfc((mirrored - mean) / standardDeviation / 1.4142)
        case .table:
            let mirrored = average < mean ? 2 * mean - average : average
            let step = (10 * (mirrored - mean) / standardDeviation).rounded(.toNearestOrAwayFromZero)
            let probability = step > 70 ? 0 : Self.tableOfTails[Int(step)]
            return average < mean ? 1 - probability : probability
        }
    }

    /// Upper tail of the standard normal distribution at 0.0, 0.1 … 7.0, as NuPIC 0.3.4 tabulates it (spec engine.md 7.12).
    private static let tableOfTails: [Double] = [
        0.500000000, 0.460172163, 0.420740291, 0.382088578, 0.344578258, 0.308537539, 0.274253118, 0.241963652,
        0.211855399, 0.184060125, 0.158655254, 0.135666061, 0.115069670, 0.096800485, 0.080756659, 0.066807201,
        0.054799292, 0.044565463, 0.035930319, 0.028716560, 0.022750132, 0.017864421, 0.013903448, 0.010724110,
        0.008197536, 0.006209665, 0.004661188, 0.003466974, 0.002555130, 0.001865813, 0.001349898, 0.000967603,
        0.000687138, 0.000483424, 0.000336929, 0.000232629, 0.000159109, 0.000107800, 0.000072348, 0.000048096,
        0.000031671, 0.000021771135897, 0.000014034063752, 0.000008961673661, 0.000005668743475, 0.000003551942468,
        0.000002204533058, 0.000001355281953, 0.000000825270644, 0.000000497747091, 0.000000297343903,
        0.000000175930101, 0.000000103096834, 0.000000059836778, 0.000000034395590, 0.000000019581382,
        0.000000011040394, 0.000000006164833, 0.000000003409172, 0.000000001867079, 0.000000001012647,
        0.000000000543915, 0.000000000289320, 0.000000000152404, 0.000000000079502, 0.000000000041070,
        0.000000000021010, 0.000000000010644, 0.000000000005340, 0.000000000002653, 0.000000000001305,
    ]
}
