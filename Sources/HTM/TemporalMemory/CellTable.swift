// SPDX-License-Identifier: Apache-2.0

import CKernels

/// What a temporal memory knows of each cell that owns segments or feeds some, a small part of all: its slots, and what it feeds.
///
/// A cell feeds source sets, and segments that have an extra synapse from it: a forward pass walks both lists. The entries of a column's
/// cells lie together, in the order of the cells, so that a column that is active as a whole is read in one go. Where an entry lies, its
/// *place*, changes when another cell of its column gets one.
struct CellTable {
    /// One cell's slots and lists.
    typealias Entry = ck_cell

    let cellsPerColumn: Int
    /// cell >> cellShift is its column; -1 when that isn't so.
    let cellShift: Int
    private let columnCount: Int
    private let wordsPerColumn: Int
    /// Bit per cell that has an entry; shape [columns, wordsPerColumn].
    private var used: GrowableBuffer<UInt32>
    /// Where the entries of a column begin.
    private var starts: GrowableBuffer<UInt32>
    private(set) var entries = GrowableBuffer<Entry>()
    /// In units of two entries.
    private var entryAllocator = BlockAllocator()
    /// Room for entries that columns have left.
    private var unusedEntries = 0
    /// The lists: four set numbers or two segment numbers a unit.
    private(set) var lists = GrowableBuffer<UInt64>()
    private var listAllocator = BlockAllocator()
    /// Units of lists that have moved.
    private var unusedUnits = 0

    init(columnCount: Int, cellsPerColumn: Int) {
        self.columnCount = columnCount
        self.cellsPerColumn = cellsPerColumn
        cellShift = cellsPerColumn.nonzeroBitCount == 1 ? cellsPerColumn.trailingZeroBitCount : -1
        wordsPerColumn = (cellsPerColumn + 31) / 32
        used = GrowableBuffer(repeating: 0, count: columnCount * wordsPerColumn)
        starts = GrowableBuffer(repeating: 0, count: columnCount)
    }

    mutating func deallocate() {
        used.deallocate()
        starts.deallocate()
        entries.deallocate()
        lists.deallocate()
    }

    func copy() -> CellTable {
        var other = self
        other.used = used.copy()
        other.starts = starts.copy()
        other.entries = entries.copy()
        other.lists = lists.copy()
        return other
    }

    var cellCount: Int { columnCount * cellsPerColumn }

    var byteCount: Int { used.byteCount + starts.byteCount + entries.byteCount + lists.byteCount }

    var shape: CellShape {
        CellShape(columnCount: columnCount, cellsPerColumn: cellsPerColumn, columnShift: cellShift)
    }

    @inline(__always)
    func column(of cell: Int) -> Int {
        cellShift >= 0 ? cell >> cellShift : cell / cellsPerColumn
    }

    // MARK: Entries

    /// Where a cell's entry is, -1 if it has none.
    @inline(__always)
    func place(column: Int, cell: Int) -> Int {
        let word = column * wordsPerColumn + cell >> 5
        let bit: UInt32 = 1 << UInt32(truncatingIfNeeded: cell & 31)
        guard used[word] & bit != 0 else {
            return -1
        }
        return place(before: bit, inWord: word, column: column)
    }

    /// The place that the cell of a bit has or would have.
    @inline(__always)
    private func place(before bit: UInt32, inWord word: Int, column: Int) -> Int {
        var place = Int(starts[column]) + (used[word] & (bit - 1)).nonzeroBitCount
        for earlier in column * wordsPerColumn..<word {
            place += used[earlier].nonzeroBitCount
        }
        return place
    }

    /// Where a cell's entry is, -1 if it has none.
    @inline(__always)
    func place(of cell: Int) -> Int {
        let column = column(of: cell)
        return place(column: column, cell: cell - column * cellsPerColumn)
    }

    /// Appends the places of a column's active cells that have an entry, ascending.
    ///
    /// - Parameter active: `wordsPerColumn` words of a bit per cell.
    @inline(__always)
    func appendPlaces(ofColumn column: Int, active: UnsafePointer<UInt32>, to places: inout GrowableBuffer<UInt32>) {
        var first = UInt32(truncatingIfNeeded: starts[column])
        for word in 0..<wordsPerColumn {
            let known = used[column * wordsPerColumn + word]
            var rest = known & active[word]
            places.reserve(places.count + 32)
            var end = places.base + places.count
            if rest == known {
                // As in a column that nothing predicted.
                let count = known.nonzeroBitCount
                for index in 0..<count {
                    end[index] = first &+ UInt32(truncatingIfNeeded: index)
                }
                places.extend(by: count)
                first &+= UInt32(truncatingIfNeeded: count)
                continue
            }
            while rest != 0 {
                let bit = rest & (0 &- rest)
                rest ^= bit
                end.pointee = first &+ UInt32(truncatingIfNeeded: (known & (bit &- 1)).nonzeroBitCount)
                end += 1
            }
            places.extend(by: end - places.base - places.count)
            first &+= UInt32(truncatingIfNeeded: known.nonzeroBitCount)
        }
    }

