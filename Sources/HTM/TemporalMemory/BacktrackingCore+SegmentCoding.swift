// SPDX-License-Identifier: Apache-2.0

// The segments' part of the layout in docs/formats/checkpoint.md, "Backtracking temporal memory": tables in the order of the segments' numbers,
// which is that of memory. Numbers follow from the history alone, so that equal histories give equal bytes.

import CKernels

extension BacktrackingCore {
    private typealias Sources = SegmentPool<Layout>.Sources

    func encodeSegments(into encoder: inout StateEncoder) {
        encodeSets(into: &encoder)
        let count = pool.records.count
        encoder.encodeVarint(count)
        encoder.encode(Array(pool.freeRecords.elements))
        encodeFreedSlots(into: &encoder)
        var synapses = collectSynapses()
        defer { synapses.deallocate() }
        // Segments that are free have zeros.
        let (records, sources) = (pool.records.base, pool.sources.base)
        let iteration = UInt32(truncatingIfNeeded: iteration)
        encoder.encodeColumn(count) { sources[$0].set == Sources.noSet ? 0 : UInt32(sources[$0].set) + 1 }
        encoder.encodeColumn(count) { UInt32(sources[$0].extras) << 1 | (records[$0].hasRun ? 1 : 0) }
        encoder.encodeColumn(count) { records[$0].size > 0 ? UInt32(records[$0].cell) : 0 }
        encoder.encodeColumn(count) { records[$0].size > 0 ? UInt32(records[$0].slot) : 0 }
        encoder.encodeColumn(count) { records[$0].size > 0 ? iteration - synapses.lastActiveIterations[$0] : 0 }
        encoder.encodeColumn(count) { records[$0].size > 0 ? iteration - records[$0].dutyCycleIteration : 0 }
        let isStarting = self.iteration <= DutyCycleRule.startupIterations
        encoder.encodeColumn(count) {
            isStarting && records[$0].size > 0 ? UInt32(records[$0].positiveActivations) : 0
        }
        encoder.encodeColumn(count) { records[$0].size > 0 ? records[$0].dutyCycle.bitPattern : 0 }
        encoder.encode(synapses.masks)
        encoder.encodeVarint(synapses.extras.count)
        encoder.encodeColumn(synapses.extras.count) { UInt32(synapses.extras[$0]) }
        encoder.encode(synapses.permanences)
    }

    private func encodeSets(into encoder: inout StateEncoder) {
        let sets = pool.sets
        let count = sets.records.count
        encoder.encodeVarint(count)
        encoder.encode(Array(sets.freeRecords.elements))
        encoder.encodeColumn(count) { UInt32(sets.records[$0].count) }
        var cells: [Cell] = []
        cells.reserveCapacity(count * SourceSets<Layout>.mostCells)
        for set in 0..<count {
            cells.append(contentsOf: sets.cells(of: set))
        }
        encoder.encodeColumn(cells.count) { UInt32(cells[$0]) }
    }

    /// Cells with slots that are free, ascending, each with those, last freed last.
    private func encodeFreedSlots(into encoder: inout StateEncoder) {
        encoder.encodeVarint(pool.freeSlots.count)
        for (cell, slots) in pool.freeSlots.sorted(by: { $0.key < $1.key }) {
            encoder.encodeVarint(Int(cell))
            encoder.encode(slots)
        }
    }

    /// Reads every run once: they are all over memory.
    private func collectSynapses() -> CollectedSynapses<Layout> {
        let count = pool.records.count
        var collected = CollectedSynapses<Layout>(segmentCount: count)
        for segment in 0..<count {
            if segment + 8 < count {
                pool.prefetchRun(of: segment + 8)
            }
            let sources = pool.sources[segment]
            if sources.set != Sources.noSet {
                collected.masks.append(sources.mask, bytes: maskBytes(ofSet: Int(sources.set)))
            }
            collected.lastActiveIterations.append(pool.lastActiveIteration(of: segment))
            if pool.records.base[segment].hasRun {
                collected.extras.append(contentsOf: pool.extras(of: segment), count: Int(sources.extras))
                let size = pool.size(of: segment)
                Layout.Rule.encode(pool.permanences(of: segment), count: size, into: &collected.permanences)
            }
        }
        return collected
    }

