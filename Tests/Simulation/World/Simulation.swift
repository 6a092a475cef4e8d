// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// Storer, two runners, operations and checkpoints, taken step by step in an order drawn from a seed, over a database, a bus and a
/// disk that fail; then everything must come to rest with nothing lost and every score as if nothing had happened.
package final class Simulation {
    private let faults: Faults
    private let clock = SimulatedClock()
    private let repository: SimulatedRepository
    private let bus: SimulatedBus
    private let store: SimulatedCheckpointStore
    private let names = ["a", "b", "c"]
    private var uids: [String: String] = [:]
    private var storer: Storer
    private var runners: [ModelRunner] = []
    private var operations: EngineOperations
    private var nextTime: Int64 = 1_600_000_000
    /// Samples whose senders were told that they are stored, by metric.
    private let acknowledged = Monitor<[String: [Sample]]>([:])
    private var submitted: [String: Set<Sample>] = [:]
    /// Rows of active metrics whose scores were compared.
    package private(set) var scoredRows = 0

    package init(seed: UInt64) throws {
        faults = Faults(seed: seed)
        repository = SimulatedRepository(faults: faults)
        bus = SimulatedBus(faults: faults)
        store = SimulatedCheckpointStore(faults: faults)
        storer = Self.makeStorer(repository, bus, clock)
        operations = Self.makeOperations(repository, bus, store, clock)
        faults.areOn = false
        for name in names {
            let metric = Metric.custom(uid: Metric.makeUID(using: &faults.random), name: name)
            uids[name] = try repository.write { try $0.createMetric(metric).uid }
        }
        faults.areOn = true
        try startRunners()
    }

    private static func makeStorer(
        _ repository: SimulatedRepository,
        _ bus: SimulatedBus,
        _ clock: SimulatedClock
    ) -> Storer {
        var configuration = Storer.Configuration()
        configuration.firstRows = 10
        configuration.patience = 2
        return Storer(
            repository: repository,
            bus: bus,
            clock: clock,
            logger: SilentLogger(),
            counters: EngineCounters(),
            configuration: configuration
        )
    }

    private static func makeOperations(
        _ repository: SimulatedRepository,
        _ bus: SimulatedBus,
        _ store: SimulatedCheckpointStore,
        _ clock: SimulatedClock
    ) -> EngineOperations {
        EngineOperations(
            repository: repository,
            bus: bus,
            checkpoints: store,
            factory: FakeModelFactory(),
            clock: clock,
            logger: SilentLogger(),
            firstRows: 10
        )
    }

    private func startRunners() throws {
        runners = try (0..<2).map { _ in
            var configuration = ModelRunner.Configuration()
            configuration.workers = Int.random(in: 1...2, using: &faults.random)
            configuration.memoryBudget = [1000, 2500, 1_000_000][Int.random(in: 0..<3, using: &faults.random)]
            configuration.rowsPerCheckpoint = Int.random(in: 3...20, using: &faults.random)
            configuration.rowsWorthSaving = Int.random(in: 1...5, using: &faults.random)
            configuration.chunkSize = Int.random(in: 2...12, using: &faults.random)
            configuration.firstRows = 10
            let runner = ModelRunner(
                repository: repository,
                bus: bus,
                checkpointStore: store,
                factory: FakeModelFactory(),
                clock: clock,
                logger: SilentLogger(),
                counters: EngineCounters(),
                configuration: configuration
            )
            try runner.joinWithoutThreads()
            return runner
        }
    }

    /// - Returns: What was found wrong; empty when all is well.
    package func run() throws -> [String] {
        let steps = Int.random(in: 100...600, using: &faults.random)
        for _ in 0..<steps { try step() }
        faults.areOn = false
        guard settle() else { return ["the engine doesn't come to rest: \(state)"] }
        return try check()
    }

    private func step() throws {
        switch Int.random(in: 0..<100, using: &faults.random) {
        case 0..<20: try send()
        case 20..<40: storer.storeNext(wait: false)
        case 40..<50: _ = bus.deliver()
        case 50..<68: _ = anyRunner.stepWorker(Int.random(in: 0..<2, using: &faults.random) % anyWorkerCount)
        case 68..<78: _ = anyRunner.stepResults()
        case 78..<84: _ = anyRunner.stepCheckpoints()
        case 84..<86: anyRunner.stepDelayed()
        case 86..<88: anyRunner.lookForWork()
        case 88..<90: repository.sync()
        case 90..<94: clock.advance(milliseconds: UInt64.random(in: 1...2000, using: &faults.random))
        case 94..<97: changeMonitoring()
        case 97: bus.rebalance()
        case 98: try restart()
        case 99:
            repository.cutPower()
            bus.cutPower()
            try restart()
        default: preconditionFailure("a step without a meaning")
        }
    }

    private var anyRunner: ModelRunner { runners[Int.random(in: 0..<runners.count, using: &faults.random)] }
    private var anyWorkerCount: Int { runners.map(\.workerCount).min() ?? 1 }

    private func send() throws {
        var incoming: [IncomingSample] = []
        for _ in 0..<Int.random(in: 1...6, using: &faults.random) {
            let name = names[Int.random(in: 0..<names.count, using: &faults.random)]
            // Sometimes a time that was used before.
            if !faults.chance(8) { nextTime += Int64.random(in: 1...300, using: &faults.random) }
            let sample = Sample(timestamp: nextTime, value: Double(Int.random(in: 0...50, using: &faults.random)) / 4)
            incoming.append(IncomingSample(name: name, sample: sample))
            submitted[name, default: []].insert(sample)
        }
        try storer.submit(incoming) { [acknowledged, incoming] outcome in
            guard outcome.error == nil else { return }
            let refused = Set(outcome.refusals.map(\.index))
            acknowledged.withLock { known in
                for (index, item) in incoming.enumerated() where !refused.contains(index) {
                    known[item.name, default: []].append(item.sample)
                }
            }
        }
    }

    private func changeMonitoring() {
        let name = names[Int.random(in: 0..<names.count, using: &faults.random)]
        // Refused ones and those the database didn't take change nothing.
        if faults.chance(60) {
            let range = faults.chance(50) ? ModelSpec.ModelParams(min: 0, max: 50) : nil
            _ = try? operations.monitor(ModelSpec(metric: name, modelParams: range))
        } else {
            _ = try? operations.unmonitor(uid: uids[name]!)
        }
    }

    /// SIGKILL: what is in memory is gone.
    private func restart() throws {
        repository.forgetUnsynced()
        bus.forgetAllWorkers()
        storer = Self.makeStorer(repository, bus, clock)
        operations = Self.makeOperations(repository, bus, store, clock)
        try startRunners()
    }

    /// Steps everything until nothing has anything to do.
    private func settle() -> Bool {
        bus.rebalance()
        for name in names { _ = try? operations.monitor(ModelSpec(metric: name, modelParams: .init(min: 0, max: 50))) }
        for _ in 0..<2000 {
            var worked = storer.storeNext(wait: false)
            repository.sync()
            while bus.deliver() { worked = true }
            for runner in runners {
                runner.stepDelayed()
                for index in 0..<runner.workerCount where runner.stepWorker(index) { worked = true }
                while runner.stepResults() { worked = true }
                while runner.stepCheckpoints() { worked = true }
            }
            clock.advance(milliseconds: 1500)
            if !worked, runners.reduce(0, { $0 + $1.lookForWork() }) == 0 {
                let unpublished = try? repository.read { try $0.unpublishedModels(after: "", limit: 10) }
                let waiting = bus.isDurable ? unpublished ?? [] : []
                let isPending = runners.contains { runner in
                    (0..<runner.workerCount).contains { runner.stepWorker($0) }
                }
                if waiting.isEmpty, !isPending, storer.waitingSamples == 0, isAtRest { return true }
            }
        }
        return false
    }

    /// For a failure's message.
    private var state: String {
        repository.tables.metrics.values.sorted { $0.name ?? "" < $1.name ?? "" }.map { metric in
            let model = repository.tables.models[metric.uid]
            return "\(metric.name ?? "") \(metric.status) rows \(metric.lastRowid) scored \(model?.scoredRowid ?? -1) "
                + "published \(model?.publishedRowid ?? -1) seen \(model.map { "\($0.seenStatus)" } ?? "-")"
        }.joined(separator: ", ")
    }

    /// Every monitored metric either works or waits for data it hasn't got.
    private var isAtRest: Bool {
        repository.tables.metrics.values.allSatisfy { metric in
            switch metric.status {
            case .active: true
            case .pendingData: metric.lastRowid < 10
            case .unmonitored, .createPending, .error: false
            }
        }
    }

    private func check() throws -> [String] {
        let tables = repository.tables
        var problems = tables.violations
        for name in names {
            let uid = uids[name]!
            let rows = tables.rows[uid] ?? []
            let stored = rows.map(\.sample)
            problems += checkSamples(name, stored)
            guard let metric = tables.metrics[uid], let model = tables.models[uid] else { continue }
            guard metric.status == .active else { continue }
            let expected = FakeModel.scores(of: stored)
            for (row, score) in zip(rows, expected)
            where row.rawAnomalyScore != score.rawAnomalyScore || row.anomalyScore != score.anomalyScore {
                problems.append("\(name) row \(row.rowid): score \(String(describing: row.anomalyScore))")
            }
            scoredRows += rows.count
            problems += checkPublished(uid, name, model.generation, rows)
        }
        try store.forEach { info in
            let model = tables.models[info.uid]
            if info.generation == model?.generation, info.rowid > model?.scoredRowid ?? 0 {
                problems.append("checkpoint \(info.rowid) is ahead of the scores")
            }
            return true
        }
        return problems
    }

    private func checkSamples(_ name: String, _ stored: [Sample]) -> [String] {
        var problems: [String] = []
        let known = Set(stored)
        for sample in acknowledged.withLock({ $0[name] ?? [] }) where !known.contains(sample) {
            problems.append("\(name): the acknowledged sample at \(sample.timestamp) is lost")
        }
        for (before, after) in zip(stored, stored.dropFirst()) where after.timestamp <= before.timestamp {
            problems.append("\(name): time \(after.timestamp) after \(before.timestamp)")
        }
        for sample in stored where submitted[name]?.contains(sample) != true {
            problems.append("\(name): a sample nobody sent, at \(sample.timestamp)")
        }
        return problems
    }

    /// Every row of the last generation was published, for the first time in order, and always with the stored score. A bus that isn't
    /// durable misses some, but never says anything else.
    private func checkPublished(_ uid: String, _ name: String, _ generation: Int64, _ rows: [MetricRow]) -> [String] {
        var problems: [String] = []
        var last: Int64 = 0
        for case .inferenceResults(let results) in bus.published
        where results.metric.uid == uid && results.generation == generation {
            for row in results.rows {
                if row.rowid > last + 1, bus.isDurable {
                    problems.append("\(name): row \(row.rowid) is published after \(last)")
                }
                last = max(last, row.rowid)
                guard row.rowid <= rows.count else {
                    problems.append("\(name): row \(row.rowid) was published and isn't stored")
                    continue
                }
                let stored = rows[Int(row.rowid) - 1]
                if stored.anomalyScore != row.anomalyScore || stored.rawAnomalyScore != row.rawAnomalyScore {
                    problems.append("\(name): row \(row.rowid) was published with another score")
                }
            }
        }
        if last != Int64(rows.count), bus.isDurable {
            problems.append("\(name): \(last) of \(rows.count) rows were published")
        }
        return problems
    }
}