    /// Where a cell's entry is, which is made if there is none.
    mutating func openPlace(of cell: Int) -> Int {
        let column = column(of: cell)
        let cellInColumn = cell - column * cellsPerColumn
        let word = column * wordsPerColumn + cellInColumn >> 5
        let bit: UInt32 = 1 << UInt32(truncatingIfNeeded: cellInColumn & 31)
        if used.base[word] & bit == 0 {
            insertEntry(before: bit, inWord: word, column: column)
        }
        return place(before: bit, inWord: word, column: column)
    }

    /// All cells that have an entry, ascending, with it.
    @inline(__always)
    func forEachEntry(_ body: (_ cell: Int, _ entry: Entry) -> Void) {
        for column in 0..<columnCount {
            var place = Int(starts[column])
            for word in 0..<wordsPerColumn {
                var rest = used[column * wordsPerColumn + word]
                while rest != 0 {
                    body(column * cellsPerColumn + word * 32 + rest.trailingZeroBitCount, entries[place])
                    place += 1
                    rest &= rest - 1
                }
            }
        }
    }

    private mutating func insertEntry(before bit: UInt32, inWord word: Int, column: Int) {
        let count = entryCount(ofColumn: column)
        if count == capacity(ofEntries: count) {
            moveEntries(ofColumn: column, count: count)
        }
        let place = place(before: bit, inWord: word, column: column)
        let end = Int(starts[column]) + count
        (entries.base + place + 1).update(from: entries.base + place, count: end - place)
        entries.base[place] = Entry()
        used[word] |= bit
    }

    private func entryCount(ofColumn column: Int) -> Int {
        if wordsPerColumn == 1 {
            return used[column].nonzeroBitCount
        }
        return (column * wordsPerColumn..<(column + 1) * wordsPerColumn).reduce(0) { $0 + used[$1].nonzeroBitCount }
    }

    /// How many entries a column with so many has room for.
    private func capacity(ofEntries count: Int) -> Int { 2 * BlockAllocator.sizeClass((count + 1) / 2).units }

    /// Gives a column room for one more entry.
    private mutating func moveEntries(ofColumn column: Int, count: Int) {
        if unusedEntries > max(128, entries.count / 32) {
            closeEntryGaps()
        }
        let old = starts[column]
        let end = entryAllocator.end
        let (start, capacity) = entryAllocator.allocate(count / 2 + 1)
        if entryAllocator.end > end {
            entries.resize(to: 2 * entryAllocator.end, filling: Entry())
        } else {
            unusedEntries -= 2 * capacity
        }
        (entries.base + 2 * Int(start)).update(from: entries.base + Int(old), count: count)
        starts[column] = 2 * start
        if count > 0 {
            entryAllocator.free(old / 2, units: count / 2)
            unusedEntries += count
        }
    }

    /// Lays the columns' entries out anew, without the gaps that those left that have moved.
    private mutating func closeEntryGaps() {
        var packed = GrowableBuffer<Entry>()
        packed.reserve(entries.count - unusedEntries + entries.count / 16)
        packed.extend(by: entries.count - unusedEntries)
        entryAllocator = BlockAllocator()
        for column in 0..<columnCount {
            let count = entryCount(ofColumn: column)
            guard count > 0 else {
                continue
            }
            let start = 2 * entryAllocator.extend(by: (count + 1) / 2).start
            (packed.base + Int(start)).update(from: entries.base + Int(starts[column]), count: count)
            starts[column] = start
        }
        entries.deallocate()
        entries = packed
        unusedEntries = 0
    }

    // MARK: Slots

    @inline(__always)
    func slotCount(column: Int, cell: Int) -> Int {
        let place = place(column: column, cell: cell)
        return place < 0 ? 0 : Int(entries[place].slots)
    }

    /// The most slots that a cell of a column has.
    func mostSlots(column: Int) -> Int {
        let first = Int(starts[column])
        return (first..<first + entryCount(ofColumn: column)).reduce(0) { max($0, Int(entries[$1].slots)) }
    }

    @inline(__always)
    mutating func setSlotCount(_ count: Int, at place: Int) {
        entries.base[place].slots = UInt16(truncatingIfNeeded: count)
    }

    // MARK: Lists

    /// Adds a source set to those that a cell feeds.
    mutating func add(set: Int, at place: Int) {
        let entry = entries.base + place
        if Int(entry.pointee.set_count) == 4 * entry.pointee.set_list.capacity {
            growList(ofSets: true, at: place)
        }
        setList(entry.pointee)[Int(entry.pointee.set_count)] = UInt16(truncatingIfNeeded: set)
        entry.pointee.set_count += 1
    }

