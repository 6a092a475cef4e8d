// SPDX-License-Identifier: Apache-2.0

/// What the storer and the runner need to know of a metric, read in one go for many: where its log ends and how far it is scored.
package struct MetricHead: Sendable, Hashable {
    package var uid: String
    package var name: String
    package var status: MetricStatus
    /// Row id of the newest stored sample; 0 when none was ever stored.
    package var lastRowid: Int64
    /// Unix seconds of the newest sample ever stored; nil when none was.
    package var lastTimestamp: Int64?
    /// 0 when the metric was never monitored.
    package var generation: Int64
    /// The rows up to this one have scores of this generation.
    package var scoredRowid: Int64

    package init(
        uid: String,
        name: String,
        status: MetricStatus,
        lastRowid: Int64,
        lastTimestamp: Int64?,
        generation: Int64,
        scoredRowid: Int64
    ) {
        self.uid = uid
        self.name = name
        self.status = status
        self.lastRowid = lastRowid
        self.lastTimestamp = lastTimestamp
        self.generation = generation
        self.scoredRowid = scoredRowid
    }
}

/// One row of our own table `htmengine_model`: what `metric` has no column for.
///
/// It exists from the first time a metric is monitored until the metric is deleted, so that generations never repeat.
package struct ModelRecord: Sendable, Hashable {
    /// The longest that a failed model is left alone. Unit: seconds.
    package static let longestRetryDelay: Int64 = 3600

    package var uid: String
    /// 1 for the first model of the metric; one more at every monitor, unmonitor, and rebuild.
    package var generation: Int64
    /// The rows up to this one have scores of this generation.
    package var scoredRowid: Int64
    /// The rows up to this one are known to have been published on a durable bus.
    ///
    /// At most `scoredRowid`.
    package var publishedRowid: Int64
    /// The model's rows start after this one: 0, unless retention had removed rows before the model was (re)built.
    package var baseRowid: Int64
    /// The row id of the newest checkpoint of this generation; 0 when there is none.
    package var checkpointRowid: Int64
    /// The row id of the checkpoint before that one; 0 when there is none.
    ///
    /// Rows up to here may be removed by retention.
    package var previousCheckpointRowid: Int64
    /// The status this engine last wrote.
    ///
    /// When `metric.status` differs, another program changed it.
    package var seenStatus: MetricStatus
    /// Failures in a row since the model last worked.
    package var failures: Int64
    /// When a metric in ERROR is tried again by itself, Unix seconds; nil when only a person can.
    package var retryAt: Int64?
    /// Why it is in ERROR or was rebuilt, for people; nil when all is well.
    package var note: String?
    /// Monitored by a rule (`auto_monitor`), not by a person: a person's monitor replaces it.
    package var isAutomatic: Bool

    package init(
        uid: String,
        generation: Int64,
        scoredRowid: Int64 = 0,
        publishedRowid: Int64 = 0,
        baseRowid: Int64 = 0,
        checkpointRowid: Int64 = 0,
        previousCheckpointRowid: Int64 = 0,
        seenStatus: MetricStatus,
        failures: Int64 = 0,
        retryAt: Int64? = nil,
        note: String? = nil,
        isAutomatic: Bool = false
    ) {
        self.uid = uid
        self.generation = generation
        self.scoredRowid = scoredRowid
        self.publishedRowid = publishedRowid
        self.baseRowid = baseRowid
        self.checkpointRowid = checkpointRowid
        self.previousCheckpointRowid = previousCheckpointRowid
        self.seenStatus = seenStatus
        self.failures = failures
        self.retryAt = retryAt
        self.note = note
        self.isAutomatic = isAutomatic
    }

    /// Whether a metric in ERROR is to be tried again at `now`, Unix seconds.
    ///
    /// A time further ahead than the longest delay was set before the clock was set back: it would leave the metric waiting for
    /// as long as that was.
    package func isRetryDue(at now: Int64) -> Bool {
        retryAt.map { $0 <= now || $0 > now + Self.longestRetryDelay } ?? false
    }
}

/// Says that a metric has something new.
///
/// It may be dropped, late or doubled without harm: the runner takes exactly row n + 1 next, skips what it has, and
/// reads from the database what a hint doesn't bring.
package struct ModelHint: Sendable, Hashable {
    package var uid: String
    /// The generation the sender knew; 0 when it knew none.
    package var generation: Int64
    /// Row id of `samples[0]`.
    package var firstRowid: Int64
    /// Consecutive rows; may be empty, which means "look at the database".
    package var samples: [Sample]

    package init(uid: String, generation: Int64 = 0, firstRowid: Int64 = 0, samples: [Sample] = []) {
        self.uid = uid
        self.generation = generation
        self.firstRowid = firstRowid
        self.samples = samples
    }
}

/// Which of `count` partitions a metric belongs to: FNV-1a 64 of the uid's bytes, mod `count`.
package func partition(ofUID uid: String, count: Int) -> Int {
    precondition(count > 0, "partition count must be positive")
    return Int(fnv1a64(uid.utf8) % UInt64(count))
}

/// The 64-bit FNV-1a hash: offset basis 0xcbf29ce484222325, prime 0x100000001b3.
package func fnv1a64(_ bytes: some Sequence<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes {
        hash ^= UInt64(byte)
        hash &*= 0x100_0000_01b3
    }
    return hash
}
