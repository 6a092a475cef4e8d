// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// Follows all metrics and writes what begins and ends into the store. Used by one thread.
final class AlertObserver: @unchecked Sendable {
    // Sendable because after `load` only the service's observing thread touches it.
    private let configuration: AlertService.Configuration
    private let sinks: [String]
    private let store: any AlertStore
    private let repository: any MetricRepository
    private let clock: any EngineClock
    private let logger: any Logger

    private var machines: [String: AlertMachine] = [:]
    private var descriptions: [String: MetricDescription] = [:]
    private var told: [String: Int64] = [:]
    /// What became of the events that last.
    private var tellings: [String: AlertEvent.Telling] = [:]
    /// Not stored yet.
    private var pending = AlertCommit()
    private var dirty: Set<String> = []
    private var lastFlush: UInt64 = 0
    private var lastLook: UInt64 = 0
    private var lastCleaning: UInt64 = 0

    private static let flushNanoseconds: UInt64 = 60_000_000_000
    private static let cleaningNanoseconds: UInt64 = 3_600_000_000_000

    init(
        configuration: AlertService.Configuration,
        sinks: [String],
        store: any AlertStore,
        repository: any MetricRepository,
        clock: any EngineClock,
        logger: any Logger
    ) {
        self.configuration = configuration
        self.sinks = sinks
        self.store = store
        self.repository = repository
        self.clock = clock
        self.logger = logger
    }

    func load() throws {
        let now = clock.wallSeconds()
        for (uid, text) in try store.alertStates() {
            guard var machine = AlertMachine(text: text) else { continue }
            machine.resume(now: now)
            machines[uid] = machine
        }
        told = try store.lastTold()
        for event in try store.alertEvents(limit: 100_000) where event.endedAt == nil {
            tellings[event.id] = event.telling
        }
    }

    /// - Returns: Whether there is something new to deliver.
    func take(_ messages: [EngineMessage]) -> Bool {
        for message in messages {
            switch message {
            case .inferenceResults(let results): take(results)
            case .commandResult(let result) where result.method == .deleteModel && result.status == 0:
                forget(result.modelId)
            case .commandResult, .foreign: break
            }
        }
        let now = clock.monotonicNanoseconds()
        if now - lastLook >= UInt64(configuration.pollMilliseconds) * 1_000_000 {
            lastLook = now
            lookForSilence()
        }
        return store(everything: now - lastFlush >= Self.flushNanoseconds)
    }

    func finish() { _ = store(everything: true) }

    // MARK: Rows

    private func take(_ results: InferenceResults) {
        let metric = results.metric
        guard let first = results.rows.first else { return }
        descriptions[metric.uid] = metric
        var machine =
            machines[metric.uid]
            ?? AlertMachine(uid: metric.uid, generation: results.generation, rowid: first.rowid - 1)
        guard results.generation >= machine.generation else { return }
        let rule = configuration.rules.rule(for: metric.name ?? metric.uid)
        let now = clock.wallSeconds()
        if results.generation > machine.generation {
            note(machine.end(metric: metric, now: now), rule, now)
            machine.restart(generation: results.generation, rowid: first.rowid - 1)
        }
        for row in missedRows(machine, before: first.rowid) + results.rows where row.rowid > machine.rowid {
            note(machine.observe(row, metric: metric, rule: rule, now: now), rule, now)
        }
        machines[metric.uid] = machine
        dirty.insert(metric.uid)
    }

    /// Rows between the last one seen and the first of a message: published while this process, or its subscription, didn't listen.
    private func missedRows(_ machine: AlertMachine, before rowid: Int64) -> [MetricRow] {
        guard machine.rowid + 1 < rowid else { return [] }
        let missed = max(machine.rowid + 1, rowid - 100_000)...(rowid - 1)
        do {
            return try repository.read { try $0.rows(RowQuery(uid: machine.uid, rowids: missed)) }
        } catch {
            logger.warning("alerts", "rows of \(machine.uid) can't be read and are left out: \(error)")
            return []
        }
    }

    private func forget(_ uid: String) {
        guard var machine = machines.removeValue(forKey: uid) else { return }
        let now = clock.wallSeconds()
        let metric = describe(uid)
        note(machine.end(metric: metric, now: now), configuration.rules.rule(for: metric.name ?? uid), now)
        pending.states[uid] = ""
        dirty.remove(uid)
        descriptions[uid] = nil
    }