    /// Takes a source set out; the last one takes its place, since order means nothing.
    mutating func remove(set: Int, at place: Int) {
        let entry = entries.base + place
        let list = setList(entry.pointee)
        let found = ck_find(list, Int32(entry.pointee.set_count), UInt16(truncatingIfNeeded: set))
        precondition(found >= 0, "a source set is missing from a cell's list")
        entry.pointee.set_count -= 1
        list[Int(found)] = list[Int(entry.pointee.set_count)]
    }

    /// The source sets that a cell feeds.
    func sets(at place: Int) -> UnsafeBufferPointer<UInt16> {
        UnsafeBufferPointer(start: UnsafePointer(setList(entries[place])), count: Int(entries[place].set_count))
    }

    /// Adds a segment to those that have an extra synapse from a cell.
    mutating func add(extraOf segment: Int, at place: Int) {
        let entry = entries.base + place
        if Int(entry.pointee.extra_count) == 2 * entry.pointee.extra_list.capacity {
            growList(ofSets: false, at: place)
        }
        extraList(entry.pointee)[Int(entry.pointee.extra_count)] = UInt32(truncatingIfNeeded: segment)
        entry.pointee.extra_count += 1
    }

    mutating func remove(extraOf segment: Int, at place: Int) {
        let entry = entries.base + place
        let list = extraList(entry.pointee)
        var found = 0
        while list[found] != UInt32(truncatingIfNeeded: segment) {
            found += 1
            precondition(found < entry.pointee.extra_count, "a segment is missing from a cell's list")
        }
        entry.pointee.extra_count -= 1
        list[found] = list[Int(entry.pointee.extra_count)]
    }

    @inline(__always)
    private func setList(_ entry: Entry) -> UnsafeMutablePointer<UInt16> {
        UnsafeMutableRawPointer(lists.base + entry.set_list.start).assumingMemoryBound(to: UInt16.self)
    }

    @inline(__always)
    func extraList(_ entry: Entry) -> UnsafeMutablePointer<UInt32> {
        UnsafeMutableRawPointer(lists.base + entry.extra_list.start).assumingMemoryBound(to: UInt32.self)
    }

    /// Gives the list of sets or of extras more room.
    private mutating func growList(ofSets isSets: Bool, at place: Int) {
        if unusedUnits > max(512, lists.count / 32) {
            closeListGaps()
        }
        let entry = entries.base + place
        let old = isSets ? entry.pointee.set_list : entry.pointee.extra_list
        let end = listAllocator.end
        let (start, capacity) = listAllocator.allocate(old.capacity + 1)
        if listAllocator.end > end {
            extendLists()
        } else {
            unusedUnits -= capacity
        }
        if old.capacity > 0 {
            (lists.base + Int(start)).update(from: lists.base + old.start, count: old.capacity)
            listAllocator.free(UInt32(truncatingIfNeeded: old.start), units: old.capacity)
            unusedUnits += old.capacity
        }
        let list = UInt32(start: start, capacity: capacity)
        if isSets {
            entry.pointee.set_list = list
        } else {
            entry.pointee.extra_list = list
        }
    }

    /// Lays all lists out anew, without the gaps that those left that have moved, and as short as they can be.
    private mutating func closeListGaps() {
        let old = lists
        lists = GrowableBuffer()
        lists.reserve(old.count - unusedUnits + old.count / 16)
        listAllocator = BlockAllocator()
        for column in 0..<columnCount {
            for place in Int(starts[column])..<Int(starts[column]) + entryCount(ofColumn: column) {
                let entry = entries.base + place
                let (sets, extras) = (entry.pointee.set_list.start, entry.pointee.extra_list.start)
                allocateLists(of: entry)
                let setUnits = (Int(entry.pointee.set_count) + 3) / 4
                (lists.base + entry.pointee.set_list.start).update(from: old.base + sets, count: setUnits)
                let extraUnits = (Int(entry.pointee.extra_count) + 1) / 2
                (lists.base + entry.pointee.extra_list.start).update(from: old.base + extras, count: extraUnits)
            }
        }
        lists.extend(by: listAllocator.end)
        var gone = old
        gone.deallocate()
        unusedUnits = 0
    }

    /// Takes units for both lists of an entry, for as many numbers as its counts say.
    private mutating func allocateLists(of entry: UnsafeMutablePointer<Entry>) {
        let setUnits = (Int(entry.pointee.set_count) + 3) / 4
        let extraUnits = (Int(entry.pointee.extra_count) + 1) / 2
        entry.pointee.set_list = allocateList(of: setUnits)
        entry.pointee.extra_list = allocateList(of: extraUnits)
    }

