// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// What is known to be new for one model.
struct PendingWork: Sendable {
    /// 0 when unknown.
    var generation: Int64
    /// Row id of `samples[0]`.
    var firstRowid: Int64
    /// Consecutive rows.
    var samples: [Sample]
    /// The database has more than `samples` say, or other things to look at.
    var needsLook: Bool
    /// Rows up to this one are in the database, which is worth a look if the model hasn't taken them yet.
    var storedRowid: Int64 = 0

    init(_ hint: ModelHint) {
        generation = hint.generation
        firstRowid = hint.firstRowid
        samples = hint.samples
        needsLook = hint.samples.isEmpty
    }

    /// Row id of the last sample.
    var lastRowid: Int64 { firstRowid + Int64(samples.count) - 1 }

    /// Takes up what came later.
    mutating func merge(_ hint: ModelHint, keepSamples: Bool) {
        if hint.generation > generation { generation = hint.generation }
        if keepSamples, !hint.samples.isEmpty, !samples.isEmpty, hint.firstRowid == lastRowid + 1 {
            samples += hint.samples
        } else if keepSamples, samples.isEmpty, !hint.samples.isEmpty {
            firstRowid = hint.firstRowid
            samples = hint.samples
        } else {
            needsLook = true
        }
    }
}

/// The models of one worker that have something new, first come first served; a model stands in it at most once.
///
/// Its size is bounded by the number of models; the samples that come with hints are bounded too, and beyond that the database
/// is asked.
final class RunnerInbox: Sendable {
    private struct State {
        var order: [String] = []
        var head = 0
        var pending: [String: PendingWork] = [:]
        var sampleCount = 0
        var delayed: [String: UInt64] = [:]
        var current: String?
        var droppedHints: Int64 = 0
        /// Asks the worker to drop models of partitions it doesn't own any more.
        var ownershipChanged = false
        /// Models to save when nothing else is to do.
        var due: [String] = []
        var isStopping = false
    }

    enum Item {
        case work(uid: String, PendingWork)
        /// Nothing waits: time to save a model.
        case save(uid: String)
        case ownershipChanged
        case stopping
    }

    private let state = Monitor(State())
    private let sampleLimit: Int

    /// - Parameter sampleLimit: Samples kept from hints, over all models.
    init(sampleLimit: Int) { self.sampleLimit = sampleLimit }

    func add(_ hints: some Sequence<ModelHint>) {
        state.update { state in
            for hint in hints { Self.add(hint, to: &state, limit: sampleLimit) }
        }
    }

    private static func add(_ hint: ModelHint, to state: inout State, limit: Int) {
        let keep = state.sampleCount + hint.samples.count <= limit
        if !keep { state.droppedHints += 1 }
        if var known = state.pending[hint.uid] {
            state.sampleCount -= known.samples.count
            known.merge(hint, keepSamples: keep)
            state.sampleCount += known.samples.count
            state.pending[hint.uid] = known
        } else {
            var work = PendingWork(hint)
            if !keep {
                work.samples = []
                work.needsLook = true
            }
            state.sampleCount += work.samples.count
            state.pending[hint.uid] = work
            state.order.append(hint.uid)
        }
    }

    /// Puts a model at the end of the line.
    func look(at uid: String) { add([ModelHint(uid: uid)]) }

    /// Puts a model at the end of the line, if only because its scores in the database lag behind its rows: when it has taken those
    /// by the time its turn comes, nothing is left to do.
    func look(at uid: String, generation: Int64, storedRowid: Int64) {
        state.update { state in
            if var known = state.pending[uid] {
                known.storedRowid = max(known.storedRowid, storedRowid)
                known.generation = max(known.generation, generation)
                state.pending[uid] = known
            } else {
                var work = PendingWork(ModelHint(uid: uid, generation: generation))
                work.needsLook = false
                work.storedRowid = storedRowid
                state.pending[uid] = work
                state.order.append(uid)
            }
        }
    }

    /// Puts a model in line again at a time on the monotonic clock.
    func look(at uid: String, notBefore due: UInt64) {
        state.update { $0.delayed[uid] = due }
    }

    func releaseDelayed(now: UInt64) {
        state.update { state in
            // In a fixed order, so that simulations repeat.
            for (uid, due) in state.delayed.sorted(by: { $0.key < $1.key }) where due <= now {
                state.delayed[uid] = nil
                Self.add(ModelHint(uid: uid), to: &state, limit: .max)
            }
        }
    }

    /// Asks for a model to be saved when nothing else is to do.
    func saveLater(_ uid: String) { state.update { $0.due.append(uid) } }

    func ownershipChanged() { state.update { $0.ownershipChanged = true } }

    func stop() { state.update { $0.isStopping = true } }

    /// The next thing to do; `finished` is called when it is done.
    ///
    /// - Returns: nil when there is nothing and `wait` is false.
    func next(wait: Bool) -> Item? {
        state.wait(timeoutMilliseconds: wait ? nil : 0) { state -> Item? in
            if state.ownershipChanged {
                state.ownershipChanged = false
                state.current = ""
                return .ownershipChanged
            }
            guard state.head < state.order.count else {
                if state.isStopping { return .stopping }
                guard !state.due.isEmpty else { return nil }
                let uid = state.due.removeFirst()
                state.current = uid
                return .save(uid: uid)
            }
            let uid = state.order[state.head]
            state.head += 1
            if state.head > 1024, state.head * 2 > state.order.count {
                state.order.removeFirst(state.head)
                state.head = 0
            }
            let work = state.pending.removeValue(forKey: uid)!
            state.sampleCount -= work.samples.count
            state.current = uid
            return .work(uid: uid, work)
        }
    }

    func finished() { state.update { $0.current = nil } }

    /// Models in line or being worked on.
    var count: Int { state.withLock { $0.pending.count + ($0.current == nil ? 0 : 1) } }

    /// Models waiting for a failure to pass.
    var delayedCount: Int { state.withLock { $0.delayed.count } }

    var droppedHints: Int64 { state.withLock { $0.droppedHints } }

    /// Forgets everything in line: the rows are in the database.
    func clear() {
        state.update { state in
            state.order = []
            state.head = 0
            state.pending = [:]
            state.delayed = [:]
            state.due = []
            state.sampleCount = 0
        }
    }

    /// Waits until nothing is in line or being worked on.
    ///
    /// - Returns: False when the time is up.
    func waitUntilIdle(timeoutMilliseconds: Int) -> Bool {
        state.wait(timeoutMilliseconds: timeoutMilliseconds) { state in
            state.pending.isEmpty && state.current == nil && state.due.isEmpty ? true : nil
        } ?? false
    }
}
