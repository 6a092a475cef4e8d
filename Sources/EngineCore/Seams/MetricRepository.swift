// SPDX-License-Identifier: Apache-2.0

/// Where metrics and samples are kept: the engine's log.
///
/// Contract of both verbs:
/// - They block the calling thread, which must not belong to Swift's cooperative pool.
/// - The body may run again from its start after a deadlock or a lost connection: it has no side effects but the ones it asks
///   of its argument, and assigns to captured variables rather than adds to them.
/// - When the body throws, nothing it asked for has happened and the error comes out unchanged.
/// - The argument is valid only inside the body, on the thread that runs it (which may be another than the caller's).
/// - Bodies neither call the repository again nor wait for other threads.
package protocol MetricRepository: Sendable {
    /// Runs `body` on one consistent state of the database.
    /// - Throws: `EngineError` with code `storageUnavailable` (may pass) or `storageCorrupt`, or what `body` throws.
    func read<Result>(_ body: (any MetricReading) throws -> Result) throws -> Result

    /// Runs `body` as one transaction, atomic and serial with all others that touch the same metrics. When this returns, all
    /// of it is durable: it survives the death of the process and, with the default settings, a power cut.
    /// - Throws: as `read`; after an error nothing is stored, unless the connection was lost during the commit itself, when
    ///   it may be (callers make their writes safe to repeat).
    func write<Result>(_ body: (any MetricTransaction) throws -> Result) throws -> Result

    /// As `write`, but returns as soon as the transaction is committed: others see it, and it survives the death of the process. Whatever
    /// is committed after it is durable no sooner.
    /// - Parameter whenDurable: Called once unless this throws, from any thread and perhaps before this returns: with nil when the
    ///   transaction is durable, with an error when that can't be had. It mustn't wait for anything.
    func write<Result>(
        whenDurable: @escaping @Sendable (EngineError?) -> Void,
        _ body: (any MetricTransaction) throws -> Result
    ) throws -> Result

    /// As `write`, for what can be computed again from what is durable already, such as scores: it survives the death of the
    /// process, but a power cut may undo it, and under load it may wait some milliseconds for others to share their transaction.
    func writeReproducible<Result>(_ body: (any MetricTransaction) throws -> Result) throws -> Result

    /// Brings the schema up to date. Safe to run twice and from two places at once.
    /// - Returns: The revisions applied, oldest first; empty when nothing was to do.
    @discardableResult
    func migrate() throws -> [String]

    /// Checks the database's own structure as deeply as it can.
    /// - Returns: What was found wrong, in words; empty when all is well.
    func integrityProblems() throws -> [String]

    /// Closes all connections; later calls throw.
    func close()
}

/// What can be asked of the database.
package protocol MetricReading: DashboardReading {
    // MARK: metrics

    func metric(uid: String) throws -> Metric?
    /// The metric of exactly this name, byte for byte. The first one created, when a taken-over database has doubles.
    func metric(named name: String) throws -> Metric?
    /// A page of metrics.
    func metrics(_ query: MetricQuery) throws -> [Metric]
    /// How many metrics `query` selects, its limit and offset aside.
    func metricCount(_ query: MetricQuery) throws -> Int
    /// The heads of those of `uids` that exist, in any order.
    func heads(uids: [String]) throws -> [MetricHead]
    /// The heads of those of `names` that exist, in any order.
    func heads(names: [String]) throws -> [MetricHead]

    // MARK: rows

    /// Rows of one metric in the order of their row ids.
    func rows(_ query: RowQuery) throws -> [MetricRow]
    /// Calls `body` for each row in order without holding them all in memory; stops when it returns false.
    func forEachRow(_ query: RowQuery, _ body: (MetricRow) throws -> Bool) throws
    /// Number of stored rows of a metric.
    func rowCount(uid: String) throws -> Int64
    /// The smallest row id still stored; nil without rows.
    func firstRowid(uid: String) throws -> Int64?
    /// Smallest and largest value over all stored rows; nil without rows.
    func valueRange(uid: String) throws -> ClosedRange<Double>?
    /// Rows without an anomaly score of metrics that are ACTIVE.
    func unscoredRowCount() throws -> Int64

    // MARK: models

    func modelRecord(uid: String) throws -> ModelRecord?
    /// Heads, in order of uid and after `uid`, of metrics for which the runner has something to do: status CREATE_PENDING;
    /// ACTIVE with rows after the scored ones; PENDING_DATA with `firstRows` or more rows; ERROR whose time to try again has
    /// come; and those whose status differs from the one this engine wrote last.
    func metricsWithWork(after uid: String, limit: Int, firstRows: Int64, now: Int64) throws -> [MetricHead]

    /// In order of uid and after `uid`, models of ACTIVE metrics with scored rows that aren't known to be published.
    func unpublishedModels(after uid: String, limit: Int) throws -> [UnpublishedModel]

    // MARK: settings of the whole installation

    func setting(_ name: String) throws -> String?
}

