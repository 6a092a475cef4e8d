// SPDX-License-Identifier: Apache-2.0

/// Everything that fixes a model: with it and the records, every score follows.
public struct ModelParameters: Sendable, Equatable {
    /// At least one.
    public var encoders: [EncoderParameters]
    /// The spatial pooler.
    public var spatialPooler = SpatialPoolerParameters()
    /// The temporal memory; as many columns as the spatial pooler.
    public var temporalMemory = TemporalMemoryParameters.backtracking(BacktrackingParameters())

    /// How raw scores become likelihoods; `nil`: raw scores only.
    public var likelihood: LikelihoodParameters? = LikelihoodParameters()
    /// What to predict; `nil`: nothing.
    public var classifier: SDRClassifier.Parameters?

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

    /// Whether the encoder that the classifier follows encodes changes.
    private var predictsChanges: Bool {
        encoders.contains { encoder in
            if case .delta = encoder.kind {
                return true
            }
            return false
        }
    }

    func validate() throws(ParameterError) {
        try require(
            temporalMemory.columnCount == spatialPooler.columnCount,
            "TM columnCount is \(temporalMemory.columnCount), expected the SP's \(spatialPooler.columnCount)"
        )
        if let classifier {
            try require(
                temporalMemory.columnCount * temporalMemory.cellsPerColumn <= 65_536,
                "classifier with \(temporalMemory.columnCount * temporalMemory.cellsPerColumn) cells, expected at most 65536"
            )
            let steps = classifier.steps
            try require(
                !steps.isEmpty && steps.allSatisfy { (0...1000).contains($0) } && Set(steps).count == steps.count,
                "classifier steps are \(steps), expected different numbers of 0...1000"
            )
            try require(
                !steps.contains(0) || !predictsChanges,
                "classifier step 0 with a delta encoder, expected steps from 1 on"
            )
            try require(
                classifier.alpha > 0 && classifier.alpha <= 1,
                "classifier alpha is \(classifier.alpha), expected more than 0 and at most 1"
            )
            try require(
                (0...1).contains(classifier.actualValueAlpha),
                "classifier actValueAlpha is \(classifier.actualValueAlpha), expected 0...1"
            )
        }
    }
}

/// How raw scores become likelihoods.
public struct LikelihoodParameters: Sendable, Equatable {
    /// When the distribution of scores is estimated.
    public var schedule: AnomalyLikelihood.Schedule
    /// Which tail probability is used.
    public var tail: LikelihoodTail

    /// The engine's schedule with the tail of 1.0.x unless given.
    public init(schedule: AnomalyLikelihood.Schedule = .engine(), tail: LikelihoodTail = .erfc) {
        self.schedule = schedule
        self.tail = tail
    }
}
