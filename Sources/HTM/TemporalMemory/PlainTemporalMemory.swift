// SPDX-License-Identifier: Apache-2.0

/// Learns sequences of active columns and predicts the columns that come next: NuPIC's temporal memory `tm_cpp`.
///
/// A column whose cells were predicted activates these cells only; a column that comes as a surprise activates all of
/// them (it bursts) and one of them learns. Simpler than the backtracking temporal memory, and on NAB worse (64.6 against
/// 70.1).
///
/// Deterministic; random draws are made in NuPIC's order, so predictions equal NuPIC 1.0.5's bit for bit.
///
/// Source: spec htm.md 6; J. Hawkins, S. Ahmad, "Why neurons have thousands of synapses", Frontiers in Neural Circuits
/// 10:23 (2016).
public struct PlainTemporalMemory: Sendable {
    /// Sizes, thresholds and rates.
    public let parameters: Parameters

    /// Cells active after the last record, ascending.
    public private(set) var activeCells: [UInt16] = []
    /// The active cells that learn: the predicted ones and one of each bursting column; ascending.
    public private(set) var winnerCells: [UInt16] = []
    /// Columns of the cells predicted for the next record, one bit each.
    public private(set) var predictedColumns: [UInt64]

    private var random: RandomGenerator
    private var pool: PlainSegmentPool
    private var iteration: UInt64 = 0

    // What the last dendrite pass found; segments ordered by cell, then age.
    private var activeSegments: [UInt32] = []
    private var matchingSegments: [UInt32] = []
    /// Active synapses of each segment.
    private var activity: [UInt8] = []

    private var activeSet: CellSet
    private var winnerSet: CellSet
    /// Position in `winnerCells` of each of them; meaningless for other cells.
    private var winnerPositions: [UInt16]

    /// Synapses below this permanence are given up.
    private static let smallestPermanence: Float = 0.000001
    /// Differences of permanences up to this don't count.
    private static let connectedTolerance: Float = 0.00001

    /// A memory that has seen nothing.
    ///
    /// - Throws: `ParameterError` when a parameter is out of its range.
    public init(parameters: Parameters = Parameters()) throws(ParameterError) {
        try self.init(parameters: parameters, level: .best)
    }

    /// The same with chosen kernels.
    package init(parameters: Parameters, level: KernelLevel) throws(ParameterError) {
        try parameters.validate()
        self.parameters = parameters
        let cellCount = parameters.columnCount * parameters.cellsPerColumn
        predictedColumns = Array(repeating: 0, count: (parameters.columnCount + 63) / 64)
        random = RandomGenerator(seed: parameters.seed)
        pool = PlainSegmentPool(stride: parameters.maxSynapsesPerSegment, cellCount: cellCount, level: level)
        activeSet = CellSet(cellCount: cellCount)
        winnerSet = CellSet(cellCount: cellCount)
        winnerPositions = Array(repeating: 0, count: cellCount)
    }

    /// Segments in use.
    public var segmentCount: Int { pool.segmentCount }

    /// Synapses in use.
    public var synapseCount: Int { pool.synapseCount }

    /// How many of `columns` were expected.
    package func predictedCount(among columns: [UInt16]) -> Int {
        columns.reduce(0) { $0 + Int(truncatingIfNeeded: predictedColumns[Int($1) >> 6] >> UInt64($1 & 63)) & 1 }
    }

    /// Takes the columns of the next record; then `predictedColumns` are those expected after it.
    ///
    /// - Parameters:
    ///   - activeColumns: Strictly increasing, each below `columnCount`.
    ///   - learn: Whether synapses change.
    public mutating func compute(activeColumns: [UInt16], learn: Bool) {
        activateCells(activeColumns, learn: learn)
        activateDendrites(learn: learn)
    }

    /// Forgets what was active, not what was learned: the next record begins a sequence.
    public mutating func reset() {
        replaceActive(with: [], winners: [])
        activeSegments = []
        matchingSegments = []
        updatePredictedColumns()
    }

    // MARK: Cells

    private func column(of segment: UInt32) -> Int {
        Int(pool.cells[Int(segment)]) / parameters.cellsPerColumn
    }

