// SPDX-License-Identifier: Apache-2.0

import CKernels

/// All segments of a temporal memory in flat buffers, with the index from source cells to segments.
///
/// A segment is a record of fixed size and a run of synapses (source cells, ascending, and permanences) in an arena of
/// four-synapse units. Segment numbers are dense and reused; they name a segment but mean nothing: ties are broken by cell and
/// slot.
struct SegmentPool<Layout: SegmentLayout> {
    typealias Cell = Layout.Cell
    typealias Stored = Layout.Rule.Stored

    struct Record: BitwiseCopyable {
        /// Where the synapses begin, in units of four.
        var start: UInt32
        var lastActiveIteration: UInt32
        var dutyCycleIteration: UInt32
        var dutyCycle: Float
        var cell: Cell
        /// Only used during the first 100 iterations; saturates.
        var positiveActivations: UInt16
        var slot: Layout.Small
        /// Synapses; 0: the record is free.
        var size: Layout.Small
        /// Synapses whose permanence is connected.
        var connected: Layout.Small
        var units: Layout.Small

        /// The order of cells, then slots.
        func isBefore(_ other: Record) -> Bool {
            cell != other.cell ? cell < other.cell : slot < other.slot
        }
    }

    static var synapsesPerUnit: Int { 4 }

    let cellsPerColumn: Int
    /// cell >> cellShift is its column; -1 when that isn't so.
    let cellShift: Int
    private(set) var records = GrowableBuffer<Record>()
    private(set) var sources = GrowableBuffer<Cell>()
    private(set) var permanences = GrowableBuffer<Stored>()
    private(set) var index: PresynapticIndex
    private var allocator = BlockAllocator()
    private var freeRecords = GrowableBuffer<UInt32>()
    /// Page of a column plus one; 0: the column has neither segments nor synapses from it.
    private(set) var pagePlusOne: GrowableBuffer<UInt16>
    private(set) var pageCount = 0
    /// Slots in use or freed, per cell; shape [pages, cellsPerColumn].
    private var slotCounts = GrowableBuffer<UInt16>()
    /// Freed slots of a cell, the last one reused first.
    private(set) var freeSlots: [UInt32: [UInt16]] = [:]
    private(set) var synapseCount = 0
    /// While a checkpoint is read, of each bank: how many synapses come from each cell.
    private var announced: [GrowableBuffer<UInt16>] = []

    init(columnCount: Int, cellsPerColumn: Int) {
        self.cellsPerColumn = cellsPerColumn
        cellShift = cellsPerColumn.nonzeroBitCount == 1 ? cellsPerColumn.trailingZeroBitCount : -1
        index = PresynapticIndex(cellsPerColumn: cellsPerColumn)
        pagePlusOne = GrowableBuffer(repeating: 0, count: columnCount)
    }

    mutating func deallocate() {
        records.deallocate()
        sources.deallocate()
        permanences.deallocate()
        index.deallocate()
        freeRecords.deallocate()
        pagePlusOne.deallocate()
        slotCounts.deallocate()
        forgetAnnounced()
    }

    func copy() -> SegmentPool {
        var other = self
        other.records = records.copy()
        other.sources = sources.copy()
        other.sources.reserve(sources.count + 16)
        other.permanences = permanences.copy()
        other.permanences.reserve(permanences.count + 16)
        other.index = index.copy()
        other.freeRecords = freeRecords.copy()
        other.pagePlusOne = pagePlusOne.copy()
        other.slotCounts = slotCounts.copy()
        return other
    }

    /// Bytes taken from the allocator, roughly.
    var byteCount: Int {
        records.byteCount + sources.byteCount + permanences.byteCount + index.byteCount + freeRecords.byteCount
            + pagePlusOne.byteCount + slotCounts.byteCount
    }

    /// Segments in use.
    var segmentCount: Int { records.count - freeRecords.count }

    @inline(__always)
    func column(of cell: Cell) -> Int {
        cellShift >= 0 ? Int(cell) >> cellShift : Int(cell) / cellsPerColumn
    }

    /// Where a cell's entries are in the page tables; its column must have a page.
    @inline(__always)
    func position(of cell: Cell) -> Int {
        let column = column(of: cell)
        return (Int(pagePlusOne[column]) - 1) * cellsPerColumn + (Int(cell) - column * cellsPerColumn)
    }

