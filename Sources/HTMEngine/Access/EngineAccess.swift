// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// What programs outside the engine's process can ask of it: the commands and applications.
///
/// Two ways lead there, with the same answers and errors: `SocketAccess` through the unix socket of a running embedded engine, and
/// `DirectAccess` on the database and the bus themselves (on servers, or when no embedded engine runs). Blocking; thread-safe.
package protocol EngineAccess: Sendable {
    /// Creates a metric.
    /// - Returns: Its uid.
    /// - Throws: `metricAlreadyExists` with the uid, `invalidArgument`, `tooManyMetrics`.
    func createMetric(named name: String) throws -> String

    /// Starts a model (spec engine.md 6).
    /// - Returns: The metric's uid.
    /// - Throws: `invalidArgument` naming the JSON path, `metricAlreadyMonitored` with the uid, `notFound`.
    func monitor(_ modelSpec: JSONValue) throws -> String

    /// Starts the model of a metric in PENDING_DATA now, from the rows there are.
    func activateModel(uid: String) throws

    /// Removes the model and its scores; samples stay.
    func unmonitor(uid: String) throws

    /// Removes a metric with its samples and its model.
    func deleteMetric(named name: String) throws

    /// The model's spec with its samples of the last 14 days.
    /// - Throws: `metricNotMonitored`, `notFound`.
    func exportModel(uid: String) throws -> JSONValue

    /// Makes a model from what `exportModel` gave, storing the samples when the metric has none.
    /// - Returns: The metric's uid; of a metric that is monitored already, without doing anything.
    func importModel(_ modelSpec: JSONValue) throws -> String

    /// A learned model as one file (docs/formats/model-file.md).
    /// - Throws: `notFound`, `metricNotMonitored`, `checkpointDamaged` when there is no readable checkpoint.
    func exportLearnedModel(uid: String) throws -> [UInt8]

    /// Makes a metric with the learned model of such a file.
    /// - Parameter name: What it is called here; nil for its name in the file.
    /// - Returns: The metric's uid.
    func importLearnedModel(_ file: [UInt8], name: String?) throws -> String

    /// Takes a metric out of ERROR by building its model again.
    func retry(uid: String) throws

    /// The metric of exactly this name.
    func metric(named name: String) throws -> MetricSummary?
    func metric(uid: String) throws -> MetricSummary?

    /// Metrics in the order of their names.
    /// - Parameters:
    ///   - pattern: For the whole name, `*` any run, `?` one character; nil for all.
    ///   - after: Only names behind this one, to go on where the last page ended.
    ///   - limit: At most 10,000.
    func metrics(pattern: String?, after: String?, limit: Int) throws -> [MetricSummary]

    /// Rows of a metric in the order of their row ids.
    /// - Parameters:
    ///   - after: Only rows with a higher row id.
    ///   - limit: At most 100,000.
    func rows(uid: String, after rowid: Int64, limit: Int) throws -> [MetricRow]

    /// Anomalous rows with their reasons, newest first.
    /// - Parameters:
    ///   - pattern: For the metric's whole name, `*` any run, `?` one character; nil for all.
    ///   - limit: At most 100,000.
    func explainedRows(pattern: String?, limit: Int) throws -> [ExplainedRow]

    /// Why rows of one metric were anomalous, by row id; only those that were.
    /// - Parameter rowids: The first and the last one.
    func reasons(uid: String, rowids: ClosedRange<Int64>) throws -> [Int64: AnomalyReason]

    /// Stores samples (on servers: hands them durably to the queue of the storer).
    /// - Returns: Samples that were refused, by index. All others are safe.
    func send(_ samples: [IncomingSample]) throws -> [(index: Int, reason: SampleRefusal)]

    /// Marks metrics as in error because the source they come from fails, or takes the mark off.
    /// - Parameters:
    ///   - names: Those that don't exist are left out.
    ///   - message: What is wrong; nil when nothing is any more.
    func setCollectorError(_ message: String?, metrics names: [String]) throws

    /// Follows results and model events from now on, or, on servers, from where the named queue was left.
    /// - Parameter queue: Name of a durable queue of one's own on the results exchange; nil for none. Without meaning where the
    ///   engine is embedded.
    func subscribe(queue: String?) throws -> any MessageSubscription
}

/// A metric as commands and applications see it.
package struct MetricSummary: Sendable, Hashable {
    package var metric: Metric
    /// Stored rows.
    package var rows: Int64
    /// Rows with scores.
    package var scoredRows: Int64
    /// The newest row.
    package var lastRow: MetricRow?
    /// Anomaly score of the newest row that has one.
    package var lastScore: Double?
    /// Whether it is monitored by itself, and by nobody's hand.
    package var isAutomatic: Bool

    package init(
        metric: Metric,
        rows: Int64,
        scoredRows: Int64,
        lastRow: MetricRow?,
        lastScore: Double?,
        isAutomatic: Bool
    ) {
        self.metric = metric
        self.rows = rows
        self.scoredRows = scoredRows
        self.lastRow = lastRow
        self.lastScore = lastScore
        self.isAutomatic = isAutomatic
    }
}
