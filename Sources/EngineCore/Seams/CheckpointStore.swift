// SPDX-License-Identifier: Apache-2.0

/// The learned state of one model after exactly `rowid` rows.
package struct Checkpoint: Sendable, Hashable {
    package var uid: String
    package var generation: Int64
    package var rowid: Int64
    /// The model's own bytes; the store compresses and checksums them.
    package var model: [UInt8]

    package init(uid: String, generation: Int64, rowid: Int64, model: [UInt8]) {
        self.uid = uid
        self.generation = generation
        self.rowid = rowid
        self.model = model
    }

    package var info: CheckpointInfo { CheckpointInfo(uid: uid, generation: generation, rowid: rowid) }
}

/// Names one checkpoint.
package struct CheckpointInfo: Sendable, Hashable {
    package var uid: String
    package var generation: Int64
    package var rowid: Int64
    /// Bytes it takes in the store; 0 when unknown.
    package var storedBytes: Int

    package init(uid: String, generation: Int64, rowid: Int64, storedBytes: Int = 0) {
        self.uid = uid
        self.generation = generation
        self.rowid = rowid
        self.storedBytes = storedBytes
    }
}

/// Where checkpoints are kept.
///
/// Blocking and thread-safe; several processes may use one store at once.
///
/// A checkpoint is only ever a short cut: the model is rebuilt from its rows when none can be read. So losing one is harmless as
/// long as the rows after the older of the two kept ones are there.
package protocol CheckpointStore: Sendable {
    /// Saves atomically and durably: after any crash, either the whole of it can be loaded or it isn't there. Keeps the two
    /// newest of the model and removes the others.
    ///
    /// "Newer" is a higher generation, or the same generation and a higher rowid. One that isn't newer than what is stored is
    /// dropped silently: two owners for a moment do no harm.
    /// - Returns: What the store now holds of this model, newest first.
    /// - Throws: `EngineError` with code `storageUnavailable`.
    @discardableResult
    func save(_ checkpoint: Checkpoint) throws -> [CheckpointInfo]

    /// What there is of a model, newest first. At most a few.
    func candidates(uid: String) throws -> [CheckpointInfo]

    /// Reads and checks one.
    /// - Throws: `EngineError` with code `checkpointDamaged` (also when it is gone) or `storageUnavailable`.
    func load(_ info: CheckpointInfo) throws -> Checkpoint

    /// Removes one, e.g. a damaged one.
    func remove(_ info: CheckpointInfo) throws

    /// Removes all checkpoints of a model with a generation below `generation`; `Int64.max` removes all.
    func remove(uid: String, generationsBelow generation: Int64) throws

    /// Everything in the store, in no order; stops when `body` returns false.
    func forEach(_ body: (CheckpointInfo) throws -> Bool) throws
}
