// SPDX-License-Identifier: Apache-2.0

// Layout: docs/formats/checkpoint.md, "Backtracking temporal memory". Segments are written in the order of cell and slot, so that
// equal memories give equal bytes, whatever the history of their segment numbers.

import CKernels

/// The streams that segments are read from.
private struct SegmentReaders {
    var slots: ByteStreamReader
    var ages: ByteStreamReader
    var dutyCycles: ByteStreamReader
    var synapses: SynapseReaders

    init(_ streams: [UnsafeBufferPointer<UInt8>]) {
        slots = ByteStreamReader(streams[0])
        ages = ByteStreamReader(streams[1])
        dutyCycles = ByteStreamReader(streams[2])
        synapses = SynapseReaders(
            columns: ByteStreamReader(streams[3]),
            cells: ByteStreamReader(streams[4]),
            permanences: ByteStreamReader(streams[5])
        )
    }

    var areAtEnd: Bool { slots.isAtEnd && ages.isAtEnd && dutyCycles.isAtEnd && synapses.areAtEnd }
}

extension BacktrackingCore {
    func encode(into encoder: inout StateEncoder) {
        random.encode(into: &encoder)
        encoder.encodeVarint(iteration)
        encoder.encode(averageInputDensity)
        encoder.encode(isResetCalled)
        encoder.encode(hasReachedLimit)
        encoder.encodeVarint(pamCounter)
        encoder.encodeVarint(learnedSequenceLength)
        encoder.encode(averageLearnedSequenceLength)
        encodeCells(activeCells, into: &encoder)
        encodeCells(predictedCells, into: &encoder)
        for word in predictedColumns.elements {
            encoder.encode(word)
        }
        for patterns in [inferencePatterns, learningPatterns] {
            encoder.encodeVarint(patterns.count)
            for pattern in patterns {
                encoder.encode(pattern)
            }
        }
        encoder.encodeVarint(learnPattern.count)
        for cell in learnPattern.elements {
            encoder.encodeVarint(Int(cell))
        }
        encoder.encodeVarint(learnPredictions.count)
        for prediction in learnPredictions.elements {
            encoder.encodeVarint(Int(prediction.cell))
        }
        encodeSegments(into: &encoder)
        encodeQueue(into: &encoder)
    }

    /// Replaces the state of a memory just made from the same parameters.
    mutating func restore(from decoder: inout StateDecoder) throws(CheckpointError) {
        random = try RandomGenerator(from: &decoder)
        iteration = try decoder.decodeVarint(atMost: Int(Int32.max), "TM iteration")
        dutyCycleRule = DutyCycleRule(iteration: iteration)
        averageInputDensity = try decoder.decodeFloat()
        isResetCalled = try decoder.decodeBool()
        hasReachedLimit = try decoder.decodeBool()
        pamCounter = try decoder.decodeVarint(atMost: parameters.pamLength, "TM attention counter")
        learnedSequenceLength = try decoder.decodeVarint(atMost: Int(Int32.max), "TM sequence length")
        averageLearnedSequenceLength = try decoder.decodeFloat()
        try restoreCells(&activeCells, "TM active cells", from: &decoder)
        try restoreCells(&predictedCells, "TM predicted cells", from: &decoder)
        for word in 0..<predictedColumns.count {
            predictedColumns[word] = try decoder.decodeUInt64()
        }
        inferencePatterns = try decodePatterns(atMost: parameters.maxInfBacktrack + 1, from: &decoder)
        learningPatterns = try decodePatterns(atMost: parameters.maxLrnBacktrack + 1, from: &decoder)
        try restoreLearningCells(from: &decoder)
        try restoreSegments(from: &decoder)
        try restoreQueue(from: &decoder)
        matchesAreStale = true
    }

    private var cellCount: Int { parameters.columnCount * parameters.cellsPerColumn }

    // MARK: Cells and patterns

    /// Ascending columns, each with its words of cells.
    private func encodeCells(_ cells: ColumnCellSet, into encoder: inout StateEncoder) {
        let columns = cells.columns.elements.sorted()
        encoder.encodeVarint(columns.count)
        for column in columns {
            encoder.encode(column)
            for word in 0..<cells.wordsPerColumn {
                encoder.encode(cells.words[Int(column) * cells.wordsPerColumn + word])
            }
        }
    }