    /// Gives a column its page if it has none.
    mutating func openPage(ofColumn column: Int) {
        guard pagePlusOne[column] == 0 else {
            return
        }
        pageCount += 1
        pagePlusOne[column] = UInt16(pageCount)
        slotCounts.resize(to: pageCount * cellsPerColumn, filling: 0)
        index.reserve(pages: pageCount, segmentCount: records.count)
    }

    @inline(__always)
    func slotCount(ofCell cell: Int, inColumn column: Int) -> Int {
        let page = Int(pagePlusOne[column])
        return page == 0 ? 0 : Int(slotCounts[(page - 1) * cellsPerColumn + cell])
    }

    /// The next slot of a cell: the one freed last, or a new one.
    mutating func takeSlot(of cell: Cell) -> Int {
        openPage(ofColumn: column(of: cell))
        if !freeSlots.isEmpty, let slot = freeSlots[UInt32(cell)]?.popLast() {
            if freeSlots[UInt32(cell)]!.isEmpty {
                freeSlots[UInt32(cell)] = nil
            }
            return Int(slot)
        }
        let position = position(of: cell)
        let slot = slotCounts[position]
        slotCounts[position] = slot + 1
        return Int(slot)
    }

    /// Makes a segment of given synapses, without the index's knowledge of them.
    ///
    /// - Parameter sources: Ascending, at least one.
    mutating func insert(_ record: Record, capacity: Int) -> Int {
        var record = record
        let (start, units) = allocator.allocate((capacity + Self.synapsesPerUnit - 1) / Self.synapsesPerUnit)
        record.start = start
        record.units = Layout.Small(truncatingIfNeeded: units)
        growArenas()
        if freeRecords.isEmpty {
            records.append(record)
            index.reserve(pages: pageCount, segmentCount: records.count)
            return records.count - 1
        }
        let segment = Int(freeRecords.removeLast())
        records[segment] = record
        return segment
    }

    private mutating func growArenas() {
        let end = allocator.end * Self.synapsesPerUnit
        if sources.count < end {
            // Kernels read whole vectors, so a few synapses beyond the last.
            sources.reserve(end + 16)
            permanences.reserve(end + 16)
            sources.resize(to: end, filling: 0)
            permanences.extend(by: end - permanences.count)
        }
    }

    /// Sees to room for `capacity` synapses of a segment, moving them if needed.
    mutating func reserve(_ capacity: Int, segment: Int) {
        let record = records[segment]
        guard Int(record.units) * Self.synapsesPerUnit < capacity else {
            return
        }
        let (start, units) = allocator.allocate((capacity + Self.synapsesPerUnit - 1) / Self.synapsesPerUnit)
        growArenas()
        let (from, to) = (Int(record.start) * Self.synapsesPerUnit, Int(start) * Self.synapsesPerUnit)
        (sources.base + to).update(from: sources.base + from, count: Int(record.size))
        (permanences.base + to).update(from: permanences.base + from, count: Int(record.size))
        allocator.free(record.start, units: Int(record.units))
        records.base[segment].start = start
        records.base[segment].units = Layout.Small(truncatingIfNeeded: units)
    }

    /// Records that a segment has a synapse from a cell.
    @inline(__always)
    mutating func connect(_ segment: Int, from source: Cell) {
        let column = column(of: source)
        if pagePlusOne[column] == 0 {
            openPage(ofColumn: column)
        }
        index.add(segment, at: position(of: source))
        synapseCount += 1
    }

    @inline(__always)
    mutating func disconnect(_ segment: Int, from source: Cell) {
        index.remove(segment, at: position(of: source))
        synapseCount -= 1
    }

    /// Where a segment's synapses are.
    @inline(__always)
    func sources(of record: Record) -> UnsafeMutablePointer<Cell> {
        sources.base + Int(record.start) * Self.synapsesPerUnit
    }

    @inline(__always)
    func permanences(of record: Record) -> UnsafeMutablePointer<Stored> {
        permanences.base + Int(record.start) * Self.synapsesPerUnit
    }

