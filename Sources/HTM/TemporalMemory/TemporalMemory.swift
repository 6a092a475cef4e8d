// SPDX-License-Identifier: Apache-2.0

/// Which temporal memory a model has, with its parameters.
public enum TemporalMemoryParameters: Sendable, Equatable {
    /// The default; `cpp` in the original's parameters.
    case backtracking(BacktrackingParameters)
    /// The simpler one; `tm_cpp` in the original's parameters.
    case plain(PlainTemporalMemory.Parameters)

    /// The columns the memory works on.
    public var columnCount: Int {
        switch self {
        case .backtracking(let parameters): parameters.columnCount
        case .plain(let parameters): parameters.columnCount
        }
    }

    /// Cells of each column.
    public var cellsPerColumn: Int {
        switch self {
        case .backtracking(let parameters): parameters.cellsPerColumn
        case .plain(let parameters): parameters.cellsPerColumn
        }
    }
}

/// One of the temporal memories, behind what they have in common.
package enum TemporalMemory: Sendable {
    case backtracking(BacktrackingTemporalMemory)
    case plain(PlainTemporalMemory)

    package init(_ parameters: TemporalMemoryParameters, level: KernelLevel = .best) throws(ParameterError) {
        switch parameters {
        case .backtracking(let parameters):
            self = .backtracking(try BacktrackingTemporalMemory(parameters: parameters, level: level))
        case .plain(let parameters):
            self = .plain(try PlainTemporalMemory(parameters: parameters, level: level))
        }
    }

    /// One record.
    package mutating func compute(activeColumns: [UInt16], learn: Bool) {
        // Taken out and put back, so that the payload stays uniquely referenced and isn't copied.
        switch consume self {
        case .backtracking(var memory):
            memory.compute(activeColumns: activeColumns, learn: learn)
            self = .backtracking(memory)
        case .plain(var memory):
            memory.compute(activeColumns: activeColumns, learn: learn)
            self = .plain(memory)
        }
    }

    /// Starts a new sequence.
    package mutating func reset() {
        switch consume self {
        case .backtracking(var memory):
            memory.reset()
            self = .backtracking(memory)
        case .plain(var memory):
            memory.reset()
            self = .plain(memory)
        }
    }

    /// How many of `columns` were expected.
    package func predictedCount(among columns: [UInt16]) -> Int {
        switch self {
        case .backtracking(let memory): memory.predictedCount(among: columns)
        case .plain(let memory): memory.predictedCount(among: columns)
        }
    }

    /// The active cells, ascending: the classifier's input.
    package var activeCells: [UInt16] {
        switch self {
        case .backtracking(let memory): memory.activeCells.map { UInt16(truncatingIfNeeded: $0) }
        case .plain(let memory): memory.activeCells
        }
    }

    /// Segments in use.
    package var segmentCount: Int {
        switch self {
        case .backtracking(let memory): memory.segmentCount
        case .plain(let memory): memory.segmentCount
        }
    }

    /// Synapses in use.
    package var synapseCount: Int {
        switch self {
        case .backtracking(let memory): memory.synapseCount
        case .plain(let memory): memory.synapseCount
        }
    }

    /// Memory taken, roughly. Unit: bytes.
    package var byteCount: Int {
        switch self {
        case .backtracking(let memory): memory.byteCount
        case .plain(let memory):
            // Fixed runs of synapses, their presynaptic entries, and tables by cell.
            memory.segmentCount * (memory.parameters.maxSynapsesPerSegment * 6 + 32) + memory.synapseCount * 10
                + memory.parameters.columnCount * memory.parameters.cellsPerColumn * 12
        }
    }

    package func encode(into encoder: inout StateEncoder) {
        switch self {
        case .backtracking(let memory): memory.encode(into: &encoder)
        case .plain(let memory): memory.encode(into: &encoder)
        }
    }

    /// Takes over what `encode(into:)` wrote, into a memory just made from the same parameters.
    ///
    /// - Parameter version: Of the model's state.
    package mutating func restore(from decoder: inout StateDecoder, version: UInt32) throws(CheckpointError) {
        switch self {
        case .backtracking(var memory):
            try memory.restore(from: &decoder, version: version)
            self = .backtracking(memory)
        case .plain(let memory):
            self = .plain(try PlainTemporalMemory(parameters: memory.parameters, from: &decoder))
        }
    }
}
