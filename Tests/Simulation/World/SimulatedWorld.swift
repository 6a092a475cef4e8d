// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Draws everything a simulation leaves to chance from one seed. Source: S. Vigna, splitmix64.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

/// A clock that only goes on when it is told to.
package final class SimulatedClock: EngineClock {
    private let now = Monitor<UInt64>(1_700_000_000_000_000_000)
    /// What somebody set the wall clock back by. Unit: seconds.
    private let setBack = Monitor<Int64>(0)

    package init() {}

    package func wallSeconds() -> Int64 { Int64(now.withLock { $0 } / 1_000_000_000) - setBack.withLock { $0 } }
    package func monotonicNanoseconds() -> UInt64 { now.withLock { $0 } }
    package func setBack(seconds: Int64) { setBack.withLock { $0 += seconds } }
    package func advance(milliseconds: UInt64) { now.withLock { $0 += milliseconds * 1_000_000 } }
}

/// What the world does to the engine: how often which fault strikes, and the dice. Shared by all fakes of one simulation.
///
/// Sendable because a simulation has one thread.
final class Faults: @unchecked Sendable {
    var random: SeededRandom
    /// Off in the last phase, when everything must come to rest.
    var areOn = true
    /// Of 1000 calls, how many fail.
    var perMille: Int

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        perMille = 0
        perMille = [0, 5, 20, 80][Int.random(in: 0..<4, using: &random)]
    }

    /// Whether this call fails.
    func strike() -> Bool { areOn && Int.random(in: 0..<1000, using: &random) < perMille }

    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
}

/// A bus that drops, doubles, delays and reorders hints, refuses messages, and moves partitions.
///
/// Sendable because a simulation has one thread.
final class SimulatedBus: MessageBus, @unchecked Sendable {
    let partitionCount = 4
    /// Whether results outlive a power cut, and have to be those of rows that do.
    let isDurable: Bool
    private let faults: Faults
    private var workers: [any PartitionWorker] = []
    private var owned: [ObjectIdentifier: Set<Int>] = [:]
    private var inFlight: [ModelHint] = []
    private(set) var published: [EngineMessage] = []

    init(faults: Faults) {
        self.faults = faults
        isDurable = faults.chance(50)
    }

    func send(_ hints: [ModelHint]) {
        for hint in hints {
            if faults.areOn, faults.chance(10) { continue }
            inFlight.append(hint)
            if faults.areOn, faults.chance(10) { inFlight.append(hint) }
        }
    }

    /// Delivers one hint, not always the oldest.
    func deliver() -> Bool {
        guard !inFlight.isEmpty else { return false }
        let index = faults.areOn && faults.chance(30) ? Int.random(in: 0..<inFlight.count, using: &faults.random) : 0
        let hint = inFlight.remove(at: index)
        let partition = partition(ofUID: hint.uid, count: partitionCount)
        for worker in workers where owned[ObjectIdentifier(worker)]?.contains(partition) == true {
            worker.receive([hint])
        }
        return true
    }

    func publish(_ messages: [EngineMessage]) throws {
        for message in messages {
            // A broker may have taken some before it fails.
            if faults.strike() { throw EngineError(.busUnavailable, "the simulated bus is down") }
            published.append(message)
        }
    }

    func join(_ worker: any PartitionWorker) throws {
        workers.append(worker)
        rebalance()
    }

    func leave(_ worker: any PartitionWorker) {
        workers.removeAll { $0 === worker }
        owned[ObjectIdentifier(worker)] = nil
        rebalance()
    }

    /// Deals the partitions anew; with faults on, one may have two owners until the next time.
    func rebalance() {
        guard !workers.isEmpty else { return }
        var shares = [Set<Int>](repeating: [], count: workers.count)
        for partition in 0..<partitionCount {
            shares[Int.random(in: 0..<workers.count, using: &faults.random)].insert(partition)
            if faults.areOn, faults.chance(20) {
                shares[Int.random(in: 0..<workers.count, using: &faults.random)].insert(partition)
            }
        }
        for (worker, share) in zip(workers, shares) {
            owned[ObjectIdentifier(worker)] = share
            worker.partitionsChanged(owned: share)
        }
    }

    /// Forgets workers that died without leaving.
    func forgetAllWorkers() {
        workers = []
        owned = [:]
    }

    /// A bus that isn't durable is in the process that the power was cut to.
    func cutPower() {
        guard !isDurable else { return }
        published = []
        inFlight = []
    }

    func subscribe(capacity: Int) throws -> any MessageSubscription {
        throw EngineError(.failed, "nobody listens to the simulated bus")
    }

    func counters() -> [String: Int64] { [:] }
    func close() {}
}

/// A disk that fills up, fails, and tears or flips what was written.
///
/// Sendable because a simulation has one thread.
final class SimulatedCheckpointStore: CheckpointStore, @unchecked Sendable {
    private let faults: Faults
    private var stored: [String: [(checkpoint: Checkpoint, isDamaged: Bool)]] = [:]

    init(faults: Faults) { self.faults = faults }

    func save(_ checkpoint: Checkpoint) throws -> [CheckpointInfo] {
        if faults.strike() { throw EngineError(.storageUnavailable, "the simulated disk is full") }
        var kept = stored[checkpoint.uid] ?? []
        let isNewer = kept.allSatisfy {
            ($0.checkpoint.generation, $0.checkpoint.rowid) < (checkpoint.generation, checkpoint.rowid)
        }
        if isNewer {
            kept.insert((checkpoint, faults.strike()), at: 0)
            stored[checkpoint.uid] = Array(kept.prefix(2))
        }
        return try candidates(uid: checkpoint.uid)
    }

    func candidates(uid: String) throws -> [CheckpointInfo] {
        if faults.strike() { throw EngineError(.storageUnavailable, "the simulated disk doesn't answer") }
        return stored[uid]?.map(\.checkpoint.info) ?? []
    }

    func load(_ info: CheckpointInfo) throws -> Checkpoint {
        if faults.strike() { throw EngineError(.storageUnavailable, "the simulated disk doesn't answer") }
        let found = stored[info.uid]?.first { $0.checkpoint.info == info }
        guard let found, !found.isDamaged else { throw EngineError(.checkpointDamaged, "torn") }
        return found.checkpoint
    }

    func remove(_ info: CheckpointInfo) throws {
        stored[info.uid]?.removeAll { $0.checkpoint.info == info }
    }

    func remove(uid: String, generationsBelow generation: Int64) throws {
        if faults.strike() { throw EngineError(.storageUnavailable, "the simulated disk doesn't answer") }
        stored[uid]?.removeAll { $0.checkpoint.generation < generation }
    }

    func forEach(_ body: (CheckpointInfo) throws -> Bool) throws {
        for uid in stored.keys.sorted() {
            for item in stored[uid] ?? [] where try !body(item.checkpoint.info) { return }
        }
    }
}
