// SPDX-License-Identifier: Apache-2.0

/// The original's default temporal memory: learns sequences of active columns and expects the next ones.
///
/// A value: copies share their storage until one of them is changed. See `BacktrackingCore` for the algorithm.
package struct BacktrackingTemporalMemory: Sendable {
    /// Owns a core's buffers.
    private final class Storage<Layout: SegmentLayout> {
        var core: BacktrackingCore<Layout>

        init(_ core: BacktrackingCore<Layout>) {
            self.core = core
        }

        deinit {
            core.deallocate()
        }
    }

    /// The parameters the memory was made from.
    package let parameters: BacktrackingParameters
    // Exactly one of the two is there. Shared storage is only ever read and copied before a change (`mutate`), which is what
    // makes sending values between threads safe.
    private nonisolated(unsafe) var compact: Storage<CompactLayout>?
    private nonisolated(unsafe) var wide: Storage<WideLayout>?

    /// An empty memory.
    ///
    /// - Parameters:
    ///   - usesWideLayout: Stores cells and permanences in full even where a compact form gives the same bits; for tests.
    package init(
        parameters: BacktrackingParameters,
        level: KernelLevel = .best,
        usesWideLayout: Bool = false
    ) throws(ParameterError) {
        try parameters.validate()
        self.parameters = parameters
        if !usesWideLayout, CompactLayout.fits(parameters), let rule = CodedPermanence(parameters) {
            compact = Storage(BacktrackingCore(parameters: parameters, rule: rule, level: level))
        } else {
            let rule = FloatPermanence(parameters)
            wide = Storage(BacktrackingCore(parameters: parameters, rule: rule, level: level))
        }
    }

    /// One record.
    ///
    /// - Parameters:
    ///   - activeColumns: Ascending.
    ///   - learn: Whether segments change.
    package mutating func compute(activeColumns: [UInt16], learn: Bool) {
        mutate({ $0.compute(activeColumns, learn: learn) }, { $0.compute(activeColumns, learn: learn) })
    }

    /// Starts a new sequence: forgets the context, keeps what is learned.
    package mutating func reset() {
        mutate({ $0.reset() }, { $0.reset() })
    }

    /// How many of `columns` the memory expects in the next record.
    package func predictedCount(among columns: [UInt16]) -> Int {
        read({ $0.predictedCount(among: columns) }, { $0.predictedCount(among: columns) })
    }

    /// Bit per expected column.
    package var predictedColumns: [UInt64] {
        read({ Array($0.predictedColumns.elements) }, { Array($0.predictedColumns.elements) })
    }

    /// The active cells of inference, ascending.
    package var activeCells: [UInt32] {
        read({ $0.sortedActiveCells }, { $0.sortedActiveCells })
    }

    /// Segments in use.
    package var segmentCount: Int {
        read({ $0.pool.segmentCount }, { $0.pool.segmentCount })
    }

    /// Synapses in use.
    package var synapseCount: Int {
        read({ $0.pool.synapseCount }, { $0.pool.synapseCount })
    }

    /// Memory taken, roughly. Unit: bytes.
    package var byteCount: Int {
        read({ $0.byteCount }, { $0.byteCount })
    }

    /// Moving average of the lengths of learned sequences, in records.
    package var averageLearnedSequenceLength: Float {
        read({ $0.averageLearnedSequenceLength }, { $0.averageLearnedSequenceLength })
    }

    /// Appends the memory's state. Layout: docs/formats/checkpoint.md, "Backtracking temporal memory".
    package func encode(into encoder: inout StateEncoder) {
        if let compact {
            compact.core.encode(into: &encoder)
        } else {
            wide!.core.encode(into: &encoder)
        }
    }

    /// Takes over what `encode(into:)` wrote, into a memory just made from the same parameters.
    ///
    /// - Parameter version: Of the model's state.
    package mutating func restore(
        from decoder: inout StateDecoder,
        version: UInt32 = AnomalyModel.stateVersion
    ) throws(CheckpointError) {
        if let compact {
            try compact.core.restore(from: &decoder, version: version)
        } else {
            try wide!.core.restore(from: &decoder, version: version)
        }
    }

    private func read<Result>(
        _ compactBody: (borrowing BacktrackingCore<CompactLayout>) -> Result,
        _ wideBody: (borrowing BacktrackingCore<WideLayout>) -> Result
    ) -> Result {
        if let compact {
            return compactBody(compact.core)
        }
        return wideBody(wide!.core)
    }

    private mutating func mutate(
        _ compactBody: (inout BacktrackingCore<CompactLayout>) -> Void,
        _ wideBody: (inout BacktrackingCore<WideLayout>) -> Void
    ) {
        if compact != nil {
            if !isKnownUniquelyReferenced(&compact) {
                compact = Storage(compact!.core.copy())
            }
            compactBody(&compact!.core)
        } else {
            if !isKnownUniquelyReferenced(&wide) {
                wide = Storage(wide!.core.copy())
            }
            wideBody(&wide!.core)
        }
    }
}
