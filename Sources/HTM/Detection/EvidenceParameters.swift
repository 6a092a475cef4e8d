// SPDX-License-Identifier: Apache-2.0

/// What fixes an `EvidenceDetector`, apart from its samples.
///
/// One set of values for all data; docs/detection.md says how they were found. Evidence is measured in decimal orders of rarity: 5
/// means one in 10⁵, which is where the original's red begins.
public struct EvidenceParameters: Sendable, Hashable {
    /// Width of a value bucket in the metric's unit; `nil`: found from the first records.
    public var resolution: Double?
    /// Smallest width of a bucket, where it is found from the records; `nil` for none.
    public var minimumResolution: Double?
    /// HTM models with different random seeds whose raw scores are averaged. 1...4.
    public var modelCount = 2
    /// Records with a value whose range gives the resolution: a day at five minutes.
    public var rangeRecords = 288
    /// What is added on either side of that range, as a share of it.
    public var padding = 0.5
    /// Evidence of a value outside everything seen.
    public var rangeEvidence = 6.0
    /// Evidence of a value farther from its usual level at this hour than ever.
    public var dailyEvidence = 5.3
    /// Evidence of a course of values unlike any before.
    public var shapeEvidence = 5.3
    /// Evidence of a gap in time or a flat line; below the alarm level, so that alone it warns only.
    public var continuityEvidence = 4.5
    /// After a peak this many records, and at least an hour, count as the same event.
    public var eventRecords = 72
    /// What records are shown as in which an event goes on after its alarm: the original's 0.999. Other evidence below a warning is
    /// shown as at most 2, the original's 0.99.
    public var ongoingEvidence = 3.0

    /// An alarm: one in 10⁵.
    public static let alarm = 5.0
    /// Worth an explanation: one in 10⁴, the original's yellow.
    public static let notable = 4.0

    /// - Parameter resolution: See the property.
    public init(resolution: Double? = nil) {
        self.resolution = resolution
    }

    /// For values whose range is known.
    /// - Parameters:
    ///   - minimum: Lower end of the range, in the metric's unit.
    ///   - maximum: Upper end; equal to `minimum` counts as one more.
    ///   - minimumResolution: See the property.
    /// - Throws: `ParameterError` when the distance isn't a number of at least 0.
    public init(minimum: Double, maximum: Double, minimumResolution: Double? = nil) throws(ParameterError) {
        let width = maximum == minimum ? 1 : maximum - minimum
        try require(width > 0 && width.isFinite, "the range is \(minimum) to \(maximum), expected a finite one")
        resolution = max(width / ModelEnsemble.buckets, minimumResolution ?? 0)
        self.minimumResolution = minimumResolution
    }

    func validate() throws(ParameterError) {
        try require((1...4).contains(modelCount), "modelCount is \(modelCount), expected 1...4")
        try require(rangeRecords > 1, "rangeRecords is \(rangeRecords), expected at least 2")
        try require(padding >= 0 && padding.isFinite, "padding is \(padding), expected a share of at least 0")
        try require(eventRecords > 0, "eventRecords is \(eventRecords), expected at least 1")
        if let resolution {
            try require(resolution > 0 && resolution.isFinite, "resolution is \(resolution), expected more than 0")
        }
        if let minimumResolution {
            try require(
                minimumResolution > 0 && minimumResolution.isFinite,
                "minimumResolution is \(minimumResolution), expected more than 0"
            )
        }
    }
}
