// SPDX-License-Identifier: Apache-2.0

import CKernels

/// The dendrite segments of a plain temporal memory: one row of fixed length per segment, given up rows used again.
///
/// Synapses of a segment stand in the order they were made. Segments of one cell are ordered by their ordinal, which is
/// never used twice.
struct PlainSegmentPool: Sendable {
    /// Synapses a row has room for.
    let stride: Int
    private(set) var sources: [UInt16] = []
    private(set) var permanences: [Float] = []
    /// Synapses in use; 0 for a row that is free.
    private(set) var sizes: [UInt8] = []
    private(set) var cells: [UInt16] = []
    /// Owner cell in the upper 16 bits, ordinal below: segments in order of these are ordered by cell, then by age.
    private(set) var sortKeys: [UInt64] = []
    var lastUsed: [UInt64] = []
    private var freeRows: [UInt32] = []
    private var nextOrdinal: UInt64 = 0
    /// Segments of each cell.
    private(set) var segmentCounts: [UInt8]
    private(set) var presynaptic: PresynapticLists

    private let level: KernelLevel

    init(stride: Int, cellCount: Int, level: KernelLevel) {
        self.stride = stride
        self.level = level
        segmentCounts = Array(repeating: 0, count: cellCount)
        presynaptic = PresynapticLists(cellCount: cellCount)
    }

    /// Rows, free ones included: segment numbers are below this.
    var rowCount: Int { sizes.count }

    /// Segments in use.
    var segmentCount: Int { sizes.count - freeRows.count }

    /// Synapses in use.
    var synapseCount: Int { sizes.reduce(0) { $0 + Int($1) } }

    /// Ordinals are below this.
    private static let ordinalLimit: UInt64 = 1 << 48

    private func ordinal(_ row: Int) -> UInt64 {
        sortKeys[row] & (Self.ordinalLimit - 1)
    }

    /// A new segment without synapses: give it some at once, a row without any counts as free.
    mutating func create(on cell: UInt16, iteration: UInt64) -> UInt32 {
        precondition(nextOrdinal < Self.ordinalLimit, "out of ordinals after 2^48 segments")
        let row: UInt32
        let sortKey = UInt64(cell) << 48 | nextOrdinal
        if let free = freeRows.popLast() {
            row = free
            cells[Int(row)] = cell
            sortKeys[Int(row)] = sortKey
            lastUsed[Int(row)] = iteration
        } else {
            row = UInt32(sizes.count)
            sizes.append(0)
            cells.append(cell)
            sortKeys.append(sortKey)
            lastUsed.append(iteration)
            sources.append(contentsOf: repeatElement(0, count: stride))
            permanences.append(contentsOf: repeatElement(0, count: stride))
        }
        nextOrdinal += 1
        segmentCounts[Int(cell)] += 1
        return row
    }

    mutating func destroy(_ segment: UInt32) {
        let row = Int(segment)
        for position in row * stride..<row * stride + Int(sizes[row]) {
            presynaptic.remove(segment, from: sources[position])
        }
        sizes[row] = 0
        segmentCounts[Int(cells[row])] -= 1
        freeRows.append(segment)
    }

    /// The segment of `cell` that has been unused for longest, the oldest of these on ties.
    ///
    /// Looks at all segments: cells reach their limit so rarely that no index pays.
    func leastRecentlyUsed(on cell: UInt16) -> UInt32 {
        var best: Int?
        for row in cells.indices where cells[row] == cell && sizes[row] > 0 {
            guard let current = best else {
                best = row
                continue
            }
            if (lastUsed[row], sortKeys[row]) < (lastUsed[current], sortKeys[current]) {
                best = row
            }
        }
        return UInt32(best!)
    }

    mutating func addSynapse(from source: UInt16, to segment: UInt32, permanence: Float) {
        let row = Int(segment)
        let position = row * stride + Int(sizes[row])
        sources[position] = source
        permanences[position] = permanence
        sizes[row] += 1
        presynaptic.append(segment, to: source)
    }

    /// Takes out the synapses for which `isRemoved` holds; the others keep their order.
    mutating func removeSynapses(of segment: UInt32, where isRemoved: (UInt16, Float) -> Bool) {
        let start = Int(segment) * stride
        var kept = start
        for position in start..<start + Int(sizes[Int(segment)]) {
            if isRemoved(sources[position], permanences[position]) {
                presynaptic.remove(segment, from: sources[position])
            } else {
                sources[kept] = sources[position]
                permanences[kept] = permanences[position]
                kept += 1
            }
        }
        sizes[Int(segment)] = UInt8(kept - start)
    }

