// SPDX-License-Identifier: Apache-2.0

import CKernels

/// State and steps of the backtracking temporal memory, in one storage layout.
///
/// Two nearly independent machines share the segments. *Inference* activates the cells that were predicted, or all cells of
/// a column that wasn't, and replays recent inputs when it has lost its place. *Learning* keeps exactly one cell per active
/// column, starts sequences at start cells, and grows and reinforces segments. Files beside this one hold the steps:
/// `+Inference`, `+Learning`, `+Segments`, `+Coding`.
///
/// All buffers belong to the core; its owner (`BacktrackingTemporalMemory`) copies and frees it.
struct BacktrackingCore<Layout: SegmentLayout> {
    typealias Cell = Layout.Cell

    /// A segment that learning may reinforce in its column: the best match of the last learning pass.
    struct Match: BitwiseCopyable {
        var column: UInt16
        /// Active synapses.
        var activity: UInt16
        var segment: UInt32
    }

    /// A cell that learning predicts.
    struct PredictedCell: BitwiseCopyable {
        var column: UInt16
        var cell: Cell
    }

    /// An update waiting for its cell to become active. Its sources are bits over the cells of `learnPattern`.
    struct QueuedUpdate: BitwiseCopyable {
        var segment: UInt32
        var timestamp: UInt32
        var cell: Cell
        var slot: UInt16
    }

    /// An update kept for more than one record, which only pooling does.
    struct KeptUpdate {
        var segment: UInt32
        var timestamp: UInt32
        var cell: Cell
        var slot: UInt16
        var sources: [Cell]
    }

    typealias ActiveSegment = ck_active_segment
    typealias Overlap = BacktrackingScratch<Layout>.Overlap

    let parameters: BacktrackingParameters
    let rule: Layout.Rule
    let level: KernelLevel
    var random: RandomGenerator
    var pool: SegmentPool<Layout>

    var iteration = 0
    var averageInputDensity: Float = 0
    var isResetCalled = false
    /// Whether the limit on segments has ever acted. From then on freed slots count as room in their cells, which they don't in
    /// the original: there only full columns free slots, and fill them at once.
    var hasReachedLimit = false
    var dutyCycleRule = DutyCycleRule(iteration: 0)

    // Inference.
    var activeCells: ColumnCellSet
    var predictedCells: ColumnCellSet
    /// Bit per column that some segment expects, through connected or merely potential synapses.
    var predictedColumns: GrowableBuffer<UInt64>
    var inferencePatterns: [[UInt16]] = []

    // Learning.
    /// The learning cells, ascending; the pattern that the last learning pass ran on.
    var learnPattern = GrowableBuffer<Cell>()
    /// The source set made of `learnPattern`, if there is one.
    var currentSet: Int?
    var learnPredictions = GrowableBuffer<PredictedCell>()
    /// By ascending column.
    var matches = GrowableBuffer<Match>()
    /// The segments changed since the matches were found by other means than learning.
    var matchesAreStale = false
    var learningPatterns: [[UInt16]] = []
    var queue = GrowableBuffer<QueuedUpdate>()
    /// Sources of the queued updates: `patternWords` words each.
    var queueMasks = GrowableBuffer<UInt64>()
    var keptUpdates: [KeptUpdate] = []
    var pamCounter: Int
    var learnedSequenceLength = 0
    var averageLearnedSequenceLength: Float = 0

    /// Only there while a record is taken.
    var scratch = BacktrackingScratch<Layout>.none

    init(parameters: BacktrackingParameters, rule: Layout.Rule, level: KernelLevel) {
        self.parameters = parameters
        self.rule = rule
        self.level = level
        random = RandomGenerator(seed: parameters.seed)
        let (columns, cells) = (parameters.columnCount, parameters.cellsPerColumn)
        pool = SegmentPool(columnCount: columns, cellsPerColumn: cells)
        activeCells = ColumnCellSet(columnCount: columns, cellsPerColumn: cells)
        predictedCells = ColumnCellSet(columnCount: columns, cellsPerColumn: cells)
        predictedColumns = GrowableBuffer(repeating: 0, count: (columns + 63) / 64)
        pamCounter = parameters.pamLength
    }

