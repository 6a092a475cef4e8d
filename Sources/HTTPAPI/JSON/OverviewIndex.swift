// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Synchronization

/// Knows of every metric what lists sort and filter by, refreshed at each question while that is cheap, and with very many metrics so
/// seldom that refreshing takes at most a tenth of the time.
///
/// A refresh reads one light row a metric, the few rows above the first threshold (through the index on scores), and the newest
/// score of those metrics only that got new ones.
final class OverviewIndex: Sendable {
    /// One metric as lists see it.
    struct Entry: Sendable {
        var row: OverviewRow
        /// Likelihood of the newest scored row; nil when none is scored.
        var lastScore: Double?
        /// Sum over the window's bars of the highest display value above the first threshold.
        var rank: Double = 0
        /// The highest display value of the newest two bars, above the first threshold; else 0.
        var now: Double = 0
    }

    /// The state of all metrics at one time, ranked for one window.
    struct Snapshot: Sendable {
        /// Unix seconds of the newest sample of any metric, not after now; nil without samples.
        var newest: Int64?
        var entries: [Entry]
    }

    private struct State {
        var refreshed: UInt64 = 0
        /// Nanoseconds the last refresh took.
        var cost: UInt64 = 0
        var rows: [OverviewRow] = []
        var highRows: [HighRow] = []
        var scores: [String: (generation: Int64, rowid: Int64, score: Double?)] = [:]
        var newest: Int64?
    }

    /// Bars of a window, as the dashboard shows them.
    static let barCount: Int64 = 24

    /// Nanoseconds; a refresh that takes less is done at every question.
    private static let cheap: UInt64 = 10_000_000

    private let clock: any EngineClock
    private let state = Mutex(State())

    init(clock: any EngineClock) { self.clock = clock }

    func snapshot(hours: Int, _ repository: any MetricRepository) throws -> Snapshot {
        try refreshIfOld(repository)
        let (rows, highRows, scores, newest) = state.withLock { ($0.rows, $0.highRows, $0.scores, $0.newest) }
        let ranks = Self.ranks(highRows, end: newest ?? 0, barSeconds: Int64(hours) * 3600 / Self.barCount)
        let entries = rows.map { row in
            let rank = ranks[row.uid]
            return Entry(row: row, lastScore: scores[row.uid]?.score, rank: rank?.sum ?? 0, now: rank?.now ?? 0)
        }
        return Snapshot(newest: newest, entries: entries)
    }

    /// Forgets what it knows, so that the next question sees a change just made.
    func invalidate() {
        state.withLock { $0.refreshed = 0 }
    }

    private func refreshIfOld(_ repository: any MetricRepository) throws {
        let time = clock.monotonicNanoseconds()
        let known = state.withLock { state -> [String: (generation: Int64, rowid: Int64, score: Double?)]? in
            let patience = state.cost < Self.cheap ? 0 : min(10 * state.cost, 5_000_000_000)
            guard state.refreshed == 0 || time - state.refreshed >= patience else { return nil }
            // Others who ask meanwhile get the older state rather than a queue.
            state.refreshed = time
            return state.scores
        }
        guard let known else { return }
        let limit = clock.wallSeconds() + 60
        do {
            let fresh = try repository.read { try Self.read($0, known: known, limit: limit) }
            let cost = clock.monotonicNanoseconds() - time
            state.withLock { state in
                (state.rows, state.highRows, state.scores, state.newest) = fresh
                state.cost = cost
            }
        } catch {
            invalidate()
            throw error
        }
    }

    private static func read(
        _ reading: any MetricReading,
        known: [String: (generation: Int64, rowid: Int64, score: Double?)],
        limit: Int64
    ) throws -> (
        [OverviewRow], [HighRow], [String: (generation: Int64, rowid: Int64, score: Double?)], Int64?
    ) {
        let rows = try reading.overviewRows()
        var scores: [String: (generation: Int64, rowid: Int64, score: Double?)] = [:]
        scores.reserveCapacity(rows.count)
        var newest: Int64?
        for row in rows {
            if let time = row.lastTimestamp, time <= limit { newest = max(newest ?? time, time) }
            guard row.status.isMonitored, row.scoredRowid > 0 else { continue }
            if let old = known[row.uid], old.generation == row.generation, old.rowid == row.scoredRowid {
                scores[row.uid] = old
            } else {
                let query = RowQuery(uid: row.uid, rowids: row.scoredRowid...row.scoredRowid)
                scores[row.uid] = (row.generation, row.scoredRowid, try reading.rows(query).first?.anomalyScore)
            }
        }
        var highRows: [HighRow] = []
        try reading.forEachRow(uid: nil, scoredAbove: Level.yellowAbove) { row in
            highRows.append(row)
            return true
        }
        return (rows, highRows, scores, newest ?? rows.compactMap(\.lastTimestamp).max())
    }

    private static func ranks(
        _ rows: [HighRow],
        end: Int64,
        barSeconds: Int64
    ) -> [String: (sum: Double, now: Double)] {
        var bars: [String: [Int64: Double]] = [:]
        for row in rows {
            let age = end - row.timestamp
            guard age >= 0, age < barSeconds * barCount else { continue }
            let display = Double(DisplayValue.of(anomalyScore: row.anomalyScore))
            let bar = age / barSeconds
            bars[row.uid, default: [:]][bar] = max(bars[row.uid]?[bar] ?? 0, display)
        }
        return bars.mapValues { bars in
            (bars.values.reduce(0, +), max(bars[0] ?? 0, bars[1] ?? 0))
        }
    }
}

/// The colours of scores (spec engine.md 7.13).
enum Level: String, Sendable {
    case unscored, learning, green, yellow, red

    static let yellowAbove = 0.9999
    static let redAbove = 0.99999

    init(score: Double) {
        self = score > Self.redAbove ? .red : score > Self.yellowAbove ? .yellow : .green
    }
}

/// How far a model is from scores that mean something.
struct LearningState: Sendable {
    enum Phase: String, Sendable {
        case waitingForData = "waiting for data"
        case learning
        case catchingUp = "catching up"
    }

    var phase: Phase
    var rows: Int64
    var of: Int64

    /// Rows a model sees before its likelihood rests on a distribution of its own (spec engine.md 7.12: the first 288 are skipped).
    static let rowsToLearn: Int64 = 288
    /// A backlog this small is everyday work and not worth telling.
    private static let everydayBacklog: Int64 = 20

    /// - Returns: Nil once scores mean something, and for metrics without a model.
    init?(_ row: OverviewRow, storedRows: Int64, firstRows: Int64) {
        let age = max(0, row.scoredRowid - row.baseRowid)
        let backlog = row.lastRowid - max(row.scoredRowid, row.baseRowid)
        switch row.status {
        case .unmonitored, .error: return nil
        case .pendingData: self.init(phase: .waitingForData, rows: min(storedRows, firstRows), of: firstRows)
        case .createPending, .active:
            if backlog > Self.everydayBacklog {
                self.init(phase: .catchingUp, rows: age, of: age + backlog)
            } else if age < Self.rowsToLearn {
                self.init(phase: .learning, rows: age, of: Self.rowsToLearn)
            } else {
                return nil
            }
        }
    }

    private init(phase: Phase, rows: Int64, of: Int64) {
        self.phase = phase
        self.rows = rows
        self.of = of
    }
}