    @inline(__always)
    private func maskBytes(ofSet set: Int) -> Int { (Int(pool.sets.records[set].count) + 7) / 8 }

    // MARK: Restoring

    mutating func restoreSegments(from decoder: inout StateDecoder) throws(CheckpointError) {
        pool.deallocate()
        pool = SegmentPool(columnCount: parameters.columnCount, cellsPerColumn: parameters.cellsPerColumn)
        try restoreSets(from: &decoder)
        let count = try decoder.decodeCount(bytesPerElement: 4, "TM segments")
        let free: [UInt32] = try decoder.decodeArray("free TM segments")
        let freedSlots = try decodeFreedSlots(from: &decoder)
        let columns = try SegmentColumns(
            count,
            sets: pool.sets.records.count,
            cells: cellCount,
            slots: slotLimit,
            iteration: iteration,
            from: &decoder
        )
        let masks = try decoder.decodeStream("TM masks")
        let extraCount = try decoder.decodeCount(bytesPerElement: 1, "TM extras")
        let extras = try decoder.decodeColumn(extraCount, atMost: cellCount - 1, "sources of TM extras")
        let permanences = try decoder.decodeStream("TM permanences")
        pool.makeRecords(
            count,
            runs: columns.runCount,
            permanences: permanences.count / MemoryLayout<Layout.Rule.Stored>.stride,
            extras: extraCount
        )
        for set in 0..<pool.sets.records.count {
            pool.announceCells(ofSet: set)
        }
        for (cell, slots) in freedSlots {
            pool.restoreSlots(of: Cell(truncatingIfNeeded: cell), count: slots.count, freed: slots)
        }
        let isSound = decoder.withStreams([masks, permanences]) { streams in
            var readers = SegmentReaders(
                columns: columns,
                extras: extras,
                masks: ByteStreamReader(streams[0]),
                permanences: ByteStreamReader(streams[1])
            )
            return restoreSegments(from: &readers, free: free)
        }
        guard isSound, pool.slotsAreSound(limit: slotLimit) else {
            throw .damaged("TM segments contradict each other or the parameters")
        }
        pool.listSources()
    }

    private var slotLimit: Int { parameters.maxSegmentsPerCell ?? Int(UInt16.max) }

    private mutating func restoreSets(from decoder: inout StateDecoder) throws(CheckpointError) {
        let count = try decoder.decodeCount(bytesPerElement: 1, "TM source sets")
        guard count <= SourceSets<Layout>.mostSets else {
            throw .damaged("\(count) TM source sets, expected at most \(SourceSets<Layout>.mostSets)")
        }
        let free: [UInt32] = try decoder.decodeArray("free TM source sets")
        let sizes = try decoder.decodeColumn(count, atMost: SourceSets<Layout>.mostCells, "cells of a TM source set")
        let total = sizes.reduce(0) { $0 + Int($1) }
        let cells = try decoder.decodeColumn(total, atMost: cellCount - 1, "cells of TM source sets")
        guard pool.sets.restore(sizes: sizes, cells: cells, free: free) else {
            throw .damaged("TM source sets aren't sets of ascending cells, or others than those named are free")
        }
    }

    private func decodeFreedSlots(
        from decoder: inout StateDecoder
    ) throws(CheckpointError) -> [(cell: Int, slots: [UInt16])] {
        var freed: [(cell: Int, slots: [UInt16])] = []
        for _ in 0..<(try decoder.decodeCount(bytesPerElement: 4, "TM cells with free slots")) {
            let cell = try decoder.decodeVarint(atMost: cellCount - 1, "a TM cell with free slots")
            let slots: [UInt16] = try decoder.decodeArray("free slots of a TM cell")
            guard freed.last.map({ $0.cell < cell }) ?? true, !slots.isEmpty, slots.count <= slotLimit else {
                throw .damaged("\(slots.count) free slots of TM cell \(cell), after cell \(freed.last?.cell ?? -1)")
            }
            freed.append((cell, slots))
        }
        return freed
    }

