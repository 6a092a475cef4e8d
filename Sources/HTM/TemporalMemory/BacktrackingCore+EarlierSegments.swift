// SPDX-License-Identifier: Apache-2.0

// The segments in states of versions 1 and 2 (docs/formats/checkpoint.md, "Segments before version 3"): in the order of cell and slot, numbers of
// varying width.

import CKernels

/// The streams that synapses are read from.
private struct SynapseReaders {
    var columns: ByteStreamReader
    var cells: ByteStreamReader
    var permanences: ByteStreamReader

    var areAtEnd: Bool { columns.isAtEnd && cells.isAtEnd && permanences.isAtEnd }
}

/// The streams that segments are read from.
private struct SegmentReaders {
    var slots: ByteStreamReader
    var ages: ByteStreamReader
    var dutyCycles: ByteStreamReader
    var synapses: SynapseReaders
    /// Of the source set of each segment, and of their masks. Version 1 had neither.
    var sets: ByteStreamReader
    var masks: ByteStreamReader

    init(_ streams: [UnsafeBufferPointer<UInt8>]) {
        slots = ByteStreamReader(streams[0])
        ages = ByteStreamReader(streams[1])
        dutyCycles = ByteStreamReader(streams[2])
        synapses = SynapseReaders(
            columns: ByteStreamReader(streams[3]),
            cells: ByteStreamReader(streams[4]),
            permanences: ByteStreamReader(streams[5])
        )
        sets = ByteStreamReader(streams.count > 6 ? streams[6] : UnsafeBufferPointer(start: nil, count: 0))
        masks = ByteStreamReader(streams.count > 6 ? streams[7] : UnsafeBufferPointer(start: nil, count: 0))
    }

    var areAtEnd: Bool {
        slots.isAtEnd && ages.isAtEnd && dutyCycles.isAtEnd && synapses.areAtEnd && sets.isAtEnd && masks.isAtEnd
    }
}

extension BacktrackingCore {
    mutating func restoreEarlierSegments(
        from decoder: inout StateDecoder,
        version: UInt32
    ) throws(CheckpointError) {
        // A segment has at least a size, three numbers and a duty cycle.
        let count = try decoder.decodeCount(bytesPerElement: 8, "TM segments")
        var ranges: [Range<Int>] = []
        var names = ["slots", "segments", "duty cycles", "source columns", "source cells", "permanences"]
        if version > 1 {
            names += ["source sets", "masks"]
        }
        for what in names {
            ranges.append(try decoder.decodeStream("TM \(what)"))
        }
        pool.deallocate()
        pool = SegmentPool(columnCount: parameters.columnCount, cellsPerColumn: parameters.cellsPerColumn)
        let isSound = decoder.withStreams(ranges) { streams in
            var readers = SegmentReaders(streams)
            return restoreEarlierSegments(count, &readers, version: version)
        }
        guard isSound else {
            throw .damaged("TM segments contradict each other or the parameters")
        }
        pool.listSources()
    }

    /// - Returns: Whether the streams describe segments that this memory can hold.
    private mutating func restoreEarlierSegments(_ count: Int, _ readers: inout SegmentReaders, version: UInt32) -> Bool
    {
        guard let sources = restoreSets(count, &readers.sets, version: version) else {
            return false
        }
        let cellsOfSets = pool.sets.records.elements.reduce(0) { $0 + Int($1.count) }
        pool.makeRecords(
            count,
            // Which have one is told segment by segment.
            runs: count,
            permanences: readers.synapses.permanences.unread.count / MemoryLayout<Layout.Rule.Stored>.stride,
            extras: max(0, readers.synapses.cells.unread.count - cellsOfSets)
        )
        var segment = 0
        var last = 0
        let slotLimit = parameters.maxSegmentsPerCell ?? Int(UInt16.max)
        while segment < count {
            let cell = last + readers.slots.varint()
            let slotCount = readers.slots.varint()
            let freedCount = readers.slots.varint()
            guard cell < cellCount, segment == 0 || cell > last, slotCount <= slotLimit, freedCount <= slotCount,
                slotCount > 0, !readers.slots.hasFailed
            else {
                return false
            }
            last = cell
            guard let freed = restoreFreedSlots(freedCount, of: slotCount, &readers.slots) else {
                return false
            }
            pool.restoreSlots(of: Cell(cell), count: slotCount, freed: freed)
            for slot in 0..<slotCount where freed.isEmpty || !freed.contains(UInt16(truncatingIfNeeded: slot)) {
                guard segment < count,
                    restoreSegment(cell: Cell(cell), slot: slot, sources[segment], &readers, version: version)
                else {
                    return false
                }
                segment += 1
            }
        }
        return restoreEmptyCells(&readers.slots, last: last) && readers.areAtEnd
    }

