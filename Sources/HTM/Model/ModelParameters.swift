// SPDX-License-Identifier: Apache-2.0

/// Everything that fixes a model: with it and the records, every score follows.
public struct ModelParameters: Sendable, Equatable {
    /// At least one.
    public var encoders: [EncoderParameters]
    /// The spatial pooler.
    public var spatialPooler = SpatialPoolerParameters()
    /// The temporal memory; as many columns as the spatial pooler.
    public var temporalMemory = TemporalMemoryParameters.backtracking(BacktrackingParameters())

    /// The default pooler and memory behind given encoders.
    public init(encoders: [EncoderParameters]) {
        self.encoders = encoders
    }

    /// The parameters of the original's anomaly model for a metric of known range.
    ///
    /// Time of day (21 bits of 54) and the value in buckets of (maximum − minimum) / 130.
    ///
    /// - Parameters:
    ///   - minimum: Smallest value expected; values beyond the range are fine.
    ///   - maximum: Largest value expected; if equal to `minimum`, one more is taken.
    ///   - minimumResolution: The least width of a bucket, in the metric's unit.
    public init(minimum: Double, maximum: Double, minimumResolution: Double = 0.001) {
        let maximum = minimum == maximum ? minimum + 1 : maximum
        let resolution = max(minimumResolution, (maximum - minimum) / 130)
        self.init(encoders: [
            EncoderParameters(
                name: "c0_timeOfDay",
                kind: .date(DateEncoder.Parameters(timeOfDay: DateEncoder.Part(activeBits: 21, radius: 9.49)))
            ),
            EncoderParameters(
                name: "c1",
                kind: .randomDistributedScalar(RandomDistributedScalarEncoder.Parameters(resolution: resolution))
            ),
        ])
    }

    /// The range to use for data that may exceed what has been seen: `share` of its width added on both sides.
    public static func padded(minimum: Double, maximum: Double, by share: Double = 0.2) -> (
        minimum: Double, maximum: Double
    ) {
        let padding = (maximum - minimum) * share
        return (minimum - padding, maximum + padding)
    }
}
