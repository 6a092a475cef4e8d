// SPDX-License-Identifier: Apache-2.0

import CKernels
import Synchronization

/// What a backtracking temporal memory needs while it takes a record, and never from one record to the next.
///
/// Models of one shape that take turns share it: it stays in the caches and grows once, where buffers of each model's own would take memory
/// in every model, or the allocator's time in every record.
struct BacktrackingScratch<Layout: SegmentLayout> {
    typealias Cell = Layout.Cell

    /// The cells that a source set and the learning cells have in common, ascending in both: bits over the set, and over the learning cells.
    struct Overlap: BitwiseCopyable {
        var cells: UInt64
        var ranks: UInt64
        /// `.max`: nothing is known.
        var set: UInt16

        /// Overlaps kept, a power of two; a set's is at its number modulo this.
        static var cacheSize: Int { 64 }
    }

    /// While inference runs, what was predicted for this record; while learning runs, the cells of the learning pattern.
    var previouslyPredictedCells: ColumnCellSet
    // What inference goes back to when replaying doesn't help.
    var savedActiveCells: ColumnCellSet
    var savedPredictedCells: ColumnCellSet
    var savedPredictedColumns = GrowableBuffer<UInt64>()
    /// Position in the learning pattern of the cell in a column; only valid if that cell says so too. One more, which kernels read.
    var learnRanks: GrowableBuffer<UInt16>
    /// The learning cells being chosen.
    var nextPattern = GrowableBuffer<Cell>()
    /// Active extras, by segment.
    var counters = GrowableBuffer<Layout.Counter>()
    /// Active cells, by source set.
    var setCounters = GrowableBuffer<UInt8>()
    var collected = GrowableBuffer<UInt32>()
    var activeSegments = GrowableBuffer<ck_active_segment>()
    /// Places of the cells whose presynaptic lists are to be visited.
    var places = GrowableBuffer<UInt32>()
    var overlaps = GrowableBuffer<Overlap>()
    var laneSources = GrowableBuffer<Cell>()
    var laneFlags = GrowableBuffer<Bool>()
    var activeFlags = GrowableBuffer<Bool>()
    var columnBits: GrowableBuffer<UInt64>
    /// Positions in `activeSegments`, by column.
    var columnBest = GrowableBuffer<UInt32>()
    var updateMask = GrowableBuffer<UInt64>()
    var hitMask = GrowableBuffer<UInt64>()

    init(columnCount: Int, cellsPerColumn: Int) {
        previouslyPredictedCells = ColumnCellSet(columnCount: columnCount, cellsPerColumn: cellsPerColumn)
        savedActiveCells = ColumnCellSet(columnCount: columnCount, cellsPerColumn: cellsPerColumn)
        savedPredictedCells = ColumnCellSet(columnCount: columnCount, cellsPerColumn: cellsPerColumn)
        learnRanks = GrowableBuffer(repeating: 0, count: columnCount + 1)
        columnBits = GrowableBuffer(repeating: 0, count: (columnCount + 63) / 64)
        columnBest.reserve(columnCount)
    }

    /// Stands in between two records. No memory.
    static var none: BacktrackingScratch { BacktrackingScratch() }

    private init() {
        previouslyPredictedCells = ColumnCellSet(columnCount: 0, cellsPerColumn: 1)
        savedActiveCells = ColumnCellSet(columnCount: 0, cellsPerColumn: 1)
        savedPredictedCells = ColumnCellSet(columnCount: 0, cellsPerColumn: 1)
        learnRanks = GrowableBuffer()
        columnBits = GrowableBuffer()
    }

    mutating func deallocate() {
        previouslyPredictedCells.deallocate()
        savedActiveCells.deallocate()
        savedPredictedCells.deallocate()
        savedPredictedColumns.deallocate()
        learnRanks.deallocate()
        nextPattern.deallocate()
        counters.deallocate()
        setCounters.deallocate()
        collected.deallocate()
        activeSegments.deallocate()
        places.deallocate()
        overlaps.deallocate()
        laneSources.deallocate()
        laneFlags.deallocate()
        activeFlags.deallocate()
        columnBits.deallocate()
        columnBest.deallocate()
        updateMask.deallocate()
        hitMask.deallocate()
    }

    /// Memory of the parts that grow with a model's segments. Unit: bytes.
    var byteCount: Int {
        counters.byteCount + setCounters.byteCount + collected.byteCount + activeSegments.byteCount + places.byteCount
            + columnBest.byteCount + 3 * previouslyPredictedCells.words.byteCount + learnRanks.byteCount
    }
}

/// Scratch space that no model uses at the moment: as many as models were at work at once.
///
/// Sendable because a scratch space is in here or with one model, never both.
final class IdleScratch<Layout: SegmentLayout>: Sendable {
    /// Sendable because whoever takes it out has it for itself.
    private struct Idle: @unchecked Sendable {
        let shape: CellShape
        let scratch: BacktrackingScratch<Layout>
    }

    /// The size beyond which it is freed rather than kept: what is kept shouldn't show beside the models. Unit: bytes.
    private static var largestKept: Int { 4 << 20 }
    /// Most that are kept, so that shapes which don't come back go.
    private static var mostKept: Int { 64 }

    /// The last used at the end.
    private let idle = Mutex<[Idle]>([])

    /// - Parameter shape: What comes back fits this shape.
    func take(_ shape: CellShape) -> BacktrackingScratch<Layout> {
        let found = idle.withLock { idle -> Idle? in
            guard let index = idle.lastIndex(where: { $0.shape == shape }) else {
                return nil
            }
            return idle.remove(at: index)
        }
        return found?.scratch
            ?? BacktrackingScratch(columnCount: shape.columnCount, cellsPerColumn: shape.cellsPerColumn)
    }

    func give(_ scratch: consuming BacktrackingScratch<Layout>, _ shape: CellShape) {
        var dropped: Idle?
        let given = Idle(shape: shape, scratch: scratch)
        if scratch.byteCount > Self.largestKept {
            dropped = given
        } else {
            dropped = idle.withLock { idle in
                idle.append(given)
                return idle.count > Self.mostKept ? idle.removeFirst() : nil
            }
        }
        if var scratch = dropped?.scratch {
            scratch.deallocate()
        }
    }
}
