// SPDX-License-Identifier: Apache-2.0

// The segments' part of the layout in docs/formats/checkpoint.md, "Backtracking temporal memory". They are written in the order of cell and
// slot.

import CKernels

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
    /// The live segments by cell and slot.
    ///
    /// Counting by cell, then sorting the few of each cell, takes a fraction of a general sort's time.
    private func segmentsInOrder() -> [UInt32] {
        var starts = [Int32](repeating: 0, count: cellCount + 1)
        let records = pool.records
        return starts.withUnsafeMutableBufferPointer { starts in
            for segment in 0..<records.count where pool.isInUse(segment) {
                starts[Int(records[segment].cell) + 1] += 1
            }
            for cell in 1..<starts.count {
                starts[cell] += starts[cell - 1]
            }
            return [UInt32](unsafeUninitializedCapacity: pool.segmentCount) { order, count in
                var filled = [Int32](starts.dropLast())
                for segment in 0..<records.count where pool.isInUse(segment) {
                    let cell = Int(records[segment].cell)
                    var position = Int(filled[cell])
                    filled[cell] += 1
                    // Insertion among the cell's own, by slot.
                    while position > Int(starts[cell]) && records[Int(order[position - 1])].slot > records[segment].slot
                    {
                        order[position] = order[position - 1]
                        position -= 1
                    }
                    order[position] = UInt32(segment)
                }
                count = pool.segmentCount
            }
        }
    }

    func encodeSegments(into encoder: inout StateEncoder) {
        var (slots, ages, dutyCycles) = (ByteStream(), ByteStream(), ByteStream())
        let order = segmentsInOrder()
        encoder.encodeVarint(order.count)
        encodeSlots(into: &slots)
        ages.reserve(8 * order.count)
        dutyCycles.reserve(4 * order.count)
        for (index, segment) in order.enumerated() {
            // In this order records lie anywhere in memory: ask for the coming ones early.
            if index + 24 < order.count {
                ck_prefetch(pool.records.base + Int(order[index + 24]))
            }
            let record = pool.records[Int(segment)]
            ages.appendVarint(Int(pool.sources[Int(segment)].extras) << 1 | (record.units > 0 ? 1 : 0))
            ages.appendVarint(iteration - Int(record.lastActiveIteration))
            ages.appendVarint(iteration - Int(record.dutyCycleIteration))
            ages.appendVarint(Int(record.positiveActivations))
            dutyCycles.append(record.dutyCycle.bitPattern)
        }
        for var stream in [slots, ages, dutyCycles] {
            encoder.encode(stream)
            stream.deallocate()
        }
        encodeSynapses(order, into: &encoder)
    }

    /// For each cell with slots: its distance from the last such cell, its slots, and which of them are free, last freed last.
    private func encodeSlots(into stream: inout ByteStream) {
        var last = 0
        for column in 0..<parameters.columnCount {
            for cell in 0..<parameters.cellsPerColumn {
                let count = pool.slotCount(ofCell: cell, inColumn: column)
                guard count > 0 else {
                    continue
                }
                let number = column * parameters.cellsPerColumn + cell
                stream.appendVarint(number - last)
                last = number
                let freed = pool.freeSlots.isEmpty ? [] : pool.freeSlots[UInt32(number)] ?? []
                stream.appendVarint(count)
                stream.appendVarint(freed.count)
                for slot in freed {
                    stream.appendVarint(Int(slot))
                }
            }
        }
    }

    private func encodeSynapses(_ order: [UInt32], into encoder: inout StateEncoder) {
        var (columns, cells, permanences) = (ByteStream(), ByteStream(), ByteStream())
        var (sets, masks) = (ByteStream(), ByteStream())
        let shape = pool.cells.shape
        // Touched only as far as it is used.
        let cellCount = order.count * 8 + pool.sets.records.count * SourceSets<Layout>.mostCells
        columns.reserve(2 * cellCount)
        cells.reserve(cellCount)
        permanences.reserve(order.count * 32 * MemoryLayout<Layout.Rule.Stored>.stride)
        masks.reserve(order.count * 8)
        // The number of each set in the order of their first segments.
        var numbers = [UInt32](repeating: .max, count: pool.sets.records.count)
        var setCount = 0
        for (index, segment) in order.enumerated() {
            if index + 12 < order.count {
                ck_prefetch(pool.permanences(of: Int(order[index + 12])))
            }
            let segment = Int(segment)
            let origin = pool.sources[segment]
            if origin.set == SegmentPool<Layout>.Sources.noSet {
                sets.appendVarint(0)
            } else {
                let set = Int(origin.set)
                let members = pool.sets.cells(of: set)
                if numbers[set] == .max {
                    numbers[set] = UInt32(truncatingIfNeeded: setCount)
                    setCount += 1
                    sets.appendVarint(1)
                    sets.appendVarint(members.count)
                    Layout.encode(
                        members.baseAddress!,
                        count: members.count,
                        shape,
                        columns: &columns,
                        cells: &cells
                    )
                } else {
                    sets.appendVarint(1 + setCount - Int(numbers[set]))
                }
                for byte in 0..<(members.count + 7) / 8 {
                    masks.append(UInt8(truncatingIfNeeded: origin.mask >> UInt64(truncatingIfNeeded: 8 * byte)))
                }
            }
            if pool.records[segment].units > 0 {
                let extras = UnsafePointer(pool.extras(of: segment))
                Layout.encode(extras, count: Int(origin.extras), shape, columns: &columns, cells: &cells)
                Layout.Rule.encode(pool.permanences(of: segment), count: pool.size(of: segment), into: &permanences)
            }
        }
        for var stream in [columns, cells, permanences, sets, masks] {
            encoder.encode(stream)
            stream.deallocate()
        }
    }

    mutating func restoreSegments(
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
            return restoreSegments(count, &readers, version: version)
        }
        guard isSound else {
            throw .damaged("TM segments contradict each other or the parameters")
        }
        pool.listSources()
    }

    /// - Returns: Whether the streams describe segments that this memory can hold.
    private mutating func restoreSegments(_ count: Int, _ readers: inout SegmentReaders, version: UInt32) -> Bool {
        guard let sources = restoreSets(count, &readers.sets, version: version) else {
            return false
        }
        let cellsOfSets = pool.sets.records.elements.reduce(0) { $0 + Int($1.count) }
        pool.makeRecords(
            count,
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
            var isFree = [Bool](repeating: false, count: slotCount)
            var freed: [UInt16] = []
            for _ in 0..<freedCount {
                let slot = readers.slots.varint()
                guard slot < slotCount, !isFree[slot] else {
                    return false
                }
                isFree[slot] = true
                freed.append(UInt16(slot))
            }
            pool.restoreSlots(of: Cell(cell), count: slotCount, freed: freed)
            for slot in 0..<slotCount where !isFree[slot] {
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
            let freed = (0..<slotCount).map { _ in UInt16(truncatingIfNeeded: reader.varint()) }
            guard Set(freed).count == slotCount, freed.allSatisfy({ $0 < slotCount }) else {
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

    private mutating func restoreSegment(
        cell: Cell,
        slot: Int,
        _ sources: SegmentSources,
        _ readers: inout SegmentReaders,
        version: UInt32
    ) -> Bool {
        let first = readers.ages.varint()
        let (extras, hasRun) = version > 1 ? (first >> 1, first & 1 == 1) : (first, true)
        let activeAge = readers.ages.varint()
        let dutyAge = readers.ages.varint()
        let positiveActivations = readers.ages.varint()
        let dutyCycle = Float(bitPattern: readers.dutyCycles.word())
        let limit = parameters.maxSynapsesPerSegment ?? Int(Layout.Small.max)
        guard activeAge <= iteration, dutyAge <= iteration, positiveActivations <= UInt16.max, dutyCycle.isFinite,
            let mask = restoreMask(sources, &readers)
        else {
            return false
        }
        let size = mask.nonzeroBitCount + extras
        guard size > 0, size <= limit, extras == 0 || hasRun else {
            return false
        }
        let isConnected = rule.isConnected(rule.initial)
        let record = SegmentPool<Layout>.Record(
            lastActiveIteration: UInt32(iteration - activeAge),
            dutyCycleIteration: UInt32(iteration - dutyAge),
            dutyCycle: dutyCycle,
            cell: cell,
            positiveActivations: UInt16(positiveActivations),
            slot: Layout.Small(slot),
            size: Layout.Small(size),
            connected: !hasRun && isConnected ? Layout.Small(size) : 0
        )
        let segment = Int(sources.segment)
        let origin = SegmentPool<Layout>.Sources(
            mask: mask,
            next_of_set: .max,
            set: sources.set,
            extras: UInt16(truncatingIfNeeded: extras)
        )
        pool.restore(record, origin, as: segment, hasRun: hasRun)
        guard hasRun else {
            return true
        }
        guard
            Layout.decodeSources(
                into: pool.extras(of: segment),
                count: extras,
                from: &readers.synapses,
                pool.cells.shape
            ),
            let connected = Layout.decodePermanences(
                into: pool.permanences(of: segment),
                count: size,
                from: &readers.synapses.permanences,
                rule: rule
            )
        else {
            return false
        }
        pool.setConnected(connected, of: segment)
        return true
    }

    /// Reads the mask of a segment, and the cells of its set if it is the first of it.
    private mutating func restoreMask(_ sources: SegmentSources, _ readers: inout SegmentReaders) -> UInt64? {
        guard sources.set != SegmentPool<Layout>.Sources.noSet else {
            return 0
        }
        let members = pool.sets.cells(of: Int(sources.set))
        if sources.isFirstOfSet {
            let cells = UnsafeMutablePointer(mutating: members.baseAddress!)
            guard
                Layout.decodeSources(into: cells, count: members.count, from: &readers.synapses, pool.cells.shape)
            else {
                return nil
            }
        }
        var mask: UInt64 = 0
        for byte in 0..<(members.count + 7) / 8 {
            mask |= UInt64(readers.masks.byte()) << UInt64(truncatingIfNeeded: 8 * byte)
        }
        return members.count == 64 || mask >> UInt64(truncatingIfNeeded: members.count) == 0 ? mask : nil
    }
}