/// What can be asked of the database inside a transaction.
///
/// Reads see the transaction's own writes and, on servers, lock what `lockedHeads` names until the commit.
package protocol MetricTransaction: MetricReading, DashboardWriting {
    /// As `heads(uids:)`, and nobody else changes these metrics before this transaction ends.
    func lockedHeads(uids: [String]) throws -> [MetricHead]

    /// Inserts a metric, unless one of that name exists.
    /// - Returns: The uid that now has the name, and whether it is new.
    func createMetric(_ metric: Metric) throws -> (uid: String, isNew: Bool)

    /// Appends samples to many metrics, and sets `last_rowid` and `last_timestamp`. The caller has locked the heads, and has
    /// seen to it that `firstRowid` is `lastRowid` + 1 and that times rise.
    func insertRows(_ batches: [RowBatch]) throws

    /// Appends rows with row ids and scores of their own, for import and takeover tests.
    func insertScoredRows(uid: String, _ rows: [MetricRow]) throws

    /// Writes the scores of many models. A batch whose metric is gone, not ACTIVE, or of another generation is left out as a
    /// whole. Keeps the rows' reasons. Sets `scored_rowid` to the last row of the batch when that is higher, and `published_rowid` likewise.
    /// - Returns: For each batch, whether it was written.
    func storeScores(_ batches: [ScoreBatch]) throws -> [Bool]

    /// Sets `status` and `message` (nil clears it), and `seen_status` of the model's record.
    func setStatus(uid: String, _ status: MetricStatus, message: String?) throws
    /// Sets `parameters`, `model_params` and `server` (each only when not nil).
    func setDefinition(uid: String, parameters: String?, modelParams: String?, server: String?) throws
    /// Inserts or replaces the model's record.
    func setModelRecord(_ record: ModelRecord) throws
    /// Notes the checkpoints that exist: never lowers `checkpoint_rowid` of the same generation; other generations are left.
    func noteCheckpoints(_ notes: [CheckpointNote]) throws
    /// Notes what a durable bus has taken over; never lowers `published_rowid`, and leaves other generations alone.
    func notePublished(_ notes: [PublishedNote]) throws
    /// Sets `collector_error`, what is wrong with the source that is asked for the metric's samples; nil clears it.
    func setCollectorError(uid: String, _ message: String?) throws
    /// `parameters`, `model_params`, `message` to NULL, status UNMONITORED, and as `clearScores`.
    func clearModel(uid: String) throws
    /// The four result columns of all rows to NULL, and their reasons away.
    func clearScores(uid: String) throws
    /// Removes metric, rows and model record.
    /// - Returns: False when there was no such metric.
    func deleteMetric(uid: String) throws -> Bool
    /// Removes the rows of one metric up to `rowid` that are older than `timestamp`, at most `limit`.
    /// - Returns: How many were removed.
    func deleteRows(uid: String, upTo rowid: Int64, olderThan timestamp: Int64, limit: Int) throws -> Int

    func setSetting(_ name: String, _ value: String) throws
    /// Sets the value only when there is none yet, and returns the value that now holds.
    func settingOrInsert(_ name: String, _ value: String) throws -> String
}

/// Which metrics to list.
package struct MetricQuery: Sendable, Hashable {
    package enum Order: Sendable, Hashable {
        case name, uid, status, lastTimestamp
    }

    /// Part of the name, compared without case; nil for all.
    package var nameContains: String?
    /// SQL-free pattern for the whole name: `*` any run, `?` one character; nil for all.
    package var namePattern: String?
    /// Only these statuses; nil for all.
    package var statuses: Set<MetricStatus>?
    /// Only metrics of this server ("resource"); nil for all.
    package var server: String?
    package var order: Order = .name
    package var descending = false
    package var offset = 0
    /// Only metrics whose uid comes after this one, for walking through all of them in order of uid; nil for all.
    package var after: String?
    /// Only metrics whose name comes after this one in the database's order, for a page of a list in order of name; nil for all.
    package var afterName: String?
    /// At most this many; nil for all.
    package var limit: Int?

    package init() {}

    package init(statuses: Set<MetricStatus>?, order: Order = .name, limit: Int? = nil) {
        self.statuses = statuses
        self.order = order
        self.limit = limit
    }
}

