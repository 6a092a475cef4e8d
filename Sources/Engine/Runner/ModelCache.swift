// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// One model in memory, owned by one worker.
final class ModelSlot {
    let uid: String
    let generation: Int64
    let metric: MetricDescription
    let definition: ModelDefinition
    var model: any ScoringModel
    /// The model has seen the rows up to this one.
    var rowid: Int64
    /// The database has scores up to this row, as far as known when the model was loaded: rows up to it are only replayed.
    let scoredRowid: Int64
    /// The rows up to this one are in a checkpoint, saved or about to be.
    var checkpointRowid: Int64
    /// Whether the database had more rows than one turn takes when it was last asked.
    var isBehind = false
    /// Whether it waits for its worker to have time to save it.
    var isDue = false
    /// As counted in the cache's total.
    fileprivate(set) var countedBytes = 0
    fileprivate var newer: ModelSlot?
    fileprivate unowned(unsafe) var older: ModelSlot?

    init(
        uid: String,
        generation: Int64,
        metric: MetricDescription,
        definition: ModelDefinition,
        model: any ScoringModel,
        rowid: Int64,
        scoredRowid: Int64,
        checkpointRowid: Int64
    ) {
        self.uid = uid
        self.generation = generation
        self.metric = metric
        self.definition = definition
        self.model = model
        self.rowid = rowid
        self.scoredRowid = scoredRowid
        self.checkpointRowid = checkpointRowid
    }
}

/// The models one worker holds in memory, least recently used first.
///
/// The slots form a list from the oldest to the newest use, so that use and eviction take constant time.
struct ModelCache {
    private var slots: [String: ModelSlot] = [:]
    private var oldest: ModelSlot?
    private unowned(unsafe) var newest: ModelSlot?
    /// Unit: bytes.
    private(set) var totalBytes = 0

    var count: Int { slots.count }

    /// All slots, in no order.
    var all: some Collection<ModelSlot> { slots.values }

    /// The slot, which doesn't count as used by that.
    func slot(_ uid: String) -> ModelSlot? { slots[uid] }

    /// The slot, which counts as used now.
    mutating func use(_ uid: String) -> ModelSlot? {
        guard let slot = slots[uid] else { return nil }
        unlink(slot)
        link(slot)
        return slot
    }

    mutating func insert(_ slot: ModelSlot) {
        remove(slot.uid)
        slots[slot.uid] = slot
        link(slot)
        recount(slot)
    }

    /// Takes note of a model's size after it has learned.
    mutating func recount(_ slot: ModelSlot) {
        totalBytes -= slot.countedBytes
        slot.countedBytes = slot.model.memoryBytes
        totalBytes += slot.countedBytes
    }

    mutating func remove(_ uid: String) {
        guard let slot = slots.removeValue(forKey: uid) else { return }
        unlink(slot)
        totalBytes -= slot.countedBytes
        slot.countedBytes = 0
    }

    /// The least recently used slot; nil when there is only one.
    var evictionCandidate: ModelSlot? { slots.count > 1 ? oldest : nil }

    private mutating func link(_ slot: ModelSlot) {
        slot.older = newest
        slot.newer = nil
        newest?.newer = slot
        newest = slot
        if oldest == nil { oldest = slot }
    }

    private mutating func unlink(_ slot: ModelSlot) {
        if oldest === slot { oldest = slot.newer }
        if newest === slot { newest = slot.older }
        slot.newer?.older = slot.older
        slot.older?.newer = slot.newer
        slot.newer = nil
        slot.older = nil
    }
}