    private mutating func activateCells(_ activeColumns: [UInt16], learn: Bool) {
        var cells: [UInt16] = []
        var winners: [UInt16] = []
        cells.reserveCapacity(activeCells.count)
        winners.reserveCapacity(activeColumns.count)
        var (nextColumn, nextActive, nextMatching) = (0, 0, 0)
        while true {
            var column = Int.max
            if nextColumn < activeColumns.count {
                column = Int(activeColumns[nextColumn])
            }
            // Active segments are all among the matching ones.
            if nextMatching < matchingSegments.count {
                column = min(column, self.column(of: matchingSegments[nextMatching]))
            }
            guard column != Int.max else { break }

            let isActive = nextColumn < activeColumns.count && Int(activeColumns[nextColumn]) == column
            nextColumn += isActive ? 1 : 0
            let active = run(of: activeSegments, from: &nextActive, in: column)
            let matching = run(of: matchingSegments, from: &nextMatching, in: column)
            if isActive, !active.isEmpty {
                activatePredictedColumn(active, &cells, &winners, learn: learn)
            } else if isActive {
                burst(column, matching, &cells, &winners, learn: learn)
            } else if learn, parameters.predictedSegmentDecrement > 0 {
                for index in matching {
                    adapt(matchingSegments[index], -parameters.predictedSegmentDecrement, 0)
                }
            }
        }
        replaceActive(with: cells, winners: winners)
    }

    private func run(of segments: [UInt32], from next: inout Int, in column: Int) -> Range<Int> {
        let start = next
        while next < segments.count, self.column(of: segments[next]) == column {
            next += 1
        }
        return start..<next
    }

    private mutating func activatePredictedColumn(
        _ segments: Range<Int>,
        _ cells: inout [UInt16],
        _ winners: inout [UInt16],
        learn: Bool
    ) {
        var last: UInt16?
        for index in segments {
            let segment = activeSegments[index]
            let cell = pool.cells[Int(segment)]
            if cell != last {
                cells.append(cell)
                winners.append(cell)
                last = cell
            }
            if learn {
                reinforce(segment)
            }
        }
    }

    private mutating func burst(
        _ column: Int,
        _ matching: Range<Int>,
        _ cells: inout [UInt16],
        _ winners: inout [UInt16],
        learn: Bool
    ) {
        let first = column * parameters.cellsPerColumn
        for cell in first..<first + parameters.cellsPerColumn {
            cells.append(UInt16(cell))
        }
        var best: UInt32?
        for index in matching {
            let segment = matchingSegments[index]
            if best == nil || activity[Int(segment)] > activity[Int(best!)] {
                best = segment
            }
        }
        if let best {
            winners.append(pool.cells[Int(best)])
            if learn {
                reinforce(best)
            }
            return
        }
        let winner = leastUsedCell(of: first)
        winners.append(winner)
        let count = min(parameters.newSynapseCount, winnerCells.count)
        if learn, count > 0 {
            while Int(pool.segmentCounts[Int(winner)]) >= parameters.maxSegmentsPerCell {
                pool.destroy(pool.leastRecentlyUsed(on: winner))
            }
            let segment = pool.create(on: winner, iteration: iteration)
            growSynapses(segment, count)
        }
    }

    /// The cell of a column with the fewest segments, drawn among those that tie.
    private mutating func leastUsedCell(of first: Int) -> UInt16 {
        let counts = pool.segmentCounts[first..<first + parameters.cellsPerColumn]
        let fewest = counts.min()!
        let tied = counts.reduce(0) { $0 + ($1 == fewest ? 1 : 0) }
        var rest = random.uint32(below: UInt32(tied))
        for cell in counts.indices where counts[cell] == fewest {
            if rest == 0 {
                return UInt16(cell)
            }
            rest -= 1
        }
        preconditionFailure("the draw lies below the number of tied cells")
    }

    private mutating func replaceActive(with cells: [UInt16], winners: [UInt16]) {
        activeSet.remove(contentsOf: activeCells)
        activeSet.insert(contentsOf: cells)
        activeCells = cells
        winnerSet.remove(contentsOf: winnerCells)
        winnerSet.insert(contentsOf: winners)
        winnerCells = winners
        for (position, cell) in winners.enumerated() {
            winnerPositions[Int(cell)] = UInt16(position)
        }
    }

