// SPDX-License-Identifier: Apache-2.0

import CKernels

/// All segments of a temporal memory in flat buffers, with the way from source cells to segments.
///
/// Most synapses of a segment come from the cells of its source set and are bits of a mask over them; those it gained later from other cells,
/// the extras, have their source beside them. Each synapse is a *lane*: first those of the mask, in the order of its bits, then the extras, by
/// ascending source. A lane's permanence stands in the segment's run (`SegmentRuns`), with what else only reinforced segments need; a segment
/// that was never reinforced has no run, since all its permanences are the initial one.
///
/// Segment numbers are dense and reused; they name a segment but mean nothing: ties are broken by cell and slot.
struct SegmentPool<Layout: SegmentLayout> {
    typealias Cell = Layout.Cell
    typealias Stored = Layout.Rule.Stored

    /// What counting needs of a segment: where its synapses come from.
    typealias Sources = ck_sources

    /// The rest of a segment, as far as it has no run.
    struct Record: BitwiseCopyable {
        /// The run and `runMark`; without a run the iteration in which the segment was made.
        private var runOrIteration: UInt32
        var dutyCycleIteration: UInt32
        var dutyCycle: Float
        let cell: Cell
        let slot: Layout.Small
        /// Synapses; 0: the segment is free.
        fileprivate(set) var size: Layout.Small = 0

        private static var runMark: UInt32 { 1 << 31 }

        /// A segment without a run.
        ///
        /// - Parameter lastActiveIteration: When it was last reinforced, or made; goes into the header of its first run. Below 2³¹: at a
        ///   record a second the iterations of 68 years.
        init(
            cell: Cell,
            slot: Layout.Small,
            lastActiveIteration: UInt32,
            dutyCycleIteration: UInt32,
            dutyCycle: Float
        ) {
            precondition(lastActiveIteration < Self.runMark, "a temporal memory takes at most 2³¹ records")
            runOrIteration = lastActiveIteration
            self.dutyCycleIteration = dutyCycleIteration
            self.dutyCycle = dutyCycle
            self.cell = cell
            self.slot = slot
        }

        @inline(__always)
        var hasRun: Bool { runOrIteration & Self.runMark != 0 }

        /// Meaningless without one.
        @inline(__always)
        fileprivate var run: UInt32 {
            get { runOrIteration & ~Self.runMark }
            set { runOrIteration = newValue | Self.runMark }
        }

        /// Of a segment without a run.
        @inline(__always)
        fileprivate var lastActiveIteration: UInt32 { runOrIteration }

        /// Reinforcements and the making, as long as the duty cycle is their share of the iterations.
        @inline(__always)
        var positiveActivations: Float { (dutyCycle * Float(max(dutyCycleIteration, 1))).rounded() }

        fileprivate mutating func clear() {
            size = 0
            runOrIteration = 0
        }

        /// The order of cells, then slots.
        func isBefore(_ other: Record) -> Bool {
            cell != other.cell ? cell < other.cell : slot < other.slot
        }
    }

    private(set) var records = GrowableBuffer<Record>()
    /// By segment.
    private(set) var sources = GrowableBuffer<Sources>()
    var sets = SourceSets<Layout>()
    private(set) var cells: CellTable
    private var runs = SegmentRuns<Layout>()
    /// Numbers of free segments, the last one reused first.
    private(set) var freeRecords = GrowableBuffer<UInt32>()
    /// Freed slots of a cell, the last one reused first.
    private(set) var freeSlots: [UInt32: [UInt16]] = [:]
    /// By cell, while a checkpoint is read.
    private var announced = GrowableBuffer<CellTable.Announcement>()

    init(columnCount: Int, cellsPerColumn: Int) {
        cells = CellTable(columnCount: columnCount, cellsPerColumn: cellsPerColumn)
    }

    mutating func deallocate() {
        records.deallocate()
        sets.deallocate()
        cells.deallocate()
        sources.deallocate()
        runs.deallocate()
        freeRecords.deallocate()
        announced.deallocate()
    }

    func copy() -> SegmentPool {
        var other = self
        other.records = records.copy()
        other.sets = sets.copy()
        other.cells = cells.copy()
        other.sources = sources.copy()
        other.runs = runs.copy()
        other.freeRecords = freeRecords.copy()
        return other
    }

    /// Bytes taken from the allocator, roughly.
    var byteCount: Int {
        records.byteCount + sources.byteCount + sets.byteCount + cells.byteCount + runs.byteCount
            + freeRecords.byteCount
    }

