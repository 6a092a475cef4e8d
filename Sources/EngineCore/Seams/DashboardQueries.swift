// SPDX-License-Identifier: Apache-2.0

/// What a list of all metrics needs to know of each: one light row.
package struct OverviewRow: Sendable, Hashable {
    package var uid: String
    package var name: String
    package var server: String?
    package var status: MetricStatus
    package var lastRowid: Int64
    /// Unix seconds; nil without samples.
    package var lastTimestamp: Int64?
    /// 0 when never monitored.
    package var generation: Int64
    package var scoredRowid: Int64
    package var baseRowid: Int64
    /// Monitored by a pattern of `auto_monitor`, not by a person.
    package var isAutomatic: Bool

    package init(
        uid: String,
        name: String,
        server: String?,
        status: MetricStatus,
        lastRowid: Int64,
        lastTimestamp: Int64?,
        generation: Int64,
        scoredRowid: Int64,
        baseRowid: Int64,
        isAutomatic: Bool
    ) {
        self.uid = uid
        self.name = name
        self.server = server
        self.status = status
        self.lastRowid = lastRowid
        self.lastTimestamp = lastTimestamp
        self.generation = generation
        self.scoredRowid = scoredRowid
        self.baseRowid = baseRowid
        self.isAutomatic = isAutomatic
    }
}

/// A scored row of some metric.
package struct HighRow: Sendable, Hashable {
    package var uid: String
    package var rowid: Int64
    /// Unix seconds.
    package var timestamp: Int64
    package var value: Double
    package var anomalyScore: Double

    package init(uid: String, rowid: Int64, timestamp: Int64, value: Double, anomalyScore: Double) {
        self.uid = uid
        self.rowid = rowid
        self.timestamp = timestamp
        self.value = value
        self.anomalyScore = anomalyScore
    }
}

/// A note on a metric and a time, written by a person.
package struct Annotation: Sendable, Hashable {
    /// 32 hexadecimal digits.
    package var id: String
    /// The metric's uid.
    package var metric: String
    /// What the note is about, Unix seconds.
    package var timestamp: Int64
    /// When it was written, Unix seconds.
    package var created: Int64
    /// Who wrote it; nil when not said.
    package var user: String?
    package var message: String

    package init(id: String, metric: String, timestamp: Int64, created: Int64, user: String?, message: String) {
        self.id = id
        self.metric = metric
        self.timestamp = timestamp
        self.created = created
        self.user = user
        self.message = message
    }
}

/// Which notes to list, newest first.
package struct AnnotationQuery: Sendable {
    /// Only of this metric; nil for all.
    package var metric: String?
    /// Unix seconds, both ends included; nil for all.
    package var times: ClosedRange<Int64>?
    package var offset = 0
    package var limit = 100

    package init(metric: String? = nil, times: ClosedRange<Int64>? = nil, offset: Int = 0, limit: Int = 100) {
        self.metric = metric
        self.times = times
        self.offset = offset
        self.limit = limit
    }
}

/// The questions of the JSON API and the dashboard that no service asks.
package protocol DashboardReading {
    /// One row for every metric, in any order.
    func overviewRows() throws -> [OverviewRow]

    /// The lowest row id of a metric whose time is `time` or later; nil when there is none. Takes a number of steps that grows
    /// with the logarithm of the rows, because times rise with row ids.
    func rowid(uid: String, atOrAfter time: Int64) throws -> Int64?

    /// The highest anomaly score among the rows of a metric; nil when none of them is scored.
    func highestScore(uid: String, rowids: ClosedRange<Int64>) throws -> Double?

    /// Calls `body` for all rows of one metric (nil: of all) scored above `threshold`, by uid and row id, until it returns false.
    func forEachRow(uid: String?, scoredAbove threshold: Double, _ body: (HighRow) throws -> Bool) throws

    /// For each metric, the sum over `barCount` bars of the highest display value in each; the last bar ends with `end`, included.
    /// Metrics without scored rows in the window are left out. Highest first.
    func displayRanking(end: Int64, barSeconds: Int64, barCount: Int64) throws -> [(uid: String, score: Double)]

    /// Why rows of one metric were anomalous, by row id; only those that were.
    func reasons(uid: String, rowids: ClosedRange<Int64>) throws -> [Int64: AnomalyReason]
    /// Anomalous rows with their reasons, newest first.
    ///
    /// - Parameter pattern: For the metric's whole name, `*` any run, `?` one character; nil for all metrics.
    func explainedRows(pattern: String?, limit: Int) throws -> [ExplainedRow]

    func annotation(id: String) throws -> Annotation?
    func annotations(_ query: AnnotationQuery) throws -> [Annotation]
    /// How many `query` selects, its limit and offset aside.
    func annotationCount(_ query: AnnotationQuery) throws -> Int
}

/// What the JSON API itself writes.
package protocol DashboardWriting {
    /// The note's metric exists.
    func insertAnnotation(_ annotation: Annotation) throws
    /// - Returns: False when there was no such note.
    func deleteAnnotation(id: String) throws -> Bool
}
