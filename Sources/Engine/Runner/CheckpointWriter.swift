// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Saves checkpoints beside the scoring, since each waits for the disk several times.
///
/// What waits here counts as saved for the workers: a model that was just dropped from memory is loaded from here. When the store
/// can't be written, the newest are kept up to a limit and tried again; losing the others costs only time.
final class CheckpointWriter: Sendable {
    private struct Item {
        var checkpoint: Checkpoint
        /// Not before this time on the monotonic clock, after a failure.
        var due: UInt64 = 0
        var isInWork = false
    }

    private struct State {
        var items: [String: Item] = [:]
        var order: [String] = []
        var bytes = 0
        var isStopping = false
        var isFailing = false
        var notes: [CheckpointNote] = []
    }

    private let store: any CheckpointStore
    private let clock: any EngineClock
    private let logger: any Logger
    private let counters: EngineCounters
    /// Unit: bytes, before compression.
    private let byteLimit: Int
    private let state = Monitor(State())
    /// After a failure the store is left alone for so long. Unit: nanoseconds.
    private let pause: UInt64 = 2_000_000_000

    init(
        store: any CheckpointStore,
        clock: any EngineClock,
        logger: any Logger,
        counters: EngineCounters,
        byteLimit: Int
    ) {
        self.store = store
        self.clock = clock
        self.logger = logger
        self.counters = counters
        self.byteLimit = byteLimit
    }

    /// Takes a checkpoint over. Waits while too many bytes are in line, unless the store is failing: then the oldest go.
    func add(_ checkpoint: Checkpoint) {
        let size = checkpoint.model.count
        state.wait { state -> Bool? in
            if !state.items.isEmpty, state.bytes + size > byteLimit {
                guard state.isFailing || state.isStopping else { return nil }
                drop(&state, untilFitting: size)
            }
            if let known = state.items[checkpoint.uid] {
                let newer =
                    (known.checkpoint.generation, known.checkpoint.rowid) < (checkpoint.generation, checkpoint.rowid)
                guard newer else { return true }
                state.bytes -= known.checkpoint.model.count
            } else {
                state.order.append(checkpoint.uid)
            }
            state.items[checkpoint.uid] = Item(checkpoint: checkpoint)
            state.bytes += size
            return true
        }
    }

    private func drop(_ state: inout State, untilFitting size: Int) {
        while state.bytes + size > byteLimit,
            let index = state.order.firstIndex(where: { state.items[$0]?.isInWork == false })
        {
            let uid = state.order.remove(at: index)
            if let item = state.items.removeValue(forKey: uid) { state.bytes -= item.checkpoint.model.count }
            counters.add("htmengine_checkpoints_given_up_total")
        }
    }

    /// What waits to be saved for a model.
    func waiting(uid: String) -> Checkpoint? { state.withLock { $0.items[uid]?.checkpoint } }

    /// Forgets what waits for a model's generations below `generation`.
    func forget(uid: String, generationsBelow generation: Int64) {
        state.update { state in
            guard let item = state.items[uid], item.checkpoint.generation < generation, !item.isInWork else { return }
            state.items[uid] = nil
            state.order.removeAll { $0 == uid }
            state.bytes -= item.checkpoint.model.count
        }
    }

    /// Takes the notes of what was saved, for the database.
    func takeNotes() -> [CheckpointNote] {
        state.withLock { state in
            defer { state.notes = [] }
            return state.notes
        }
    }

    var hasNotes: Bool { state.withLock { !$0.notes.isEmpty } }

    /// Checkpoints not yet saved.
    var count: Int { state.withLock { $0.items.count } }

    /// Saves one.
    ///
    /// - Returns: False when there was none (or, waiting, when it is time to stop).
    @discardableResult
    func saveNext(wait: Bool) -> Bool {
        let taken = state.wait(timeoutMilliseconds: wait ? 500 : 0) { state -> Checkpoint?? in
            let now = clock.monotonicNanoseconds()
            for uid in state.order {
                guard var item = state.items[uid], !item.isInWork, item.due <= now || state.isStopping else { continue }
                item.isInWork = true
                state.items[uid] = item
                return .some(item.checkpoint)
            }
            return state.isStopping ? .some(nil) : nil
        }
        guard let taken else { return wait }
        guard let checkpoint = taken else { return false }
        save(checkpoint)
        return true
    }

    private func save(_ checkpoint: Checkpoint) {
        do {
            let stored = try store.save(checkpoint)
            counters.add([
                "htmengine_checkpoints_saved_total": 1,
                "htmengine_checkpoint_bytes_total": Int64(stored.first?.storedBytes ?? 0),
            ])
            state.update { state in
                if state.isFailing { logger.info("runner", "checkpoints can be saved again") }
                state.isFailing = false
                let same = stored.filter { $0.generation == checkpoint.generation }
                if let newest = same.first {
                    state.notes.append(
                        CheckpointNote(
                            uid: checkpoint.uid,
                            generation: newest.generation,
                            rowid: newest.rowid,
                            previousRowid: same.count > 1 ? same[1].rowid : 0
                        )
                    )
                }
                finish(checkpoint, &state)
            }
        } catch {
            counters.add("htmengine_checkpoint_errors_total")
            let now = clock.monotonicNanoseconds()
            state.update { state in
                if !state.isFailing {
                    logger.error("runner", "checkpoints can't be saved, trying again: \(error)")
                }
                state.isFailing = true
                if state.isStopping { return finish(checkpoint, &state) }
                for uid in state.order { state.items[uid]?.due = now + pause }
                state.items[checkpoint.uid]?.isInWork = false
            }
        }
    }

    private func finish(_ checkpoint: Checkpoint, _ state: inout State) {
        guard let item = state.items[checkpoint.uid] else { return }
        if item.checkpoint.rowid == checkpoint.rowid && item.checkpoint.generation == checkpoint.generation {
            state.items[checkpoint.uid] = nil
            state.order.removeAll { $0 == checkpoint.uid }
            state.bytes -= checkpoint.model.count
        } else {
            state.items[checkpoint.uid]?.isInWork = false
        }
    }

    /// Ends the saving with what is being saved now. What still waits is replayed after the next start.
    func stop() {
        state.update { state in
            state.isStopping = true
            let waiting = state.order.filter { state.items[$0]?.isInWork == false }
            for uid in waiting {
                if let item = state.items.removeValue(forKey: uid) { state.bytes -= item.checkpoint.model.count }
            }
            state.order = state.order.filter { state.items[$0] != nil }
        }
    }

    /// - Returns: False when the time is up.
    func waitUntilEmpty(timeoutMilliseconds: Int) -> Bool {
        state.wait(timeoutMilliseconds: timeoutMilliseconds) { $0.items.isEmpty ? true : nil } ?? false
    }
}