    mutating func deallocate() {
        pool.deallocate()
        activeCells.deallocate()
        predictedCells.deallocate()
        predictedColumns.deallocate()
        learnPattern.deallocate()
        learnPredictions.deallocate()
        matches.deallocate()
        queue.deallocate()
        queueMasks.deallocate()
    }

    func copy() -> BacktrackingCore {
        var other = self
        other.pool = pool.copy()
        other.activeCells = activeCells.copy()
        other.predictedCells = predictedCells.copy()
        other.predictedColumns = predictedColumns.copy()
        other.learnPattern = learnPattern.copy()
        other.learnPredictions = learnPredictions.copy()
        other.matches = matches.copy()
        other.queue = queue.copy()
        other.queueMasks = queueMasks.copy()
        return other
    }

    /// 64-bit words of a mask over the learning pattern.
    @inline(__always)
    var patternWords: Int { max(1, (learnPattern.count + 63) >> 6) }

    /// One record: inference, then learning.
    ///
    /// - Parameter columns: The active columns, ascending.
    mutating func compute(_ columns: [UInt16], learn: Bool) {
        takeScratch()
        if learn {
            iteration += 1
            dutyCycleRule = DutyCycleRule(iteration: iteration)
            if DutyCycleRule.tiers.contains(iteration) {
                refreshDutyCycles()
            }
        }
        if averageInputDensity == 0 {
            averageInputDensity = Float(columns.count)
        } else {
            averageInputDensity = 0.99 * averageInputDensity + (1 - 0.99 as Float) * Float(columns.count)
        }
        infer(columns)
        if learn {
            self.learn(columns)
            decayGlobally()
            enforceSegmentLimit()
            // So that what follows depends on nothing a checkpoint doesn't have.
            currentSet = nil
        }
        isResetCalled = false
        releaseScratch()
    }

    private mutating func takeScratch() {
        scratch = Layout.idleScratch.take(pool.cells.shape)
        // Enlarged at once rather than step by step.
        scratch.counters.reserve(pool.records.count + 64)
        scratch.setCounters.reserve(pool.sets.records.count + 64)
    }

    private mutating func releaseScratch() {
        Layout.idleScratch.give(scratch, pool.cells.shape)
        scratch = .none
    }

    /// Forgets where in a sequence the memory is, but nothing it has learned.
    mutating func reset() {
        activeCells.removeAll()
        predictedCells.removeAll()
        for word in 0..<predictedColumns.count {
            predictedColumns[word] = 0
        }
        inferencePatterns.removeAll()
        learningPatterns.removeAll()
        learnPattern.removeAll()
        currentSet = nil
        learnPredictions.removeAll()
        matches.removeAll()
        matchesAreStale = false
        clearQueue()
        isResetCalled = true
    }

    mutating func clearQueue() {
        queue.removeAll()
        queueMasks.removeAll()
        keptUpdates.removeAll()
    }

    /// Memory taken, roughly. Unit: bytes.
    var byteCount: Int {
        pool.byteCount + 2 * activeCells.words.byteCount + queue.byteCount + queueMasks.byteCount + matches.byteCount
            + 4096
    }

    /// How many of `columns` are expected.
    func predictedCount(among columns: [UInt16]) -> Int {
        columns.count { predictedColumns[Int($0) >> 6] >> UInt64($0 & 63) & 1 == 1 }
    }

    /// The active cells of inference, ascending.
    var sortedActiveCells: [UInt32] {
        activeCells.sortedCells.map { UInt32($0.column * parameters.cellsPerColumn + $0.cell) }
    }
}
