// SPDX-License-Identifier: Apache-2.0

import CKernels

/// The sets of cells that segments draw their synapses from.
///
/// All segments grown in one step draw from the same learning cells, so that a segment needs one bit for each cell of its set, and the
/// lists of what a cell feeds one entry for each set instead of one for each synapse. Cells of a set are ascending, at most 64.
struct SourceSets<Layout: SegmentLayout> {
    typealias Cell = Layout.Cell

    typealias Record = ck_source_set

    static var mostCells: Int { 64 }
    /// Numbers take 16 bits, of which the last one means "none".
    static var mostSets: Int { Int(UInt16.max) }
    private static var cellsPerUnit: Int { 4 }
    /// Kernels read so many cells beyond the last.
    private static var margin: Int { 8 }

    private(set) var records = GrowableBuffer<Record>()
    private(set) var cells = GrowableBuffer<Cell>()
    private var allocator = BlockAllocator()
    /// Numbers of free sets, the last one reused first.
    private(set) var freeRecords = GrowableBuffer<UInt32>()

    mutating func deallocate() {
        records.deallocate()
        cells.deallocate()
        freeRecords.deallocate()
    }

    func copy() -> SourceSets {
        var other = self
        other.records = records.copy()
        other.cells = cells.copy()
        other.cells.reserve(cells.count + Self.margin)
        other.freeRecords = freeRecords.copy()
        return other
    }

    var byteCount: Int { records.byteCount + cells.byteCount + freeRecords.byteCount }

    @inline(__always)
    func cells(of set: Int) -> UnsafeBufferPointer<Cell> {
        let record = records.base[set]
        let start = cells.base + Int(record.start) * Self.cellsPerUnit
        return UnsafeBufferPointer(start: UnsafePointer(start), count: Int(record.count))
    }

    /// Makes a set that no segment draws from yet and no cell knows of.
    ///
    /// - Returns: Its number, and where its cells are to be written.
    mutating func insert(count: Int) -> (set: Int, cells: UnsafeMutablePointer<Cell>) {
        let (start, units) = allocator.allocate((count + Self.cellsPerUnit - 1) / Self.cellsPerUnit)
        let end = allocator.end * Self.cellsPerUnit
        if cells.count < end {
            cells.reserve(end + Self.margin)
            cells.resize(to: end, filling: 0)
        }
        let record = Record(
            start: start,
            first_segment: .max,
            segment_count: 0,
            count: UInt8(truncatingIfNeeded: count),
            units: UInt8(truncatingIfNeeded: units)
        )
        let set: Int
        if freeRecords.isEmpty {
            records.append(record)
            set = records.count - 1
        } else {
            set = Int(freeRecords.removeLast())
            records[set] = record
        }
        return (set, cells.base + Int(start) * Self.cellsPerUnit)
    }

    /// The set of just these ascending cells.
    func find(_ members: UnsafeBufferPointer<Cell>, _ table: CellTable) -> Int? {
        let place = table.place(of: Int(members[0]))
        guard place >= 0 else {
            return nil
        }
        return table.sets(at: place).lazy.map { Int($0) }.first { set in
            let cells = cells(of: set)
            return cells.count == members.count && cells.elementsEqual(members)
        }
    }

    /// Makes a set of cells, each of which gets to know it.
    mutating func insert(_ members: UnsafeBufferPointer<Cell>, _ table: inout CellTable) -> Int {
        let (set, cells) = insert(count: members.count)
        cells.update(from: members.baseAddress!, count: members.count)
        for cell in members {
            table.add(set: set, at: table.openPlace(of: Int(cell)))
        }
        return set
    }

    /// Whether there may be another one.
    var hasRoom: Bool { records.count < Self.mostSets || !freeRecords.isEmpty }

    /// Puts a segment before the others of a set; they are chained.
    @inline(__always)
    mutating func addSegment(_ segment: UInt32, to set: Int) {
        records.base[set].first_segment = segment
        records.base[set].segment_count += 1
    }

    /// Counts one segment less, and says which is the first of the others.
    @inline(__always)
    mutating func removeSegment(of set: Int, first: UInt32) {
        records.base[set].first_segment = first
        records.base[set].segment_count -= 1
    }

    /// Frees a set that no segment draws from any more.
    mutating func remove(_ set: Int, _ table: inout CellTable) {
        for cell in cells(of: set) {
            table.remove(set: set, at: table.place(of: Int(cell)))
        }
        allocator.free(records[set].start, units: Int(records[set].units))
        records.base[set].count = 0
        freeRecords.append(UInt32(set))
    }

    /// Makes the sets of a checkpoint, in a table without any.
    ///
    /// - Parameters:
    ///   - sizes: By number; 0: the set is free.
    ///   - cells: Of all sets, one after the other.
    ///   - free: The free ones, the last one reused first.
    /// - Returns: Whether cells are ascending, and just the sets of no cells free.
    mutating func restore(sizes: [UInt32], cells source: [UInt32], free: [UInt32]) -> Bool {
        reserve(sets: sizes.count, cells: source.count)
        var next = 0
        for size in sizes {
            let (_, members) = insert(count: Int(size))
            for index in 0..<Int(size) {
                guard index == 0 || source[next] > source[next - 1] else {
                    return false
                }
                members[index] = Cell(truncatingIfNeeded: source[next])
                next += 1
            }
        }
        guard free.allSatisfy({ $0 < UInt32(sizes.count) && sizes[Int($0)] == 0 }), Set(free).count == free.count,
            free.count == sizes.count(where: { $0 == 0 })
        else {
            return false
        }
        for set in free {
            freeRecords.append(set)
        }
        return true
    }

    /// Sees to room for a known number of sets and their cells.
    mutating func reserve(sets: Int, cells cellCount: Int) {
        records.reserve(sets)
        cells.reserve(cellCount + 2 * sets + Self.margin)
    }
}
