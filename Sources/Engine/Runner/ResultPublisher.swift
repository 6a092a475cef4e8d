// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Publishes committed results at least once and in order, also across times when the bus is away.
///
/// What can't be published is only remembered by its metric: the rows are in the database and are read from there when the bus is
/// back. So a broker that is down never holds the scoring up, and memory stays bounded.
final class ResultPublisher: Sendable {
    private struct State {
        /// Metrics with committed rows that aren't published.
        var missed: Set<String> = []
        var commands: [EngineMessage] = []
        var notes: [String: PublishedNote] = [:]
        var nextTry: UInt64 = 0
    }

    private let repository: any MetricRepository
    private let bus: any MessageBus
    private let clock: any EngineClock
    private let logger: any Logger
    private let counters: EngineCounters
    private let chunkSize: Int
    private let state = Monitor(State())
    private let commandLimit = 10_000

    init(
        repository: any MetricRepository,
        bus: any MessageBus,
        clock: any EngineClock,
        logger: any Logger,
        counters: EngineCounters,
        chunkSize: Int
    ) {
        self.repository = repository
        self.bus = bus
        self.clock = clock
        self.logger = logger
        self.counters = counters
        self.chunkSize = chunkSize
    }

    /// Publishes messages that are committed.
    func publish(_ messages: [EngineMessage]) {
        guard !messages.isEmpty else { return }
        retry()
        let (waiting, missed) = state.withLock { (!$0.missed.isEmpty || !$0.commands.isEmpty, $0.missed) }
        // A metric that has missed some must not get later ones first.
        let now = waiting ? messages.filter { !missed.contains($0.uid) } : messages
        let later = waiting ? messages.filter { missed.contains($0.uid) } : []
        do {
            try bus.publish(now)
            note(now)
        } catch {
            logger.error("runner", "results can't be published, they will be when the bus is back: \(error)")
            counters.add("htmengine_publish_errors_total")
            postpone(now)
        }
        postpone(later)
    }

    private func note(_ messages: [EngineMessage]) {
        guard bus.isDurable else { return }
        state.withLock { state in
            for case .inferenceResults(let results) in messages {
                guard let last = results.rows.last else { continue }
                state.notes[results.metric.uid] = PublishedNote(
                    uid: results.metric.uid,
                    generation: results.generation,
                    rowid: last.rowid
                )
            }
        }
    }

    private func postpone(_ messages: [EngineMessage]) {
        guard !messages.isEmpty else { return }
        state.withLock { state in
            for message in messages {
                switch message {
                case .inferenceResults(let results): state.missed.insert(results.metric.uid)
                case .commandResult: if state.commands.count < commandLimit { state.commands.append(message) }
                case .foreign: break  // never ours to publish
                }
            }
            state.nextTry = clock.monotonicNanoseconds() + 1_000_000_000
        }
    }

    /// Remembers that a metric may have results nobody was told of.
    func mark(_ uid: String) {
        state.withLock { state in _ = state.missed.insert(uid) }
    }

    /// Publishes what was missed, if it is time to try.
    func retry() {
        let now = clock.monotonicNanoseconds()
        let (commands, missed) = state.withLock { state -> ([EngineMessage], [String]) in
            guard state.nextTry <= now else { return ([], []) }
            return (state.commands, state.missed.sorted())
        }
        guard !commands.isEmpty || !missed.isEmpty else { return }
        do {
            if !commands.isEmpty {
                try bus.publish(commands)
                state.withLock { $0.commands.removeFirst(commands.count) }
            }
            for uid in missed {
                try publishFromDatabase(uid)
                state.withLock { state in _ = state.missed.remove(uid) }
            }
        } catch {
            state.withLock { $0.nextTry = clock.monotonicNanoseconds() + 1_000_000_000 }
        }
    }

    private func publishFromDatabase(_ uid: String) throws {
        // Notes not written yet know better than the database how far the bus is.
        let noted = state.withLock { $0.notes[uid] }
        while true {
            let found = try repository.read { reading -> InferenceResults? in
                guard let metric = try reading.metric(uid: uid), let record = try reading.modelRecord(uid: uid) else {
                    return nil
                }
                var published = record.publishedRowid
                if let noted = state.withLock({ $0.notes[uid] }) ?? noted, noted.generation == record.generation {
                    published = max(published, noted.rowid)
                }
                guard published < record.scoredRowid else { return nil }
                let query = RowQuery(uid: uid, rowids: published + 1...record.scoredRowid, limit: chunkSize)
                let rows = try reading.rows(query).filter { $0.anomalyScore != nil }
                return InferenceResults(metric: .init(metric), generation: record.generation, rows: rows)
            }
            guard let found, !found.rows.isEmpty else { return }
            let message = EngineMessage.inferenceResults(found)
            try bus.publish([message])
            note([message])
            guard bus.isDurable else { return }
        }
    }

    func takeNotes() -> [PublishedNote] {
        state.withLock { state in
            defer { state.notes = [:] }
            return Array(state.notes.values)
        }
    }
}

extension MetricDescription {
    /// What messages say about a metric.
    package init(_ metric: Metric) {
        let parameters = metric.parameters.flatMap { try? JSONValue.parse($0) }
        self.init(
            uid: metric.uid,
            name: metric.name,
            description: metric.description,
            resource: metric.server,
            location: metric.location,
            datasource: metric.datasource ?? "custom",
            specJSON: (parameters?["metricSpec"] ?? .object(["metric": .string(metric.name ?? "")])).text
        )
    }
}