    // MARK: Silence

    private func lookForSilence() {
        let now = clock.wallSeconds()
        for (uid, machine) in machines {
            // A rule needs a name, and a name may need the database: most are ruled out before.
            var loosest = AlertRule()
            loosest.silenceFactor = .leastNonzeroMagnitude
            guard machine.isSilent(rule: loosest, now: now) else { continue }
            let metric = describe(uid)
            let rule = configuration.rules.rule(for: metric.name ?? uid)
            guard machine.isSilent(rule: rule, now: now), !hasUnscoredRows(machine) else { continue }
            var silent = machine
            note(silent.check(metric: metric, rule: rule, now: now), rule, now)
            machines[uid] = silent
            dirty.insert(uid)
        }
    }

    /// Whether samples do come, and only their scores don't: that is another trouble than silence.
    private func hasUnscoredRows(_ machine: AlertMachine) -> Bool {
        let head = try? repository.read { try $0.heads(uids: [machine.uid]).first }
        guard let head else { return true }
        return head.lastRowid > machine.rowid || !head.status.isMonitored
    }

    private func describe(_ uid: String) -> MetricDescription {
        if let known = descriptions[uid] { return known }
        let metric = try? repository.read { try $0.metric(uid: uid) }
        let description = MetricDescription(
            uid: uid,
            name: metric?.name,
            description: metric?.description,
            resource: metric?.server,
            location: metric?.location,
            datasource: metric?.datasource ?? "custom",
            specJSON: "{}"
        )
        descriptions[uid] = description
        return description
    }

    // MARK: Telling

    private func note(_ changes: [AlertMachine.Change], _ rule: AlertRule, _ now: Int64) {
        for change in changes {
            switch change {
            case .began(var event):
                event.telling = tellings[event.id] ?? telling(of: event, rule, now)
                tellings[event.id] = event.telling
                pending.events.append(event)
                if event.telling == .told {
                    told[event.server] = now
                    pending.told[event.server] = now
                    send(event, .start)
                }
            case .ended(var event):
                event.telling = tellings.removeValue(forKey: event.id) ?? .old
                pending.events.append(event)
                if event.telling == .told { send(event, .end) }
            }
        }
    }

    private func send(_ event: AlertEvent, _ phase: AlertPhase) {
        for sink in sinks { pending.deliveries.append(AlertDelivery(event: event, phase: phase, sink: sink)) }
    }

    private func telling(of event: AlertEvent, _ rule: AlertRule, _ now: Int64) -> AlertEvent.Telling {
        if now - event.startedAt > configuration.longestDelay { return .old }
        if !rule.isOn || isMuted(event.metric, now) { return .muted }
        if let last = told[event.server], now - last < rule.restPeriod { return .resting }
        return .told
    }

    private func isMuted(_ metric: String, _ now: Int64) -> Bool {
        // Asked at each event, of which there are few: so a mute holds at once, whichever process it was set in.
        guard let mutes = try? store.alertMutes() else { return false }
        return mutes.contains { $0.until > now && NamePattern($0.pattern).matches(metric) }
    }

    // MARK: Storing

    /// Stores what happened; where each metric has got to only with it or when it is time.
    private func store(everything: Bool) -> Bool {
        let now = clock.monotonicNanoseconds()
        let isNews = !pending.events.isEmpty || !pending.deliveries.isEmpty
        guard isNews || !pending.states.isEmpty || (everything && !dirty.isEmpty) else { return false }
        let written = everything ? dirty : dirty.intersection(pending.events.map(\.uid))
        for uid in written { pending.states[uid] = machines[uid]?.text ?? "" }
        do {
            try store.commit(pending)
        } catch {
            // Kept, and tried again with the next messages.
            logger.warning("alerts", "what happened can't be stored yet: \(error)")
            return false
        }
        let hasDeliveries = !pending.deliveries.isEmpty
        pending = AlertCommit()
        dirty.subtract(written)
        if everything { lastFlush = now }
        clean(now)
        return hasDeliveries
    }

    private func clean(_ now: UInt64) {
        guard now - lastCleaning >= Self.cleaningNanoseconds else { return }
        lastCleaning = now
        do {
            try store.removeAlertEvents(startedBefore: clock.wallSeconds() - configuration.keptFor)
        } catch {
            logger.warning("alerts", "old events can't be removed: \(error)")
        }
    }
}