    /// Reads which of a cell's slots are free; `nil` if that can't be.
    @inline(__always)
    private func restoreFreedSlots(_ count: Int, of slotCount: Int, _ reader: inout ByteStreamReader) -> [UInt16]? {
        guard count > 0 else {
            return []
        }
        let freed = (0..<count).map { _ in UInt16(truncatingIfNeeded: reader.varint()) }
        return Set(freed).count == count && freed.allSatisfy { $0 < slotCount } ? freed : nil
    }

    /// Cells whose slots are all free may follow the last one that has segments.
    private mutating func restoreEmptyCells(_ reader: inout ByteStreamReader, last: Int) -> Bool {
        var last = last
        while !reader.isAtEnd && !reader.hasFailed {
            let cell = last + reader.varint()
            let slotCount = reader.varint()
            guard cell < cellCount, slotCount <= parameters.maxSegmentsPerCell ?? Int(UInt16.max),
                reader.varint() == slotCount
            else {
                return false
            }
            last = cell
            guard let freed = restoreFreedSlots(slotCount, of: slotCount, &reader) else {
                return false
            }
            pool.restoreSlots(of: Cell(cell), count: slotCount, freed: freed)
        }
        return !reader.hasFailed
    }

    /// What the stream of source sets says of a segment.
    private struct SegmentSources {
        /// Its number in the pool.
        var segment: UInt32
        /// `noSet`: none.
        var set: UInt16
        var isFirstOfSet: Bool
    }

    /// Makes the sets that the segments name, without their cells, and numbers the segments so that those of a set are neighbours.
    ///
    /// - Returns: What there is to know of each segment, in the order of the streams; `nil` if that can't be.
    private mutating func restoreSets(
        _ count: Int,
        _ reader: inout ByteStreamReader,
        version: UInt32
    ) -> [SegmentSources]? {
        let noSet = SegmentPool<Layout>.Sources.noSet
        var sources: [SegmentSources] = []
        sources.reserveCapacity(count)
        var sizes: [Int] = []
        for segment in 0..<count {
            let reference = version > 1 ? reader.varint() : 0
            var set = noSet
            if reference == 1 {
                set = UInt16(truncatingIfNeeded: sizes.count)
                let size = reader.varint()
                guard (1...SourceSets<Layout>.mostCells).contains(size), sizes.count < SourceSets<Layout>.mostSets
                else {
                    return nil
                }
                sizes.append(size)
            } else if reference > 1 {
                guard reference - 1 <= sizes.count else {
                    return nil
                }
                set = UInt16(truncatingIfNeeded: sizes.count - (reference - 1))
            }
            sources.append(
                SegmentSources(
                    segment: UInt32(truncatingIfNeeded: segment),
                    set: set,
                    isFirstOfSet: reference == 1
                )
            )
        }
        guard !reader.hasFailed else {
            return nil
        }
        pool.sets.reserve(sets: sizes.count, cells: sizes.reduce(0, +))
        for size in sizes {
            _ = pool.sets.insert(count: size)
        }
        // Those without a set come last.
        var next = [UInt32](repeating: 0, count: sizes.count + 2)
        for source in sources {
            next[(source.set == noSet ? sizes.count : Int(source.set)) + 1] += 1
        }
        for set in 1..<next.count {
            next[set] += next[set - 1]
        }
        for index in sources.indices {
            let set = sources[index].set == noSet ? sizes.count : Int(sources[index].set)
            sources[index].segment = next[set]
            next[set] += 1
        }
        return sources
    }