/// Which rows of one metric to read.
///
/// All conditions hold together.
package struct RowQuery: Sendable, Hashable {
    package var uid: String
    package var rowids: ClosedRange<Int64>?
    /// Unix seconds, both ends included.
    package var times: ClosedRange<Int64>?
    /// Above 0: rows scored at least so high.
    ///
    /// 0: rows with a score. nil: all rows.
    package var minimumAnomalyScore: Double?
    /// Newest rows first, which also decides which ones a limit keeps.
    package var newestFirst = false
    package var limit: Int?

    package init(
        uid: String,
        rowids: ClosedRange<Int64>? = nil,
        times: ClosedRange<Int64>? = nil,
        minimumAnomalyScore: Double? = nil,
        newestFirst: Bool = false,
        limit: Int? = nil
    ) {
        self.uid = uid
        self.rowids = rowids
        self.times = times
        self.minimumAnomalyScore = minimumAnomalyScore
        self.newestFirst = newestFirst
        self.limit = limit
    }
}

/// Samples to append to one metric.
package struct RowBatch: Sendable {
    package var uid: String
    package var firstRowid: Int64
    /// Not empty; times rise.
    package var samples: [Sample]

    package init(uid: String, firstRowid: Int64, samples: [Sample]) {
        self.uid = uid
        self.firstRowid = firstRowid
        self.samples = samples
    }
}

/// The scores of one row.
package struct ScoredRow: Sendable, Hashable {
    package var rowid: Int64
    /// Of the sample, Unix seconds.
    package var timestamp: Int64
    package var rawAnomalyScore: Double
    package var anomalyScore: Double
    package var displayValue: Int64
    /// JSON text; `null` without a classifier.
    package var predictions: String
    /// nil when the row isn't anomalous.
    package var reason: AnomalyReason?

    package init(
        rowid: Int64,
        timestamp: Int64 = 0,
        rawAnomalyScore: Double,
        anomalyScore: Double,
        displayValue: Int64,
        predictions: String = "null",
        reason: AnomalyReason? = nil
    ) {
        self.rowid = rowid
        self.timestamp = timestamp
        self.rawAnomalyScore = rawAnomalyScore
        self.anomalyScore = anomalyScore
        self.displayValue = displayValue
        self.predictions = predictions
        self.reason = reason
    }
}

/// Scores to write to rows of one metric.
package struct ScoreBatch: Sendable {
    package var uid: String
    package var generation: Int64
    /// Not empty; row ids rise by one.
    package var rows: [ScoredRow]
    /// Rows up to here are known to have been published.
    package var publishedRowid: Int64

    package init(uid: String, generation: Int64, rows: [ScoredRow], publishedRowid: Int64) {
        self.uid = uid
        self.generation = generation
        self.rows = rows
        self.publishedRowid = publishedRowid
    }
}

/// A model some of whose scored rows aren't known to be published.
package struct UnpublishedModel: Sendable, Hashable {
    package var uid: String
    package var generation: Int64
    /// Rows up to this one are known to be published.
    package var publishedRowid: Int64
    package var scoredRowid: Int64

    package init(uid: String, generation: Int64, publishedRowid: Int64, scoredRowid: Int64) {
        self.uid = uid
        self.generation = generation
        self.publishedRowid = publishedRowid
        self.scoredRowid = scoredRowid
    }
}

/// How far a model's results are published.
package struct PublishedNote: Sendable, Hashable {
    package var uid: String
    package var generation: Int64
    package var rowid: Int64

    package init(uid: String, generation: Int64, rowid: Int64) {
        self.uid = uid
        self.generation = generation
        self.rowid = rowid
    }
}

/// Which checkpoints of a model exist.
package struct CheckpointNote: Sendable, Hashable {
    package var uid: String
    package var generation: Int64
    /// Newest.
    package var rowid: Int64
    /// The one before it; 0 when there is none.
    package var previousRowid: Int64

    package init(uid: String, generation: Int64, rowid: Int64, previousRowid: Int64) {
        self.uid = uid
        self.generation = generation
        self.rowid = rowid
        self.previousRowid = previousRowid
    }
}