    /// Segments in use.
    var segmentCount: Int { records.count - freeRecords.count }

    /// Synapses in use.
    var synapseCount: Int { records.elements.reduce(0) { $0 + Int($1.size) } }

    @inline(__always)
    func column(of cell: Cell) -> Int { cells.column(of: Int(cell)) }

    @inline(__always)
    func isInUse(_ segment: Int) -> Bool { records[segment].size > 0 }

    /// Synapses of a segment.
    @inline(__always)
    func size(of segment: Int) -> Int { Int(records[segment].size) }

    // MARK: Slots

    @inline(__always)
    func slotCount(ofCell cell: Int, inColumn column: Int) -> Int { cells.slotCount(column: column, cell: cell) }

    /// The next slot of a cell: the one freed last, or a new one.
    mutating func takeSlot(of cell: Cell) -> Int {
        if !freeSlots.isEmpty, let slot = freeSlots[UInt32(cell)]?.popLast() {
            if freeSlots[UInt32(cell)]!.isEmpty {
                freeSlots[UInt32(cell)] = nil
            }
            return Int(slot)
        }
        let place = cells.openPlace(of: Int(cell))
        let slot = Int(cells.entries[place].slots)
        cells.setSlotCount(slot + 1, at: place)
        return slot
    }

    // MARK: Sets and segments

    /// The source set of ascending cells, 1...`SourceSets.mostCells` of them: one that is there, or a new one. It is freed with its last segment.
    ///
    /// - Returns: Its number; `nil` when there are too many.
    mutating func openSet(_ members: UnsafeBufferPointer<Cell>) -> Int? {
        if let set = sets.find(members, cells) {
            return set
        }
        return sets.hasRoom ? sets.insert(members, &cells) : nil
    }

    /// Takes a segment in, with synapses of initial permanence from the cells of its set that `mask` names.
    ///
    /// - Parameter set: `nil`: it has no synapses yet, and gets extras only.
    mutating func insert(_ record: Record, set: Int?, mask: UInt64) -> Int {
        var record = record
        record.size = Layout.Small(truncatingIfNeeded: mask.nonzeroBitCount)
        let origin = Sources(
            mask: mask,
            next_of_set: .max,
            set: set.map { UInt16(truncatingIfNeeded: $0) } ?? Sources.noSet,
            extras: 0
        )
        let segment: Int
        if freeRecords.isEmpty {
            records.append(record)
            sources.append(origin)
            segment = records.count - 1
        } else {
            segment = Int(freeRecords.removeLast())
            records[segment] = record
            sources[segment] = origin
        }
        if let set {
            chain(segment, to: set)
        }
        return segment
    }

    private mutating func chain(_ segment: Int, to set: Int) {
        sources.base[segment].next_of_set = sets.records[set].first_segment
        sets.addSegment(UInt32(truncatingIfNeeded: segment), to: set)
    }

    private mutating func unchain(_ segment: Int, from set: Int) {
        let next = sources[segment].next_of_set
        let first = Int(sets.records[set].first_segment)
        if first == segment {
            sets.removeSegment(of: set, first: next)
            if next == .max {
                sets.remove(set, &cells)
            }
            return
        }
        sets.removeSegment(of: set, first: UInt32(truncatingIfNeeded: first))
        var previous = first
        while Int(sources[previous].next_of_set) != segment {
            previous = Int(sources[previous].next_of_set)
        }
        sources.base[previous].next_of_set = next
    }

    /// Frees a segment; its sources forget it, and the last of a set takes the set along.
    ///
    /// - Returns: Its set, if that is free now.
    mutating func remove(_ segment: Int) -> Int? {
        let record = records[segment]
        if record.hasRun {
            let extras = extras(of: segment)
            for index in 0..<Int(sources[segment].extras) {
                cells.remove(extraOf: segment, at: cells.place(of: Int(extras[index])))
            }
            runs.free(record.run)
        }
        var freedSet: Int?
        if sources[segment].set != Sources.noSet {
            let set = Int(sources[segment].set)
            unchain(segment, from: set)
            freedSet = sets.records[set].count == 0 ? set : nil
        }
        freeSlots[UInt32(record.cell), default: []].append(UInt16(record.slot))
        sources[segment] = Sources(mask: 0, next_of_set: .max, set: Sources.noSet, extras: 0)
        records.base[segment].clear()
        freeRecords.append(UInt32(truncatingIfNeeded: segment))
        return freedSet
    }

