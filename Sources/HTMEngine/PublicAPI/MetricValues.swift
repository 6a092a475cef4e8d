// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation

/// A measured value to send: one sample of a metric.
public struct MetricSample: Sendable, Hashable {
    /// 1 to 255 characters without white space.
    public var metric: String
    /// Any finite number.
    public var value: Double
    /// Kept to the whole second, UTC. Times of one metric rise.
    public var time: Date

    /// Describes one measurement.
    public init(metric: String, value: Double, time: Date = Date()) {
        self.metric = metric
        self.value = value
        self.time = time
    }
}

/// A metric and how far its model is.
public struct MetricInfo: Sendable, Hashable {
    /// The life-cycle status, with the original's numbers.
    public enum Status: Int, Sendable {
        /// Samples are stored only.
        case unmonitored = 0
        /// A model scores every sample.
        case active = 1
        /// The model is about to be created.
        case createPending = 2
        /// The model failed; ``MetricInfo/message`` says why.
        case error = 4
        /// Waiting for enough samples to estimate the value range.
        case pendingData = 8
    }

    /// 32 hexadecimal digits.
    public let uid: String
    /// The metric's name.
    public let name: String
    /// For people.
    public let description: String?
    /// The life-cycle status.
    public let status: Status
    /// Why the metric is in status `error`.
    public let message: String?
    /// The "resource" the metric belongs to.
    public let server: String?
    /// Stored samples.
    public let rows: Int
    /// Samples with scores.
    public let scoredRows: Int
    /// The newest sample's value.
    public let lastValue: Double?
    /// The newest anomaly score, 0…1.
    public let lastScore: Double?

    init(_ summary: MetricSummary) {
        let metric = summary.metric
        uid = metric.uid
        name = metric.name ?? ""
        description = metric.description
        status = Status(rawValue: metric.status.rawValue) ?? .error
        message = metric.message
        server = metric.server
        rows = Int(summary.rows)
        scoredRows = Int(summary.scoredRows)
        lastValue = summary.lastRow?.value
        lastScore = summary.lastScore
    }
}

/// One stored sample with its scores.
public struct ScoredSample: Sendable, Hashable {
    /// 1, 2, 3 … per metric.
    public let rowid: Int
    /// When it was measured.
    public let time: Date
    /// What was measured.
    public let value: Double
    /// The model's raw anomaly score, 0…1; nil until scored.
    public let rawAnomalyScore: Double?
    /// The anomaly likelihood, 0…1; nil until scored.
    public let anomalyScore: Double?
    /// The best prediction by number of steps ahead; empty without a classifier.
    public let bestPredictions: [String: Double]

    init(_ row: MetricRow) {
        rowid = Int(row.rowid)
        time = Date(timeIntervalSince1970: Double(row.timestamp))
        value = row.value
        rawAnomalyScore = row.rawAnomalyScore
        anomalyScore = row.anomalyScore
        let predictions = row.predictions.flatMap { try? JSONValue.parse($0) }?.objectValue ?? [:]
        bestPredictions = predictions.compactMapValues(\.doubleValue)
    }
}
