// SPDX-License-Identifier: Apache-2.0

/// What an `EvidenceDetector` says about one sample.
public struct EvidenceOutput: Sendable, Hashable {
    /// Mean raw score of the models, 0...1; `nil` until there are models.
    public var rawScore: Double?
    /// Decimal orders of rarity, 0 for nothing unusual. One alarm and one warning of an event are shown as such; records in which it
    /// goes on as `EvidenceParameters.ongoingEvidence`, all others as at most 2.
    public var rarity: Double
    /// Why, from `EvidenceParameters.notable` on.
    public var explanation: AnomalyExplanation?

    /// On the original's scale: 1 − 10^−rarity.
    public var likelihood: Double { 1 - power(10, -rarity) }

    /// On NAB's scale: a tenth of the rarity, at most 1; 0.5 is an alarm.
    public var anomalyScore: Double { min(1, rarity / 10) }
}

/// Where evidence of an anomaly comes from.
public enum EvidenceChannel: String, Sendable, Hashable, CaseIterable {
    /// The HTM models didn't expect the sequence.
    case temporal
    /// The value lies outside the range of everything seen.
    case range
    /// The value is farther from the usual level at this hour than ever.
    case daily
    /// The course of the last values is farther from all earlier ones than any was.
    case shape
    /// Far more time than usual passed since the last sample.
    case gap
    /// The value has stayed the same far longer than usual.
    case flat
}

/// Why a sample is anomalous.
public struct AnomalyExplanation: Sendable, Hashable {
    /// The channel with the strongest evidence.
    public var channel: EvidenceChannel
    /// What would have been usual; `nil` where nothing is known. For `gap` in seconds, for `flat` in records, else in the
    /// metric's unit; for `shape` the distance to the most similar course.
    public var expected: ClosedRange<Double>?
    /// What was seen, in the same unit.
    public var actual: Double?
    /// As rare as one in so many records; `nil` where that isn't known.
    public var oneIn: Double?
    /// Records the detector had seen.
    public var modelAge: Int

    /// - Parameters: See the properties.
    public init(
        channel: EvidenceChannel,
        expected: ClosedRange<Double>? = nil,
        actual: Double?,
        oneIn: Double?,
        modelAge: Int
    ) {
        self.channel = channel
        self.expected = expected
        self.actual = actual
        self.oneIn = oneIn
        self.modelAge = modelAge
    }

    /// What can be said of a record in mode parity: the sequence was as rare as its likelihood says.
    ///
    /// `nil` at or below 0.9999, the original's yellow.
    public init?(likelihood: Double, actual: Double?, modelAge: Int) {
        guard likelihood > 0.9999 else { return nil }
        // Beyond 10^10 the original's logarithm says no more either.
        let oneIn = min(1 / max(1 - likelihood, 1e-10), 1e10)
        self.init(channel: .temporal, actual: actual, oneIn: oneIn, modelAge: modelAge)
    }

    /// One sentence for people.
    public var text: String {
        let what =
            switch channel {
            case .temporal: "the sequence of values is unlike what the model has learned"
            case .range: "the value is outside the range seen so far"
            case .daily: "the value is unusually far from its level at this hour"
            case .shape: "the course of the last values is unlike any seen so far"
            case .gap: "samples were missing for an unusually long time"
            case .flat: "the value has not changed for an unusually long time"
            }
        var text = what
        if let actual { text += ": \(Self.short(actual))" }
        if let expected {
            text += ", expected \(Self.short(expected.lowerBound)) to \(Self.short(expected.upperBound))"
            if channel == .gap { text += " s" }
        }
        if let oneIn { text += "; about one in \(Self.grouped(Self.short(oneIn)))" }
        return text + ", after \(modelAge) records"
    }

    /// A whole number with commas between its thousands; any other text as it is.
    private static func grouped(_ number: String) -> String {
        guard number.allSatisfy(\.isNumber) else { return number }
        let places = number.enumerated()
        return places.reduce(into: "") { text, place in
            if place.offset > 0 && (number.count - place.offset).isMultiple(of: 3) { text += "," }
            text.append(place.element)
        }
    }

    /// Four significant digits are enough to see what is meant.
    private static func short(_ value: Double) -> String {
        if value == 0 { return "0" }
        guard value.isFinite else { return "\(value)" }
        let scale = power(10, 3 - decimalLogarithm(abs(value)).rounded(.down))
        let rounded = (value * scale).rounded() / scale
        return abs(rounded) < 1e15 && rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}
