// SPDX-License-Identifier: Apache-2.0

/// One measured value at one time.
package struct Sample: Sendable, Hashable {
    /// Unix seconds, UTC, whole.
    package var timestamp: Int64
    /// Always finite.
    package var value: Double

    package init(timestamp: Int64, value: Double) {
        self.timestamp = timestamp
        self.value = value
    }
}

/// One row of table `metric_data`: a stored sample, and its scores once the model has seen it.
package struct MetricRow: Sendable, Hashable {
    /// 1, 2, 3 … per metric: the sample's offset in the metric's log.
    package var rowid: Int64
    /// Unix seconds, UTC.
    package var timestamp: Int64
    package var value: Double
    /// The model's raw anomaly score, 0…1; nil until scored.
    package var rawAnomalyScore: Double?
    /// 1 − tail probability, 0…1; nil until scored.
    package var anomalyScore: Double?
    /// See ``DisplayValue``.
    package var displayValue: Int64?
    /// Best predictions per number of steps ahead as JSON text (`{"1": 12.9}`); the four letters `null` once scored without a
    /// classifier; nil until scored.
    package var predictions: String?
    /// Why it is anomalous; set only by the model and where it was asked for.
    package var reason: AnomalyReason?

    package init(
        rowid: Int64,
        timestamp: Int64,
        value: Double,
        rawAnomalyScore: Double? = nil,
        anomalyScore: Double? = nil,
        displayValue: Int64? = nil,
        predictions: String? = nil,
        reason: AnomalyReason? = nil
    ) {
        self.rowid = rowid
        self.timestamp = timestamp
        self.value = value
        self.rawAnomalyScore = rawAnomalyScore
        self.anomalyScore = anomalyScore
        self.displayValue = displayValue
        self.predictions = predictions
        self.reason = reason
    }

    package var sample: Sample { Sample(timestamp: timestamp, value: value) }
}

/// Why a sample or a line was not stored.
///
/// The raw value names the counter; `reason` is the text a sender sees.
package enum SampleRefusal: String, Sendable, Hashable, CaseIterable, Error {
    case fieldCount = "field_count"
    case notANumber = "not_a_number"
    case notFinite = "not_finite"
    case badTimestamp = "bad_timestamp"
    case olderThanLast = "older_than_last"
    case duplicate = "duplicate_timestamp"
    case tooFarInFuture = "too_far_in_future"
    case emptyName = "empty_name"
    case nameTooLong = "name_too_long"
    case nameHasBlanks = "name_has_blanks"
    case tooManyMetrics = "too_many_metrics"
    case lineTooLong = "line_too_long"
    case invalidUTF8 = "invalid_utf8"
    case metricDeleted = "metric_deleted"

    /// What was wrong and what was expected, in words.
    package var reason: String {
        switch self {
        case .fieldCount: "wrong number of fields"
        case .notANumber: "the value is not a number"
        case .notFinite: "the value is not finite"
        case .badTimestamp: "the time is not a valid Unix time in seconds"
        case .olderThanLast: "older than the last sample"
        case .duplicate: "same time as the last sample"
        case .tooFarInFuture: "the time is too far in the future"
        case .emptyName: "the metric name is empty"
        case .nameTooLong: "the metric name has more than 255 characters"
        case .nameHasBlanks: "the metric name has white space or control characters"
        case .tooManyMetrics: "the limit of metrics (max_metrics) is reached"
        case .lineTooLong: "the line is too long"
        case .invalidUTF8: "the line is not valid UTF-8"
        case .metricDeleted: "the metric was deleted meanwhile"
        }
    }
}