    /// The segment at a cell's slot, found by looking at all.
    func segment(cell: Cell, slot: Int) -> Int? {
        (0..<records.count).first { isInUse($0) && records[$0].cell == cell && Int(records[$0].slot) == slot }
    }

    // MARK: Lanes

    @inline(__always)
    private func run(of segment: Int) -> UInt32 {
        assert(records[segment].hasRun, "a segment that was never reinforced has no run")
        return records.base[segment].run
    }

    /// What begins the run of a segment that has one.
    @inline(__always)
    func header(of segment: Int) -> UnsafeMutablePointer<SegmentRuns<Layout>.Header> { runs.header(run(of: segment)) }

    /// Where the permanences of a segment with a run are.
    @inline(__always)
    func permanences(of segment: Int) -> UnsafeMutablePointer<Stored> { runs.permanences(run(of: segment)) }

    /// Where the sources of the extras of a segment with a run are.
    @inline(__always)
    func extras(of segment: Int) -> UnsafeMutablePointer<Cell> {
        runs.extras(run(of: segment), lanes: Int(records.base[segment].size))
    }

    /// Asks for the beginning of a segment's run, if it has one.
    @inline(__always)
    func prefetchRun(of segment: Int) {
        if records[segment].hasRun {
            runs.prefetch(records.base[segment].run)
        }
    }

    /// The iteration in which a segment was last reinforced, or made.
    @inline(__always)
    func lastActiveIteration(of segment: Int) -> UInt32 {
        let record = records[segment]
        return record.hasRun ? header(of: segment).pointee.lastActiveIteration : record.lastActiveIteration
    }

    /// Writes the sources of all lanes.
    ///
    /// - Parameter target: Room for as many as the segment has synapses.
    func copySources(of segment: Int, to target: UnsafeMutablePointer<Cell>) {
        let origin = sources[segment]
        var lane = 0
        if origin.mask != 0 {
            let members = sets.cells(of: Int(origin.set))
            var rest = origin.mask
            while rest != 0 {
                target[lane] = members[rest.trailingZeroBitCount]
                lane += 1
                rest &= rest - 1
            }
        }
        if origin.extras > 0 {
            (target + lane).update(from: extras(of: segment), count: Int(origin.extras))
        }
    }

    /// Notes how many synapses of a segment with a run are connected.
    @inline(__always)
    func setConnected(_ count: Int, of segment: Int) {
        header(of: segment).pointee.connected = Layout.Small(truncatingIfNeeded: count)
    }

    /// Gives a segment permanences of its own, if it has none yet; which of them are connected is for the caller to count.
    @inline(__always)
    mutating func openRun(of segment: Int, initial: Stored) {
        if !records[segment].hasRun {
            allocateRun(of: segment, lanes: size(of: segment), extras: 0)
            permanences(of: segment).update(repeating: initial, count: size(of: segment))
        }
    }

    /// Sees to a run with room for so much and little more, whatever it then holds behind its header.
    private mutating func allocateRun(of segment: Int, lanes: Int, extras: Int) {
        let record = records[segment]
        records.base[segment].run =
            record.hasRun
            ? runs.fit(record.run, lanes: lanes, extras: extras)
            : runs.open(lanes: lanes, extras: extras, lastActiveIteration: record.lastActiveIteration)
    }

    /// Removes the synapses of some lanes from a segment with a run. Connected synapses aren't counted anew, and a segment without
    /// synapses stays.
    @inline(__always)
    mutating func removeLanes(of segment: Int, where isGone: (Int) -> Bool) {
        let old = sources[segment]
        let permanences = permanences(of: segment)
        let oldExtras = extras(of: segment)
        var (lane, kept) = (0, 0)
        var mask = old.mask
        var rest = old.mask
        while rest != 0 {
            let bit = rest & (0 &- rest)
            rest ^= bit
            if isGone(lane) {
                mask ^= bit
            } else {
                permanences[kept] = permanences[lane]
                kept += 1
            }
            lane += 1
        }
        var keptExtras = 0
        for index in 0..<Int(old.extras) {
            if isGone(lane) {
                cells.remove(extraOf: segment, at: cells.place(of: Int(oldExtras[index])))
            } else {
                permanences[kept] = permanences[lane]
                kept += 1
                oldExtras[keptExtras] = oldExtras[index]
                keptExtras += 1
            }
            lane += 1
        }
        sources.base[segment].mask = mask
        sources.base[segment].extras = UInt16(truncatingIfNeeded: keptExtras)
        records.base[segment].size = Layout.Small(truncatingIfNeeded: kept)
        // Fewer permanences: the sources behind them move up.
        extras(of: segment).update(from: oldExtras, count: keptExtras)
    }