    /// - Returns: Whether the tables describe segments that this memory can hold.
    private mutating func restoreSegments(from readers: inout SegmentReaders, free: [UInt32]) -> Bool {
        guard pool.restoreFree(free) else {
            return false
        }
        var freeCount = 0
        for segment in 0..<readers.columns.count {
            let row = readers.columns.row(segment)
            guard let mask = readMask(row.set, from: &readers.masks) else {
                return false
            }
            if mask == 0, row.extraCount == 0 {
                // Only free ones have no synapses; which they are is known already.
                guard row.isEmpty else {
                    return false
                }
                freeCount += 1
            } else if !restoreSegment(row, mask, as: segment, from: &readers) {
                return false
            }
        }
        return freeCount == free.count && readers.areAtEnd
    }

    /// The mask of a segment that has a set; `nil` if that is free or has fewer cells than the mask.
    @inline(__always)
    private func readMask(_ set: UInt32, from masks: inout ByteStreamReader) -> UInt64? {
        guard set > 0 else {
            return 0
        }
        let memberCount = Int(pool.sets.records[Int(set) - 1].count)
        let mask = masks.bits(bytes: (memberCount + 7) / 8)
        guard memberCount > 0, memberCount == 64 || mask >> UInt64(truncatingIfNeeded: memberCount) == 0 else {
            return nil
        }
        return mask
    }

    @inline(__always)
    private mutating func restoreSegment(
        _ row: SegmentColumns.Row,
        _ mask: UInt64,
        as segment: Int,
        from readers: inout SegmentReaders
    ) -> Bool {
        let size = mask.nonzeroBitCount + row.extraCount
        let record = SegmentPool<Layout>.Record(
            cell: Cell(truncatingIfNeeded: row.cell),
            slot: Layout.Small(truncatingIfNeeded: row.slot),
            lastActiveIteration: UInt32(truncatingIfNeeded: iteration) - row.activeAge,
            dutyCycleIteration: UInt32(truncatingIfNeeded: iteration) - row.dutyAge,
            dutyCycle: Float(bitPattern: row.dutyCycle)
        )
        guard size <= parameters.maxSynapsesPerSegment ?? Int(Layout.Small.max), row.extraCount == 0 || row.hasRun,
            isSound(record, positiveActivations: row.positiveActivations),
            let extras = readers.takeExtras(row.extraCount)
        else {
            return false
        }
        let origin = Sources(
            mask: mask,
            next_of_set: .max,
            set: row.set > 0 ? UInt16(truncatingIfNeeded: row.set - 1) : Sources.noSet,
            extras: UInt16(truncatingIfNeeded: row.extraCount)
        )
        pool.restore(record, size: size, origin, as: segment, hasRun: row.hasRun)
        pool.announceSlot(of: record.cell)
        guard row.hasRun else {
            return true
        }
        let sources = pool.extras(of: segment)
        for (index, extra) in extras.enumerated() {
            guard index == 0 || extra > sources[index - 1] else {
                return false
            }
            sources[index] = Cell(truncatingIfNeeded: extra)
        }
        pool.announceExtras(of: segment)
        return restorePermanences(of: segment, from: &readers.permanences)
    }

    /// Whether a segment's duty cycle is a number, and that of its activations as long as they are of use.
    @inline(__always)
    func isSound(_ record: SegmentPool<Layout>.Record, positiveActivations: UInt32) -> Bool {
        record.dutyCycle.isFinite
            && (iteration > DutyCycleRule.startupIterations || record.positiveActivations == Float(positiveActivations))
    }

    /// Reads the permanences of a segment that has a run.
    ///
    /// - Returns: Whether they are permanences of this rule.
    @inline(__always)
    mutating func restorePermanences(of segment: Int, from reader: inout ByteStreamReader) -> Bool {
        guard
            let connected = Layout.decodePermanences(
                into: pool.permanences(of: segment),
                count: pool.size(of: segment),
                from: &reader,
                rule: rule,
                level: level
            )
        else {
            return false
        }
        pool.setConnected(connected, of: segment)
        return true
    }
}

/// What a checkpoint has of all segments' runs and masks.
private struct CollectedSynapses<Layout: SegmentLayout> {
    var masks = ByteStream()
    /// By segment.
    var lastActiveIterations = GrowableBuffer<UInt32>()
    var extras = GrowableBuffer<Layout.Cell>()
    var permanences = ByteStream()

