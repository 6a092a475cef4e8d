// SPDX-License-Identifier: Apache-2.0

// Layout: docs/formats/checkpoint.md, "Backtracking temporal memory". Equal histories give equal bytes.

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
    ///
    /// - Parameter version: Of the model's state.
    mutating func restore(from decoder: inout StateDecoder, version: UInt32) throws(CheckpointError) {
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
        if version >= 3 {
            try restoreSegments(from: &decoder)
        } else {
            try restoreEarlierSegments(from: &decoder, version: version)
        }
        try restoreQueue(from: &decoder)
        matchesAreStale = true
    }

    var cellCount: Int { parameters.columnCount * parameters.cellsPerColumn }

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
        currentSet = nil
        learnPredictions.removeAll()
        for cell in lists[1] {
            learnPredictions.append(PredictedCell(column: UInt16(cell / parameters.cellsPerColumn), cell: Cell(cell)))
        }
        matches.removeAll()
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
        for segment in 0..<pool.records.count where pool.isInUse(segment) {
            let record = pool.records[segment]
            if isNamed[Int(record.cell)] {
                numbers[Self.key(record.cell, UInt16(record.slot))] = UInt32(segment)
            }
        }
        return numbers
    }
}