    // MARK: Learning

    private mutating func reinforce(_ segment: UInt32) {
        adapt(segment, parameters.permanenceIncrement, parameters.permanenceDecrement)
        let missing = parameters.newSynapseCount - Int(activity[Int(segment)])
        if missing > 0, pool.sizes[Int(segment)] > 0 {
            growSynapses(segment, missing)
        }
    }

    /// Moves the permanences of a segment by what was active before this record.
    private mutating func adapt(_ segment: UInt32, _ increment: Float, _ decrement: Float) {
        let floor = Self.smallestPermanence
        guard pool.adapt(segment, active: activeSet, increment: increment, decrement: decrement, floor: floor) else {
            return
        }
        pool.removeSynapses(of: segment) { _, permanence in permanence < floor }
        if pool.sizes[Int(segment)] == 0 {
            // The row was emptied: destroy only has its place to give back.
            pool.destroy(segment)
        }
    }

    /// Connects a segment to up to `wanted` drawn ones of the cells that learned at the record before.
    private mutating func growSynapses(_ segment: UInt32, _ wanted: Int) {
        var candidates = winnersNotConnected(to: segment)
        var count = min(wanted, candidates.count)
        let overrun = Int(pool.sizes[Int(segment)]) + count - parameters.maxSynapsesPerSegment
        if overrun > 0 {
            removeWeakestSynapses(of: segment, overrun)
        }
        count = min(count, parameters.maxSynapsesPerSegment - Int(pool.sizes[Int(segment)]))
        for _ in 0..<max(0, count) {
            let drawn = Int(random.uint32(below: UInt32(candidates.count)))
            pool.addSynapse(from: candidates[drawn], to: segment, permanence: parameters.initialPermanence)
            candidates.remove(at: drawn)
        }
    }

    private func winnersNotConnected(to segment: UInt32) -> [UInt16] {
        let start = Int(segment) * pool.stride
        return withUnsafeTemporaryAllocation(of: Bool.self, capacity: max(1, winnerCells.count)) { connected in
            connected.initialize(repeating: false)
            for position in start..<start + Int(pool.sizes[Int(segment)]) {
                let source = pool.sources[position]
                if winnerSet.contains(source) {
                    connected[Int(winnerPositions[Int(source)])] = true
                }
            }
            var candidates: [UInt16] = []
            candidates.reserveCapacity(winnerCells.count)
            for (position, cell) in winnerCells.enumerated() where !connected[position] {
                candidates.append(cell)
            }
            return candidates
        }
    }

    /// Gives up to `count` synapses up that don't come from a cell that learned at the record before, weakest first.
    private mutating func removeWeakestSynapses(of segment: UInt32, _ count: Int) {
        let start = Int(segment) * pool.stride
        for _ in 0..<count {
            var weakest: Int?
            for position in start..<start + Int(pool.sizes[Int(segment)])
            where !winnerSet.contains(pool.sources[position]) {
                // A near tie goes to the earlier synapse, as in the original.
                if weakest == nil || pool.permanences[position] < pool.permanences[weakest!] - Self.smallestPermanence {
                    weakest = position
                }
            }
            guard let weakest else { return }
            let source = pool.sources[weakest]
            pool.removeSynapses(of: segment) { candidate, _ in candidate == source }
        }
    }

    // MARK: Dendrites

    private mutating func activateDendrites(learn: Bool) {
        countActivity()
        activeSegments.removeAll(keepingCapacity: true)
        let threshold = parameters.connectedPermanence - Self.connectedTolerance
        for segment in matchingSegments where Int(activity[Int(segment)]) >= parameters.activationThreshold {
            let connected = pool.connectedActivity(of: segment, active: activeSet, threshold: threshold)
            if connected >= parameters.activationThreshold {
                activeSegments.append(segment)
            }
        }
        if learn {
            for segment in activeSegments {
                pool.lastUsed[Int(segment)] = iteration
            }
            iteration += 1
        }
        updatePredictedColumns()
    }