    private func restoreCells(
        _ cells: inout ColumnCellSet,
        _ what: String,
        from decoder: inout StateDecoder
    ) throws(CheckpointError) {
        cells.removeAll()
        let count = try decoder.decodeCount(bytesPerElement: 2 + 4 * cells.wordsPerColumn, what)
        var last = -1
        for _ in 0..<count {
            let column = Int(try decoder.decodeUInt16())
            guard column > last, column < parameters.columnCount else {
                throw .damaged(
                    "\(what): column \(column) after \(last), expected ascending numbers below \(parameters.columnCount)"
                )
            }
            last = column
            for word in 0..<cells.wordsPerColumn {
                var rest = try decoder.decodeUInt32()
                while rest != 0 {
                    let cell = word * 32 + rest.trailingZeroBitCount
                    rest &= rest - 1
                    guard cell < parameters.cellsPerColumn else {
                        throw .damaged(
                            "\(what): cell \(cell) of a column, expected less than \(parameters.cellsPerColumn)"
                        )
                    }
                    cells.insert(column: column, cell: cell)
                }
            }
        }
    }

    private func decodePatterns(atMost limit: Int, from decoder: inout StateDecoder) throws(CheckpointError)
        -> [[UInt16]]
    {
        let count = try decoder.decodeVarint(atMost: limit, "TM recent inputs")
        var patterns: [[UInt16]] = []
        for _ in 0..<count {
            let pattern: [UInt16] = try decoder.decodeArray("columns of a recent input")
            try requireAscending(pattern.map { Int($0) }, below: parameters.columnCount, "columns of a recent input")
            patterns.append(pattern)
        }
        return patterns
    }

    private func requireAscending(_ numbers: [Int], below limit: Int, _ what: String) throws(CheckpointError) {
        for (index, number) in numbers.enumerated() {
            guard number < limit, index == 0 || number > numbers[index - 1] else {
                throw .damaged("\(what): \(number) is out of order or not below \(limit)")
            }
        }
    }

    private mutating func restoreLearningCells(from decoder: inout StateDecoder) throws(CheckpointError) {
        var lists: [[Int]] = []
        for what in ["TM learning cells", "TM predicted learning cells"] {
            var cells: [Int] = []
            for _ in 0..<(try decoder.decodeCount(bytesPerElement: 1, what)) {
                cells.append(try decoder.decodeVarint(atMost: cellCount - 1, what))
            }
            // One cell a column: ascending columns.
            try requireAscending(cells.map { $0 / parameters.cellsPerColumn }, below: parameters.columnCount, what)
            lists.append(cells)
        }
        learnPattern.removeAll()
        for cell in lists[0] {
            learnPattern.append(Cell(cell))
        }
        rankLearnPattern()
        learnPredictions.removeAll()
        for cell in lists[1] {
            learnPredictions.append(PredictedCell(column: UInt16(cell / parameters.cellsPerColumn), cell: Cell(cell)))
        }
        matches.removeAll()
    }

    // MARK: Segments