    /// Adds `increment` to the permanences of synapses from active cells and takes `decrement` from the others, within
    /// 0...1.
    ///
    /// - Returns: Whether a synapse fell below `floor`.
    mutating func adapt(
        _ segment: UInt32,
        active: borrowing CellSet,
        increment: Float,
        decrement: Float,
        floor: Float
    ) -> Bool {
        let start = Int(segment) * stride
        let size = Int32(sizes[Int(segment)])
        let rule = ck_synapse_rule(increment: increment, decrement: decrement, floor: floor)
        return permanences.withUnsafeMutableBufferPointer { permanences in
            sources.withUnsafeBufferPointer { sources in
                let (permanences, sources) = (permanences.baseAddress! + start, sources.baseAddress! + start)
                return ck_adapt_synapses(level.kernel, permanences, sources, size, active.words, rule) != 0
            }
        }
    }

    /// How many synapses of a segment are connected and come from an active cell.
    func connectedActivity(of segment: UInt32, active: borrowing CellSet, threshold: Float) -> Int {
        let start = Int(segment) * stride
        let size = Int32(sizes[Int(segment)])
        return permanences.withUnsafeBufferPointer { permanences in
            sources.withUnsafeBufferPointer { sources in
                let (permanences, sources) = (permanences.baseAddress! + start, sources.baseAddress! + start)
                return Int(ck_count_connected(level.kernel, permanences, sources, size, active.words, threshold))
            }
        }
    }
}

/// A set of cells, one bit each.
struct CellSet: Sendable {
    /// Cell c is bit c mod 32 of word c / 32.
    private(set) var words: [UInt32]

    init(cellCount: Int) {
        words = Array(repeating: 0, count: (cellCount + 31) / 32)
    }

    func contains(_ cell: UInt16) -> Bool {
        (words[Int(cell) >> 5] >> UInt32(cell & 31)) & 1 != 0
    }

    mutating func insert(contentsOf cells: [UInt16]) {
        for cell in cells {
            words[Int(cell) >> 5] |= 1 << UInt32(cell & 31)
        }
    }

    /// Empties the set, whose elements are `cells`.
    mutating func remove(contentsOf cells: [UInt16]) {
        for cell in cells {
            words[Int(cell) >> 5] = 0
        }
    }
}

// MARK: State

extension PlainSegmentPool {
    /// Rows are written in order of age, without the free ones: numbers of rows have no influence on what is computed.
    func encode(into encoder: inout StateEncoder) {
        encoder.encode(nextOrdinal)
        let rows = sizes.indices.filter { sizes[$0] > 0 }.sorted { ordinal($0) < ordinal($1) }
        encoder.encodeVarint(rows.count)
        for row in rows {
            encoder.encode(cells[row])
            encoder.encodeVarint(ordinal(row))
            encoder.encodeVarint(lastUsed[row])
            encoder.encode(sizes[row])
            for position in row * stride..<row * stride + Int(sizes[row]) {
                encoder.encode(sources[position])
                encoder.encode(permanences[position])
            }
        }
    }

    /// Replaces what a pool just made holds.
    mutating func restore(from decoder: inout StateDecoder) throws(CheckpointError) {
        let cellCount = segmentCounts.count
        let next = try decoder.decodeUInt64()
        let count = try decoder.decodeCount(bytesPerElement: 11, "segments")
        for _ in 0..<count {
            let cell = try decoder.decodeUInt16()
            let ordinal = try decoder.decodeVarint()
            let used = try decoder.decodeVarint()
            let size = Int(try decoder.decodeUInt8())
            guard Int(cell) < cellCount, ordinal >= nextOrdinal, ordinal < next,
                next <= Self.ordinalLimit, (1...stride).contains(size),
                segmentCounts[Int(cell)] < 255
            else {
                throw .damaged("segment \(ordinal) of cell \(cell) with \(size) synapses")
            }
            nextOrdinal = ordinal
            let segment = create(on: cell, iteration: used)
            for _ in 0..<size {
                let source = try decoder.decodeUInt16()
                let permanence = try decoder.decodeFloat()
                guard Int(source) < cellCount, (0...1).contains(permanence) else {
                    throw .damaged("synapse from cell \(source) with permanence \(permanence)")
                }
                addSynapse(from: source, to: segment, permanence: permanence)
            }
        }
        nextOrdinal = next
    }
}