    /// Frees a segment; the synapses it still has leave the index.
    mutating func remove(_ segment: Int) {
        let record = records[segment]
        for synapse in 0..<Int(record.size) {
            disconnect(segment, from: sources(of: record)[synapse])
        }
        allocator.free(record.start, units: Int(record.units))
        freeSlots[UInt32(record.cell), default: []].append(UInt16(record.slot))
        records.base[segment].size = 0
        records.base[segment].connected = 0
        freeRecords.append(UInt32(segment))
    }

    /// The segment at a cell's slot, found by looking at all.
    func segment(cell: Cell, slot: Int) -> Int? {
        (0..<records.count).first { records[$0].size > 0 && records[$0].cell == cell && Int(records[$0].slot) == slot }
    }

    // MARK: Restoring

    /// Sees to room for a known number of segments and synapses.
    mutating func reserve(segments: Int, synapses: Int) {
        records.reserve(segments)
        // Runs are rounded up to four synapses: one and a half of them per segment on average.
        sources.reserve(synapses + 2 * segments)
        permanences.reserve(synapses + 2 * segments)
    }

    mutating func setConnected(_ count: Int, of segment: Int) {
        records.base[segment].connected = Layout.Small(truncatingIfNeeded: count)
    }

    /// Sets a cell's slots as a checkpoint has them.
    mutating func restoreSlots(of cell: Cell, count: Int, freed: [UInt16]) {
        openPage(ofColumn: column(of: cell))
        slotCounts[position(of: cell)] = UInt16(count)
        if !freed.isEmpty {
            freeSlots[UInt32(cell)] = freed
        }
    }

    var shape: CellShape {
        CellShape(columnCount: pagePlusOne.count, cellsPerColumn: cellsPerColumn, columnShift: cellShift)
    }

    /// Where the sources of a segment's synapses are to be counted, by cell, for `buildIndex` to list them.
    @inline(__always)
    mutating func announcedSources(ofSegment segment: Int) -> UnsafeMutablePointer<UInt16> {
        let bank = segment >> PresynapticIndex.bankShift
        while announced.count <= bank {
            announced.append(GrowableBuffer(repeating: 0, count: max(1 << 16, pagePlusOne.count * cellsPerColumn)))
        }
        return announced[bank].base
    }

    private mutating func forgetAnnounced() {
        for bank in announced.indices {
            announced[bank].deallocate()
        }
        announced = []
    }

    /// Fills the presynaptic index once all synapses are announced; no segment is free then.
    mutating func buildIndex() {
        openAnnouncedPages()
        index.reserve(pages: pageCount, segmentCount: records.count)
        // Where the next entry of each cell's list goes.
        var ends = GrowableBuffer<UInt32>(repeating: 0, count: pagePlusOne.count * cellsPerColumn)
        for bank in announced.indices {
            allocateLists(ofBank: bank, ends)
            let ids = index.ids.base
            let first = bank << PresynapticIndex.bankShift
            for segment in first..<min(records.count, first + PresynapticIndex.bankSize) {
                let record = records[segment]
                let sources = sources(of: record)
                let id = UInt16(truncatingIfNeeded: segment - first)
                for synapse in 0..<Int(record.size) {
                    let end = ends.base + Int(sources[synapse])
                    ids[Int(end.pointee)] = id
                    end.pointee += 1
                }
                synapseCount += Int(record.size)
            }
        }
        ends.deallocate()
        forgetAnnounced()
    }

    private mutating func openAnnouncedPages() {
        for column in 0..<pagePlusOne.count where pagePlusOne[column] == 0 {
            let cells = column * cellsPerColumn..<(column + 1) * cellsPerColumn
            if announced.contains(where: { counts in cells.contains { counts[$0] > 0 } }) {
                openPage(ofColumn: column)
            }
        }
    }

    /// Makes the lists of a bank, and sets `ends` to where they begin.
    private mutating func allocateLists(ofBank bank: Int, _ ends: GrowableBuffer<UInt32>) {
        let counts = announced[bank]
        for column in 0..<pagePlusOne.count where pagePlusOne[column] > 0 {
            let firstCell = column * cellsPerColumn
            let firstPosition = (Int(pagePlusOne[column]) - 1) * cellsPerColumn
            for cell in 0..<cellsPerColumn where counts[firstCell + cell] > 0 {
                ends[firstCell + cell] = index.allocateList(
                    of: Int(counts[firstCell + cell]),
                    at: firstPosition + cell,
                    inBank: bank
                )
            }
        }
        index.extendToLists()
    }
}