    /// The live segments by cell and slot.
    ///
    /// Counting by cell, then sorting the few of each cell, takes a fraction of a general sort's time.
    private func segmentsInOrder() -> [UInt32] {
        var starts = [Int32](repeating: 0, count: cellCount + 1)
        let records = pool.records
        return starts.withUnsafeMutableBufferPointer { starts in
            for segment in 0..<records.count where records[segment].size > 0 {
                starts[Int(records[segment].cell) + 1] += 1
            }
            for cell in 1..<starts.count {
                starts[cell] += starts[cell - 1]
            }
            return [UInt32](unsafeUninitializedCapacity: pool.segmentCount) { order, count in
                var filled = [Int32](starts.dropLast())
                for segment in 0..<records.count where records[segment].size > 0 {
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

    private func encodeSegments(into encoder: inout StateEncoder) {
        var (slots, ages, dutyCycles) = (ByteStream(), ByteStream(), ByteStream())
        var (columns, cells, permanences) = (ByteStream(), ByteStream(), ByteStream())
        let order = segmentsInOrder()
        encoder.encodeVarint(order.count)
        encodeSlots(into: &slots)
        for (index, segment) in order.enumerated() {
            // In this order records lie anywhere in memory: ask for the coming ones early.
            if index + 24 < order.count {
                ck_prefetch(pool.records.base + Int(order[index + 24]))
            }
            let record = pool.records[Int(segment)]
            ages.appendVarint(Int(record.size))
            ages.appendVarint(iteration - Int(record.lastActiveIteration))
            ages.appendVarint(iteration - Int(record.dutyCycleIteration))
            ages.appendVarint(Int(record.positiveActivations))
            dutyCycles.append(record.dutyCycle.bitPattern)
        }
        encodeSynapses(order, columns: &columns, cells: &cells, permanences: &permanences)
        for var stream in [slots, ages, dutyCycles, columns, cells, permanences] {
            encoder.encode(stream)
            stream.deallocate()
        }
    }

    /// For each cell with slots: its distance from the last such cell, its slots, and which of them are free, last freed last.
    private func encodeSlots(into stream: inout ByteStream) {
        var last = 0
        for column in 0..<parameters.columnCount where pool.pagePlusOne[column] != 0 {
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

    private func encodeSynapses(
        _ order: [UInt32],
        columns: inout ByteStream,
        cells: inout ByteStream,
        permanences: inout ByteStream
    ) {
        let shape = pool.shape
        // Touched only as far as it is used.
        columns.reserve(2 * pool.synapseCount)
        cells.reserve(pool.synapseCount)
        permanences.reserve(pool.synapseCount * MemoryLayout<Layout.Rule.Stored>.stride)
        for (index, segment) in order.enumerated() {
            if index + 12 < order.count {
                let coming = pool.records[Int(order[index + 12])]
                ck_prefetch(pool.sources(of: coming))
                ck_prefetch(pool.permanences(of: coming))
            }
            let record = pool.records[Int(segment)]
            let size = Int(record.size)
            Layout.encode(pool.sources(of: record), count: size, shape, columns: &columns, cells: &cells)
            Layout.Rule.encode(pool.permanences(of: record), count: size, into: &permanences)
        }
    }

    private mutating func restoreSegments(from decoder: inout StateDecoder) throws(CheckpointError) {
        // A segment has at least a size, three numbers, a duty cycle and a synapse.
        let count = try decoder.decodeCount(bytesPerElement: 11, "TM segments")
        var ranges: [Range<Int>] = []
        for what in ["slots", "segments", "duty cycles", "source columns", "source cells", "permanences"] {
            ranges.append(try decoder.decodeStream("TM \(what)"))
        }
        pool.deallocate()
        pool = SegmentPool(columnCount: parameters.columnCount, cellsPerColumn: parameters.cellsPerColumn)
        pool.reserve(segments: count, synapses: ranges[4].count)
        let isSound = decoder.withStreams(ranges) { streams in
            var readers = SegmentReaders(streams)
            return restoreSegments(count, &readers)
        }
        guard isSound else {
            throw .damaged("TM segments contradict each other or the parameters")
        }
        pool.buildIndex()
    }

    /// - Returns: Whether the streams describe segments that this memory can hold.
    private mutating func restoreSegments(_ count: Int, _ readers: inout SegmentReaders) -> Bool {
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
                guard segment < count, restoreSegment(cell: Cell(cell), slot: slot, &readers) else {
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

    private mutating func restoreSegment(cell: Cell, slot: Int, _ readers: inout SegmentReaders) -> Bool {
        let size = readers.ages.varint()
        let activeAge = readers.ages.varint()
        let dutyAge = readers.ages.varint()
        let positiveActivations = readers.ages.varint()
        let dutyCycle = Float(bitPattern: readers.dutyCycles.word())
        let limit = parameters.maxSynapsesPerSegment ?? Int(Layout.Small.max)
        guard size > 0, size <= limit, activeAge <= iteration, dutyAge <= iteration, positiveActivations <= UInt16.max,
            dutyCycle.isFinite
        else {
            return false
        }
        let record = SegmentPool<Layout>.Record(
            start: 0,
            lastActiveIteration: UInt32(iteration - activeAge),
            dutyCycleIteration: UInt32(iteration - dutyAge),
            dutyCycle: dutyCycle,
            cell: cell,
            positiveActivations: UInt16(positiveActivations),
            slot: Layout.Small(slot),
            size: Layout.Small(size),
            connected: 0,
            units: 0
        )
        let segment = pool.insert(record, capacity: size)
        let synapses = Synapses<Layout>(
            sources: pool.sources(of: pool.records[segment]),
            permanences: pool.permanences(of: pool.records[segment]),
            count: size
        )
        let counts = pool.announcedSources(ofSegment: segment)
        guard
            let connected = Layout.decode(
                into: synapses,
                from: &readers.synapses,
                pool.shape,
                rule: rule,
                counts: counts
            )
        else {
            return false
        }
        pool.setConnected(connected, of: segment)
        return true
    }

    // MARK: Queued updates

    private func encodeQueue(into encoder: inout StateEncoder) {
        encoder.encodeVarint(queue.count)
        for index in 0..<queue.count {
            let update = queue[index]
            encoder.encodeVarint(Int(update.cell))
            encoder.encode(update.slot)
            encoder.encodeVarint(iteration - Int(update.timestamp))
            for word in 0..<patternWords {
                encoder.encode(queueMasks[index * patternWords + word])
            }
        }
        encoder.encodeVarint(keptUpdates.count)
        for update in keptUpdates {
            encoder.encodeVarint(Int(update.cell))
            encoder.encode(update.slot)
            encoder.encodeVarint(iteration - Int(update.timestamp))
            encoder.encode(update.sources)
        }
    }

    private mutating func restoreQueue(from decoder: inout StateDecoder) throws(CheckpointError) {
        clearQueue()
        let count = try decoder.decodeCount(bytesPerElement: 4 + 8 * patternWords, "TM queued updates")
        let segments = segmentNumbers()
        for _ in 0..<count {
            let (cell, slot, timestamp) = try decodeUpdate(from: &decoder)
            guard let segment = segments[Self.key(cell, slot)] else {
                throw .damaged("a TM update is queued for cell \(cell), slot \(slot), where no segment is")
            }
            queue.append(QueuedUpdate(segment: segment, timestamp: timestamp, cell: cell, slot: slot))
            for word in 0..<patternWords {
                let mask = try decoder.decodeUInt64()
                let left = learnPattern.count - word * 64
                guard left >= 64 || mask >> UInt64(max(left, 0)) == 0 else {
                    throw .damaged("a queued TM update uses more cells than there are learning cells")
                }
                queueMasks.append(mask)
            }
        }
        for _ in 0..<(try decoder.decodeCount(bytesPerElement: 5, "TM kept updates")) {
            let (cell, slot, timestamp) = try decodeUpdate(from: &decoder)
            let sources: [Cell] = try decoder.decodeArray("sources of a kept update")
            try requireAscending(
                sources.map { Int($0) / parameters.cellsPerColumn },
                below: parameters.columnCount,
                "sources of a kept update"
            )
            let segment = segments[Self.key(cell, slot)] ?? 0
            guard pool.records.count > 0 else {
                throw .damaged("a TM update is kept, but there is no segment")
            }
            keptUpdates.append(
                KeptUpdate(segment: segment, timestamp: timestamp, cell: cell, slot: slot, sources: sources)
            )
        }
    }

    private static func key(_ cell: Cell, _ slot: UInt16) -> UInt64 {
        UInt64(cell) << 16 | UInt64(slot)
    }

    private func decodeUpdate(from decoder: inout StateDecoder) throws(CheckpointError) -> (Cell, UInt16, UInt32) {
        let cell = try decoder.decodeVarint(atMost: cellCount - 1, "cell of a TM update")
        let slot = try decoder.decodeUInt16()
        let age = try decoder.decodeVarint(atMost: iteration, "age of a TM update")
        return (Cell(cell), slot, UInt32(iteration - age))
    }

    /// Segment numbers of all cells that the queue may name: those of predicted learning cells.
    private func segmentNumbers() -> [UInt64: UInt32] {
        var isNamed = [Bool](repeating: parameters.doPooling, count: cellCount)
        for prediction in learnPredictions.elements {
            isNamed[Int(prediction.cell)] = true
        }
        var numbers: [UInt64: UInt32] = [:]
        for segment in 0..<pool.records.count where pool.records[segment].size > 0 {
            let record = pool.records[segment]
            if isNamed[Int(record.cell)] {
                numbers[Self.key(record.cell, UInt16(record.slot))] = UInt32(segment)
            }
        }
        return numbers
    }
}
