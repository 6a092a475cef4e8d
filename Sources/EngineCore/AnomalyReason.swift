// SPDX-License-Identifier: Apache-2.0

/// Why a row is anomalous, as the model said when it scored the row. Rows scored at or below 0.9999 have none.
package struct AnomalyReason: Sendable, Hashable {
    /// Rows scored above this have a reason; 0…1.
    package static let scoreAbove = 0.9999

    /// What raised it: `temporal`, `range`, `daily`, `shape`, `gap` or `flat` (docs/detection.md).
    package var channel: String
    /// What would have been usual, both or neither: for `gap` in seconds, for `flat` in rows, else in the metric's unit.
    package var expected: ClosedRange<Double>?
    /// What was seen, in the same unit.
    package var actual: Double?
    /// As rare as one in so many rows.
    package var oneIn: Double?
    /// Rows the model had seen.
    package var modelAge: Int64

    package init(
        channel: String,
        expected: ClosedRange<Double>?,
        actual: Double?,
        oneIn: Double?,
        modelAge: Int64
    ) {
        self.channel = channel
        self.expected = expected
        self.actual = actual
        self.oneIn = oneIn
        self.modelAge = modelAge
    }
}

extension AnomalyReason {
    /// Reads the JSON object that the stream and the engine's socket give.
    package init(json: JSONValue) throws {
        let fields = try JSONFields(json, path: "$.explanation")
        var expected: ClosedRange<Double>?
        if let low = try fields.optionalNumber("expected_low"), let high = try fields.optionalNumber("expected_high"),
            low <= high
        {
            expected = low...high
        }
        self.init(
            channel: try fields.string("channel"),
            expected: expected,
            actual: try fields.optionalNumber("actual"),
            oneIn: try fields.optionalNumber("one_in"),
            modelAge: try fields.required("model_age").integerValue ?? 0
        )
    }
}

/// An anomalous row of some metric with its reason.
package struct ExplainedRow: Sendable, Hashable {
    package var uid: String
    package var name: String
    package var rowid: Int64
    /// Unix seconds.
    package var timestamp: Int64
    package var value: Double
    package var anomalyScore: Double
    package var reason: AnomalyReason

    package init(
        uid: String,
        name: String,
        rowid: Int64,
        timestamp: Int64,
        value: Double,
        anomalyScore: Double,
        reason: AnomalyReason
    ) {
        self.uid = uid
        self.name = name
        self.rowid = rowid
        self.timestamp = timestamp
        self.value = value
        self.anomalyScore = anomalyScore
        self.reason = reason
    }
}