    /// Counts every segment's active synapses and lists the segments with enough of them to match or be active.
    private mutating func countActivity() {
        // A multiple of eight, so that eight counts can be looked at together.
        let padded = (pool.rowCount + 7) & ~7
        if activity.count < padded {
            activity.append(contentsOf: repeatElement(0, count: padded - activity.count))
        }
        pool.presynaptic.countActivity(of: activeCells, into: &activity)
        matchingSegments.removeAll(keepingCapacity: true)
        let threshold = parameters.minThreshold
        // Adding this to each of eight counts at once sets the top bit of those that reach the threshold; counts above
        // 127 have it set already and must not carry into their neighbour, so their top bit is put aside first.
        let lift = UInt64(128 - threshold) &* 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        activity.withUnsafeBytes { bytes in
            for block in 0..<padded / 8 {
                let counts = bytes.load(fromByteOffset: block * 8, as: UInt64.self)
                var reached = (((counts & ~high) &+ lift) | counts) & high
                while reached != 0 {
                    let position = block * 8 + UInt64(littleEndian: reached).trailingZeroBitCount / 8
                    matchingSegments.append(UInt32(position))
                    reached &= reached &- 1
                }
            }
        }
        sortMatchingSegments()
    }

    /// By cell, then by age.
    private mutating func sortMatchingSegments() {
        let keys = pool.sortKeys
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: matchingSegments.count) { others in
            matchingSegments.withUnsafeMutableBufferPointer { segments in
                // By cell, one byte after the other.
                Self.sort(segments, into: others) { keys[Int($0)] >> 48 & 0xFF }
                Self.sort(others, into: segments) { keys[Int($0)] >> 56 }
                // Rows that were used again are the only ones that are younger than rows behind them.
                for index in segments.indices.dropFirst() {
                    let segment = segments[index]
                    let key = keys[Int(segment)]
                    var place = index
                    while place > 0, keys[Int(segments[place - 1])] > key {
                        segments[place] = segments[place - 1]
                        place -= 1
                    }
                    segments[place] = segment
                }
            }
        }
    }

    /// Sorts by a byte of each segment; those with the same keep their order.
    private static func sort(
        _ segments: UnsafeMutableBufferPointer<UInt32>,
        into sorted: UnsafeMutableBufferPointer<UInt32>,
        by byte: (UInt32) -> UInt64
    ) {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 256) { places in
            places.initialize(repeating: 0)
            for segment in segments {
                places[Int(byte(segment))] += 1
            }
            var next: Int32 = 0
            for value in places.indices {
                (places[value], next) = (next, next + places[value])
            }
            for segment in segments {
                let value = Int(byte(segment))
                sorted[Int(places[value])] = segment
                places[value] += 1
            }
        }
    }

    private mutating func updatePredictedColumns() {
        for index in predictedColumns.indices {
            predictedColumns[index] = 0
        }
        for segment in activeSegments {
            let column = self.column(of: segment)
            predictedColumns[column >> 6] |= 1 << UInt64(column & 63)
        }
    }
}

// MARK: State

extension PlainTemporalMemory {
    /// Appends everything but the parameters.
    package func encode(into encoder: inout StateEncoder) {
        random.encode(into: &encoder)
        encoder.encode(iteration)
        pool.encode(into: &encoder)
        encoder.encode(activeCells)
        encoder.encode(winnerCells)
    }

    /// Reads what `encode(into:)` wrote for the same parameters.
    package init(parameters: Parameters, from decoder: inout StateDecoder) throws(CheckpointError) {
        do {
            try self.init(parameters: parameters)
        } catch {
            throw .parametersDiffer(error.message)
        }
        random = try RandomGenerator(from: &decoder)
        iteration = try decoder.decodeUInt64()
        let cellCount = parameters.columnCount * parameters.cellsPerColumn
        try pool.restore(from: &decoder)
        let cells: [UInt16] = try decoder.decodeArray("active cells")
        let winners: [UInt16] = try decoder.decodeArray("winner cells")
        for list in [cells, winners] {
            guard list.allSatisfy({ Int($0) < cellCount }), zip(list, list.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw .damaged("active or winner cells aren't ascending or outside the memory")
            }
        }
        replaceActive(with: cells, winners: winners)
        activateDendrites(learn: false)
    }
}
