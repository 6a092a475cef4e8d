// SPDX-License-Identifier: Apache-2.0

/// What an alert is about.
package enum AlertKind: String, Sendable, Hashable, CaseIterable {
    /// The anomaly score rose above the rule's threshold.
    case anomaly
    /// No sample came for a multiple of the metric's usual interval.
    case silent
}

/// One thing people may be told about: it begins once and ends once.
package struct AlertEvent: Sendable, Hashable {
    /// What became of it.
    package enum Telling: Int64, Sendable, Hashable {
        /// Told to every sink, or on its way.
        case told = 1
        /// Held back: another alert of its server was told within the rest period.
        case resting = 2
        /// Held back: muted.
        case muted = 3
        /// Held back: it happened too long ago, as rows that were imported did.
        case old = 4

        package var word: String {
            switch self {
            case .told: "told"
            case .resting: "resting"
            case .muted: "muted"
            case .old: "old"
            }
        }
    }

    /// The same for the same event, however often it is computed: kind, uid, generation and row id of its start.
    package var id: String
    package var kind: AlertKind
    package var uid: String
    package var metric: String
    /// The metric's server ("resource"), by which alerts are rationed.
    package var server: String
    /// Unix seconds of the first row above the threshold, or of the last sample before the silence.
    package var startedAt: Int64
    /// Unix seconds of the last row that wasn't quiet, or of the first sample after the silence; nil while it lasts.
    package var endedAt: Int64?
    /// Highest anomaly score so far, its row's value and time; of a silence 0 and the last value seen.
    package var peakScore: Double
    package var peakValue: Double
    package var peakAt: Int64
    package var telling: Telling
    /// Unix seconds at which somebody said they have seen it; nil while nobody has.
    package var acknowledgedAt: Int64?

    package init(
        id: String,
        kind: AlertKind,
        uid: String,
        metric: String,
        server: String,
        startedAt: Int64,
        endedAt: Int64? = nil,
        peakScore: Double,
        peakValue: Double,
        peakAt: Int64,
        telling: Telling = .told,
        acknowledgedAt: Int64? = nil
    ) {
        self.id = id
        self.kind = kind
        self.uid = uid
        self.metric = metric
        self.server = server
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.peakScore = peakScore
        self.peakValue = peakValue
        self.peakAt = peakAt
        self.telling = telling
        self.acknowledgedAt = acknowledgedAt
    }
}

/// Which end of an event is told.
package enum AlertPhase: String, Sendable, Hashable, CaseIterable {
    case start, end
}

/// One message to one sink, kept in the database until it is delivered or given up.
package struct AlertDelivery: Sendable, Hashable {
    package var event: AlertEvent
    package var phase: AlertPhase
    /// The sink's name.
    package var sink: String
    /// Tries so far.
    package var attempts: Int64

    package init(event: AlertEvent, phase: AlertPhase, sink: String, attempts: Int64 = 0) {
        self.event = event
        self.phase = phase
        self.sink = sink
        self.attempts = attempts
    }
}

/// How the deliveries of all times stand.
package struct AlertDeliveryCounts: Sendable, Hashable {
    package var pending: Int64 = 0
    package var delivered: Int64 = 0
    package var failed: Int64 = 0

    package init() {}
}

/// No alerts of matching metrics before a time.
package struct AlertMute: Sendable, Hashable {
    /// `*` any run, `?` one character, the whole name.
    package var pattern: String
    /// Unix seconds.
    package var until: Int64

    package init(pattern: String, until: Int64) {
        self.pattern = pattern
        self.until = until
    }
}