    @inline(__always)
    private mutating func restoreSegment(
        cell: Cell,
        slot: Int,
        _ sources: SegmentSources,
        _ readers: inout SegmentReaders,
        version: UInt32
    ) -> Bool {
        let first = readers.ages.varint()
        let (extras, hasRun) = version > 1 ? (first >> 1, first & 1 == 1) : (first, true)
        let activeAge = readers.ages.unforeseenVarint()
        let dutyAge = readers.ages.unforeseenVarint()
        let positiveActivations = readers.ages.varint()
        let dutyCycle = Float(bitPattern: readers.dutyCycles.word())
        let limit = parameters.maxSynapsesPerSegment ?? Int(Layout.Small.max)
        guard activeAge <= iteration, dutyAge <= iteration, positiveActivations <= UInt16.max,
            let mask = restoreMask(sources, &readers)
        else {
            return false
        }
        let size = mask.nonzeroBitCount + extras
        guard size > 0, size <= limit, extras == 0 || hasRun else {
            return false
        }
        let record = SegmentPool<Layout>.Record(
            cell: cell,
            slot: Layout.Small(slot),
            lastActiveIteration: UInt32(iteration - activeAge),
            dutyCycleIteration: UInt32(iteration - dutyAge),
            dutyCycle: dutyCycle
        )
        guard isSound(record, positiveActivations: UInt32(positiveActivations)) else {
            return false
        }
        let segment = Int(sources.segment)
        let origin = SegmentPool<Layout>.Sources(
            mask: mask,
            next_of_set: .max,
            set: sources.set,
            extras: UInt16(truncatingIfNeeded: extras)
        )
        pool.restore(record, size: size, origin, as: segment, hasRun: hasRun)
        guard hasRun else {
            return true
        }
        guard
            Self.decodeSources(
                into: pool.extras(of: segment),
                count: extras,
                from: &readers.synapses,
                pool.cells.shape
            )
        else {
            return false
        }
        pool.announceExtras(of: segment)
        return restorePermanences(of: segment, from: &readers.synapses.permanences)
    }

    /// Reads the mask of a segment, and the cells of its set if it is the first of it.
    @inline(__always)
    private mutating func restoreMask(_ sources: SegmentSources, _ readers: inout SegmentReaders) -> UInt64? {
        guard sources.set != SegmentPool<Layout>.Sources.noSet else {
            return 0
        }
        let members = pool.sets.cells(of: Int(sources.set))
        if sources.isFirstOfSet {
            let cells = UnsafeMutablePointer(mutating: members.baseAddress!)
            guard
                Self.decodeSources(into: cells, count: members.count, from: &readers.synapses, pool.cells.shape)
            else {
                return nil
            }
            pool.announceCells(ofSet: Int(sources.set))
        }
        let mask = readers.masks.bits(bytes: (members.count + 7) / 8)
        return members.count == 64 || mask >> UInt64(truncatingIfNeeded: members.count) == 0 ? mask : nil
    }

    /// Reads ascending sources.
    ///
    /// - Returns: Whether they are ascending cells of this shape.
    private static func decodeSources(
        into sources: UnsafeMutablePointer<Cell>,
        count: Int,
        from readers: inout SynapseReaders,
        _ shape: CellShape
    ) -> Bool {
        var column = 0
        var previous = -1
        for index in 0..<count {
            column += readers.columns.unforeseenVarint()
            let cellInColumn = readers.cells.varint()
            let source = column * shape.cellsPerColumn + cellInColumn
            guard column < shape.columnCount, cellInColumn < shape.cellsPerColumn, source > previous else {
                return false
            }
            previous = source
            sources[index] = Cell(truncatingIfNeeded: source)
        }
        return !readers.columns.hasFailed && !readers.cells.hasFailed
    }
}