    init(segmentCount count: Int) {
        masks.reserve(count * MemoryLayout<UInt64>.size)
        lastActiveIterations.reserve(count)
        // Touched only as far as it is used.
        permanences.reserve(count * 32 * MemoryLayout<Layout.Rule.Stored>.stride)
        extras.reserve(count * 8)
    }

    mutating func deallocate() {
        masks.deallocate()
        lastActiveIterations.deallocate()
        extras.deallocate()
        permanences.deallocate()
    }
}

/// Where the segments' tables are read.
private struct SegmentReaders {
    let columns: SegmentColumns
    /// Sources of all segments' extras.
    private let extras: [UInt32]
    private var nextExtra = 0
    var masks: ByteStreamReader
    var permanences: ByteStreamReader

    init(columns: SegmentColumns, extras: [UInt32], masks: ByteStreamReader, permanences: ByteStreamReader) {
        self.columns = columns
        self.extras = extras
        self.masks = masks
        self.permanences = permanences
    }

    /// The sources of the next segment's extras; `nil` if there aren't so many.
    @inline(__always)
    mutating func takeExtras(_ count: Int) -> ArraySlice<UInt32>? {
        guard count <= extras.count - nextExtra else {
            return nil
        }
        defer { nextExtra += count }
        return extras[nextExtra..<nextExtra + count]
    }

    var areAtEnd: Bool { nextExtra == extras.count && masks.isAtEnd && permanences.isAtEnd }
}

/// What a checkpoint has of every segment, by number.
private struct SegmentColumns {
    struct Row {
        /// The source set's number, from 1 on; 0: none.
        var set: UInt32
        /// Twice the number of extras, plus one if there is a run.
        var extrasAndRun: UInt32
        var cell: UInt32
        var slot: UInt32
        var activeAge: UInt32
        var dutyAge: UInt32
        var positiveActivations: UInt32
        /// Bit pattern.
        var dutyCycle: UInt32

        var extraCount: Int { Int(extrasAndRun >> 1) }
        var hasRun: Bool { extrasAndRun & 1 == 1 }

        /// As all is of a free segment.
        var isEmpty: Bool {
            self.set | extrasAndRun | cell | slot | activeAge | dutyAge | positiveActivations | dutyCycle == 0
        }
    }

    let count: Int
    private let sets: [UInt32]
    private let extrasAndRuns: [UInt32]
    private let cells: [UInt32]
    private let slots: [UInt32]
    private let activeAges: [UInt32]
    private let dutyAges: [UInt32]
    private let positiveActivations: [UInt32]
    private let dutyCycles: [UInt32]

    init(
        _ count: Int,
        sets setCount: Int,
        cells cellCount: Int,
        slots slotLimit: Int,
        iteration: Int,
        from decoder: inout StateDecoder
    ) throws(CheckpointError) {
        self.count = count
        sets = try decoder.decodeColumn(count, atMost: setCount, "source sets of TM segments")
        extrasAndRuns = try decoder.decodeColumn(count, atMost: 2 * Int(UInt16.max) + 1, "extras of TM segments")
        cells = try decoder.decodeColumn(count, atMost: cellCount - 1, "cells of TM segments")
        slots = try decoder.decodeColumn(count, atMost: max(slotLimit - 1, 0), "slots of TM segments")
        activeAges = try decoder.decodeColumn(count, atMost: iteration, "ages of TM segments")
        dutyAges = try decoder.decodeColumn(count, atMost: iteration, "ages of TM duty cycles")
        positiveActivations = try decoder.decodeColumn(count, atMost: Int(UInt16.max), "TM positive activations")
        dutyCycles = try decoder.decodeColumn(count, atMost: Int(UInt32.max), "TM duty cycles")
    }

    /// Segments with a run.
    var runCount: Int { extrasAndRuns.reduce(0) { $0 + Int($1 & 1) } }

    @inline(__always)
    func row(_ segment: Int) -> Row {
        Row(
            set: sets[segment],
            extrasAndRun: extrasAndRuns[segment],
            cell: cells[segment],
            slot: slots[segment],
            activeAge: activeAges[segment],
            dutyAge: dutyAges[segment],
            positiveActivations: positiveActivations[segment],
            dutyCycle: dutyCycles[segment]
        )
    }
}