    private mutating func allocateList(of units: Int) -> UInt32 {
        guard units > 0 else {
            return 0
        }
        let (start, capacity) = listAllocator.extend(by: units)
        return UInt32(start: start, capacity: capacity)
    }

    private mutating func extendLists() {
        precondition(listAllocator.end < 1 << 25, "a model's lists of what cells feed reach 256 MB")
        if lists.count < listAllocator.end {
            lists.resize(to: listAllocator.end, filling: 0)
        }
    }

    // MARK: Restoring

    /// What a checkpoint has of a cell: how many slots, and of how many sets and segments it is to get to know. Nothing: it gets no entry.
    struct Announcement: BitwiseCopyable {
        var extras: UInt32 = 0
        var sets: UInt16 = 0
        var slots: UInt16 = 0

        @inline(__always)
        var isEmpty: Bool { unsafeBitCast(self, to: UInt64.self) == 0 }
    }

    /// Where a cell's next set and its next extra belong, in numbers of their sizes from the beginning of all lists.
    struct Cursor: BitwiseCopyable {
        fileprivate var set: UInt32
        fileprivate var extra: UInt32
    }

    /// Makes the entries of all cells that something is announced of, in a table without entries. Their lists have just the room for what is
    /// announced, and are to be filled by `fill`.
    ///
    /// - Parameter announced: By cell.
    /// - Returns: Where filling begins, by cell; of those without an entry nothing that means anything. To be freed by the caller.
    mutating func makeEntries(_ announced: GrowableBuffer<Announcement>) -> GrowableBuffer<Cursor> {
        for column in 0..<columnCount {
            for word in 0..<wordsPerColumn {
                // Which cells have something can't be foreseen, so nothing branches on it.
                let first = announced.base + column * cellsPerColumn + word * 32
                var bits: UInt32 = 0
                for cell in 0..<min(32, cellsPerColumn - word * 32) {
                    bits |= (first[cell].isEmpty ? 0 : 1) << UInt32(truncatingIfNeeded: cell)
                }
                used.base[column * wordsPerColumn + word] = bits
            }
            let count = entryCount(ofColumn: column)
            if count > 0 {
                starts[column] = 2 * entryAllocator.allocate((count + 1) / 2).start
            }
        }
        entries.resize(to: 2 * entryAllocator.end, filling: Entry())
        var cursors = GrowableBuffer<Cursor>()
        cursors.reserve(cellCount)
        cursors.extend(by: cellCount)
        for column in 0..<columnCount {
            var place = Int(starts[column])
            for word in 0..<wordsPerColumn {
                var rest = used[column * wordsPerColumn + word]
                while rest != 0 {
                    let cell = column * cellsPerColumn + word * 32 + rest.trailingZeroBitCount
                    rest &= rest - 1
                    let what = announced.base[cell]
                    let entry = entries.base + place
                    entry.pointee.slots = what.slots
                    entry.pointee.set_count = what.sets
                    entry.pointee.extra_count = what.extras
                    allocateLists(of: entry)
                    cursors.base[cell] = Cursor(
                        set: UInt32(truncatingIfNeeded: 4 * entry.pointee.set_list.start),
                        extra: UInt32(truncatingIfNeeded: 2 * entry.pointee.extra_list.start)
                    )
                    place += 1
                }
            }
        }
        extendLists()
        return cursors
    }

    /// Adds a set to those a cell feeds, as announced.
    @inline(__always)
    func fill(set: Int, at cursor: inout Cursor) {
        let sets = UnsafeMutableRawPointer(lists.base).assumingMemoryBound(to: UInt16.self)
        sets[Int(cursor.set)] = UInt16(truncatingIfNeeded: set)
        cursor.set += 1
    }

    /// Adds a segment that has an extra synapse from a cell, as announced.
    @inline(__always)
    func fill(extraOf segment: Int, at cursor: inout Cursor) {
        let extras = UnsafeMutableRawPointer(lists.base).assumingMemoryBound(to: UInt32.self)
        extras[Int(cursor.extra)] = UInt32(truncatingIfNeeded: segment)
        cursor.extra += 1
    }
}

/// A list of a cell's entry, as `ck_cell` has it.
extension UInt32 {
    fileprivate init(start: UInt32, capacity: Int) {
        self = start | UInt32(truncatingIfNeeded: BlockAllocator.sizeClass(capacity).index) << 25
    }

    /// Unit: eight bytes.
    @inline(__always)
    fileprivate var start: Int { Int(self & (1 << 25 - 1)) }

    /// Unit: eight bytes.
    @inline(__always)
    fileprivate var capacity: Int { BlockAllocator.units(ofClass: Int(self >> 25)) }
}