    /// The same for a segment of at most 64 synapses, by a bit for each lane that goes.
    mutating func removeLanes(_ gone: UInt64, of segment: Int, level: KernelLevel) {
        let old = sources[segment]
        let size = size(of: segment)
        let setLanes = size - Int(old.extras)
        let permanences = permanences(of: segment)
        let extras = extras(of: segment)
        var kept = gone.trailingZeroBitCount
        for lane in kept..<size {
            permanences[kept] = permanences[lane]
            kept += Int(truncatingIfNeeded: ~gone >> UInt64(truncatingIfNeeded: lane) & 1)
        }
        var keptExtras = 0
        for index in 0..<Int(old.extras) {
            if gone >> UInt64(truncatingIfNeeded: setLanes + index) & 1 == 1 {
                cells.remove(extraOf: segment, at: cells.place(of: Int(extras[index])))
            } else {
                extras[keptExtras] = extras[index]
                keptExtras += 1
            }
        }
        sources.base[segment].mask ^= level.move(gone, from: .max, to: old.mask)
        sources.base[segment].extras = UInt16(truncatingIfNeeded: keptExtras)
        records.base[segment].size = Layout.Small(truncatingIfNeeded: kept)
        // Fewer permanences: the sources behind them move up.
        self.extras(of: segment).update(from: extras, count: keptExtras)
    }

    /// Gives a segment new synapses: of its set by a mask of cells it has none from, and from other cells.
    ///
    /// - Parameter others: Ascending, none of them a source of the segment yet.
    mutating func addSynapses(
        to segment: Int,
        mask added: UInt64,
        extras others: UnsafeBufferPointer<Cell>,
        initial: Stored
    ) {
        openRun(of: segment, initial: initial)
        let old = sources[segment]
        let (oldSize, oldExtras) = (size(of: segment), Int(old.extras))
        let extraCount = oldExtras + others.count
        let newSize = oldSize + added.nonzeroBitCount + others.count
        withUnsafeTemporaryAllocation(of: Stored.self, capacity: oldSize + 1) { saved in
            withUnsafeTemporaryAllocation(of: Cell.self, capacity: oldExtras + 1) { savedSources in
                saved.baseAddress!.update(from: permanences(of: segment), count: oldSize)
                savedSources.baseAddress!.update(from: extras(of: segment), count: oldExtras)
                allocateRun(of: segment, lanes: newSize, extras: extraCount)
                sources.base[segment].mask = old.mask | added
                sources.base[segment].extras = UInt16(truncatingIfNeeded: extraCount)
                records.base[segment].size = Layout.Small(truncatingIfNeeded: newSize)
                let permanences = permanences(of: segment)
                var (lane, savedLane) = (0, 0)
                var rest = old.mask | added
                while rest != 0 {
                    let bit = rest & (0 &- rest)
                    rest ^= bit
                    if added & bit != 0 {
                        permanences[lane] = initial
                    } else {
                        permanences[lane] = saved[savedLane]
                        savedLane += 1
                    }
                    lane += 1
                }
                let target = extras(of: segment)
                var (taken, kept) = (0, 0)
                for index in 0..<extraCount {
                    if kept == oldExtras || (taken < others.count && others[taken] < savedSources[kept]) {
                        target[index] = others[taken]
                        permanences[lane + index] = initial
                        taken += 1
                    } else {
                        target[index] = savedSources[kept]
                        permanences[lane + index] = saved[savedLane + kept]
                        kept += 1
                    }
                }
            }
        }
        for cell in others {
            cells.add(extraOf: segment, at: cells.openPlace(of: Int(cell)))
        }
    }

    // MARK: Restoring

    /// Makes room for segments, to be filled by `restore`.
    ///
    /// - Parameters:
    ///   - runCount: Segments with a run, or more.
    ///   - permanences: Of all runs together.
    ///   - extras: Of all segments together.
    mutating func makeRecords(_ count: Int, runs runCount: Int, permanences: Int, extras: Int) {
        runs.reserve(runCount, permanences: permanences, extras: extras)
        announced = GrowableBuffer(repeating: CellTable.Announcement(), count: cells.cellCount)
        sources.resize(to: count, filling: Sources(mask: 0, next_of_set: .max, set: Sources.noSet, extras: 0))
        records.resize(
            to: count,
            filling: Record(cell: 0, slot: 0, lastActiveIteration: 0, dutyCycleIteration: 0, dutyCycle: 0)
        )
    }

    /// Puts a segment in its place, chained to its set, and gives it a run with room for its permanences and extras. Its sources learn of it by
    /// `listSources`.
    mutating func restore(_ record: Record, size: Int, _ origin: Sources, as segment: Int, hasRun: Bool) {
        records[segment] = record
        records.base[segment].size = Layout.Small(truncatingIfNeeded: size)
        sources[segment] = origin
        if origin.set != Sources.noSet {
            chain(segment, to: Int(origin.set))
        }
        if hasRun {
            allocateRun(of: segment, lanes: size, extras: Int(origin.extras))
        }
    }

    /// Takes over which of the segments that `makeRecords` has made are free, the last one reused first.
    ///
    /// - Returns: Whether they are different segments.
    mutating func restoreFree(_ segments: [UInt32]) -> Bool {
        guard segments.allSatisfy({ $0 < UInt32(records.count) }), Set(segments).count == segments.count else {
            return false
        }
        freeRecords.removeAll()
        for segment in segments {
            freeRecords.append(segment)
        }
        return true
    }

    /// Announces a segment's slot to its cell.
    @inline(__always)
    mutating func announceSlot(of cell: Cell) {
        announced.base[Int(cell)].slots &+= 1
    }

    /// Whether the segments restored have, cell by cell, the slots from 0 on that aren't freed, at most `limit`; free segments are those that were
    /// said to be, and no set is without segments.
    func slotsAreSound(limit: Int) -> Bool {
        var firsts = GrowableBuffer<UInt32>()
        defer { firsts.deallocate() }
        firsts.reserve(cells.cellCount)
        var slotCount: UInt32 = 0
        var most: UInt16 = 0
        for cell in 0..<cells.cellCount {
            firsts.base[cell] = slotCount
            slotCount += UInt32(announced.base[cell].slots)
            most = max(most, announced.base[cell].slots)
        }
        guard Int(most) <= limit else {
            return false
        }
        var isTaken = GrowableBuffer(repeating: false, count: Int(slotCount))
        defer { isTaken.deallocate() }
        let take = { [announced] (cell: Int, slot: Int) -> Bool in
            guard slot < Int(announced.base[cell].slots) else {
                return false
            }
            let index = Int(firsts.base[cell]) + slot
            defer { isTaken.base[index] = true }
            return !isTaken.base[index]
        }
        for segment in 0..<records.count where isInUse(segment) {
            guard take(Int(records.base[segment].cell), Int(records.base[segment].slot)) else {
                return false
            }
        }
        for (cell, slots) in freeSlots {
            guard slots.allSatisfy({ take(Int(cell), Int($0)) }) else {
                return false
            }
        }
        return freeRecords.elements.allSatisfy { !isInUse(Int($0)) }
            && sets.records.elements.allSatisfy { $0.count == 0 || $0.segment_count > 0 }
    }

    /// Announces a cell's slots as a checkpoint has them.
    mutating func restoreSlots(of cell: Cell, count: Int, freed: [UInt16]) {
        announced.base[Int(cell)].slots = UInt16(truncatingIfNeeded: count)
        if !freed.isEmpty {
            freeSlots[UInt32(cell)] = freed
        }
    }

    /// Announces to the cells of a source set that they are.
    mutating func announceCells(ofSet set: Int) {
        for cell in sets.cells(of: set) {
            announced.base[Int(cell)].sets += 1
        }
    }

    /// Announces to the cells that a segment has extras from that it does.
    @inline(__always)
    mutating func announceExtras(of segment: Int) {
        let extras = extras(of: segment)
        for index in 0..<Int(sources[segment].extras) {
            announced.base[Int(extras[index])].extras += 1
        }
    }

    /// Gives all cells their slots and lists of what they feed, as announced, once all segments are restored.
    mutating func listSources() {
        var cursors = cells.makeEntries(announced)
        announced.deallocate()
        defer { cursors.deallocate() }
        for set in 0..<sets.records.count {
            for cell in sets.cells(of: set) {
                cells.fill(set: set, at: &cursors.base[Int(cell)])
            }
        }
        for segment in 0..<records.count where sources[segment].extras > 0 {
            let extras = extras(of: segment)
            for index in 0..<Int(sources[segment].extras) {
                cells.fill(extraOf: segment, at: &cursors.base[Int(extras[index])])
            }
        }
    }
}

extension ck_sources {
    /// Stands for "no source set": all synapses are extras.
    static var noSet: UInt16 { .max }
}
