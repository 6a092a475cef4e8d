// SPDX-License-Identifier: Apache-2.0

import CKernels

extension BacktrackingCore {
    /// The learning step: apply what was queued, choose one cell per column, reinforce or grow, predict, queue.
    mutating func learn(_ columns: [UInt16]) {
        // Inference has used the set of learning cells for its own.
        rankLearnPattern()
        if matchesAreStale {
            // An update of the segments outside learning, or a restored checkpoint: find the matches of the pattern again.
            findMatches()
            matchesAreStale = false
        }
        if learningPatterns.count > parameters.maxLrnBacktrack {
            learningPatterns.removeFirst()
        }
        learningPatterns.append(columns)
        processQueue(columns)
        if pamCounter > 0 {
            pamCounter -= 1
        }
        learnedSequenceLength += 1
        if !isResetCalled && chooseLearningCells(columns, readOnly: false) {
            pamCounter = parameters.pamLength
        }
        let isTooLong = parameters.maxSeqLength != 0 && learnedSequenceLength >= parameters.maxSeqLength
        if isResetCalled || pamCounter == 0 || isTooLong {
            startOver(columns)
        }
        predictLearning(readOnly: false)
    }

    /// Ends a learned sequence; the next one begins in the recent past if replaying it works, else here, at start cells.
    private mutating func startOver(_ columns: [UInt16]) {
        let length = Float(learnedSequenceLength - (pamCounter == 0 ? parameters.pamLength : 0))
        let rate: Float = iteration < 100 ? 0.5 : 0.1
        averageLearnedSequenceLength = (1 - rate) * averageLearnedSequenceLength + rate * length
        let steps = isResetCalled ? 0 : backtrackLearning()
        if isResetCalled || steps == 0 {
            setLearnPatternToStartCells(columns)
            learningPatterns.removeAll()
        }
        pamCounter = parameters.pamLength
        learnedSequenceLength = steps
        clearQueue()
    }

    /// Replays recent inputs through start cells without learning, oldest first, and the first that works once more, learning.
    ///
    /// - Returns: How many records back the sequence now begins; 0: nothing worked.
    private mutating func backtrackLearning() -> Int {
        let last = learningPatterns.count - 1
        guard last > 0 else {
            return 0
        }
        let patterns = learningPatterns
        guard let start = (0..<last).first(where: { replayLearning(patterns, from: $0, readOnly: true) }) else {
            learningPatterns.removeAll()
            return 0
        }
        _ = replayLearning(patterns, from: start, readOnly: false)
        learningPatterns.removeFirst(start + 1)
        return last - start
    }

    private mutating func replayLearning(_ patterns: [[UInt16]], from start: Int, readOnly: Bool) -> Bool {
        if !readOnly {
            clearQueue()
        }
        for offset in start..<patterns.count {
            if !readOnly {
                processQueue(patterns[offset])
            }
            if offset == start {
                setLearnPatternToStartCells(patterns[offset])
            } else if !chooseLearningCells(patterns[offset], readOnly: readOnly) {
                return false
            }
            if offset < patterns.count - 1 {
                predictLearning(readOnly: readOnly)
            }
        }
        return true
    }

    private mutating func setLearnPatternToStartCells(_ columns: [UInt16]) {
        scratch.nextPattern.removeAll()
        for column in columns {
            scratch.nextPattern.append(Cell(truncatingIfNeeded: Int(column) * parameters.cellsPerColumn))
        }
        publishNextPattern()
    }

    /// Makes the cells chosen the learning pattern.
    private mutating func publishNextPattern() {
        swap(&learnPattern, &scratch.nextPattern)
        rankLearnPattern()
    }

    /// Brings up to date what follows from `learnPattern`.
    mutating func rankLearnPattern() {
        scratch.previouslyPredictedCells.removeAll()
        for rank in 0..<learnPattern.count {
            let cell = learnPattern[rank]
            let column = pool.column(of: cell)
            scratch.learnRanks[column] = UInt16(truncatingIfNeeded: rank)
            scratch.previouslyPredictedCells.insert(
                column: column,
                cell: Int(cell) - column * parameters.cellsPerColumn
            )
        }
        scratch.overlaps.refill(with: Overlap(cells: 0, ranks: 0, set: .max), count: Overlap.cacheSize)
        currentSet = nil
    }

    /// Learning phase 1: one cell for each column; reinforces the best match, or grows a new segment, where none was predicted.
    ///
    /// - Returns: Whether fewer than half of the columns were unpredicted.
    private mutating func chooseLearningCells(_ columns: [UInt16], readOnly: Bool) -> Bool {
        scratch.nextPattern.removeAll()
        var unpredictedCount = 0
        var prediction = 0
        var match = 0
        for column in columns {
            while prediction < learnPredictions.count && learnPredictions[prediction].column < column {
                prediction += 1
            }
            if prediction < learnPredictions.count && learnPredictions[prediction].column == column {
                scratch.nextPattern.append(learnPredictions[prediction].cell)
                continue
            }
            unpredictedCount += 1
            if readOnly {
                continue
            }
            while match < matches.count && matches[match].column < column {
                match += 1
            }
            if match < matches.count && matches[match].column == column
                && Int(matches[match].activity) >= parameters.minThreshold
            {
                let segment = Int(matches[match].segment)
                scratch.nextPattern.append(pool.records[segment].cell)
                if buildUpdate(of: segment) {
                    adapt(segment)
                }
            } else {
                let cell = chooseCellForNewSegment(inColumn: Int(column))
                scratch.nextPattern.append(cell)
                if buildNewSegmentUpdate() {
                    createSegment(on: cell)
                }
            }
        }
        publishNextPattern()
        return unpredictedCount < columns.count / 2
    }

    /// Learning phase 2: predicts at most one cell per column from the learning cells and queues the segments' updates.
    private mutating func predictLearning(readOnly: Bool) {
        findMatches()
        matchesAreStale = false
        learnPredictions.removeAll()
        for index in 0..<matches.count where Int(matches[index].activity) >= parameters.activationThreshold {
            let segment = Int(matches[index].segment)
            let record = pool.records[segment]
            learnPredictions.append(PredictedCell(column: matches[index].column, cell: record.cell))
            if !readOnly && buildUpdate(of: segment) {
                queue.append(
                    QueuedUpdate(
                        segment: UInt32(segment),
                        timestamp: UInt32(truncatingIfNeeded: iteration),
                        cell: record.cell,
                        slot: UInt16(record.slot)
                    )
                )
                queueMasks.append(contentsOf: scratch.updateMask.base, count: patternWords)
            }
        }
    }

    /// The best matching segment of each column: most active synapses; ties to the highest cell, then the lowest slot.
    private mutating func findMatches() {
        scratch.places.removeAll()
        for cell in learnPattern.elements {
            let place = pool.cells.place(of: Int(cell))
            if place >= 0 {
                scratch.places.append(UInt32(truncatingIfNeeded: place))
            }
        }
        findActiveSegments(
            among: scratch.previouslyPredictedCells,
            threshold: min(parameters.minThreshold, parameters.activationThreshold)
        )
        // Best entry per column first, in any order; then in column order, through a bit per column.
        for index in 0..<scratch.activeSegments.count {
            let column = pool.column(of: pool.records[Int(scratch.activeSegments[index].segment)].cell)
            let bit: UInt64 = 1 << UInt64(truncatingIfNeeded: column & 63)
            if scratch.columnBits[column >> 6] & bit == 0 {
                scratch.columnBits[column >> 6] |= bit
                scratch.columnBest.base[column] = UInt32(truncatingIfNeeded: index)
            } else if isBetter(
                scratch.activeSegments[index],
                than: scratch.activeSegments[Int(scratch.columnBest.base[column])]
            ) {
                scratch.columnBest.base[column] = UInt32(truncatingIfNeeded: index)
            }
        }
        matches.removeAll()
        for word in 0..<scratch.columnBits.count {
            var rest = scratch.columnBits[word]
            scratch.columnBits[word] = 0
            while rest != 0 {
                let column = word * 64 + rest.trailingZeroBitCount
                rest &= rest - 1
                let best = scratch.activeSegments[Int(scratch.columnBest.base[column])]
                matches.append(
                    Match(
                        column: UInt16(column),
                        activity: UInt16(truncatingIfNeeded: best.activity),
                        segment: best.segment
                    )
                )
            }
        }
    }

    @inline(__always)
    private func isBetter(_ active: ActiveSegment, than other: ActiveSegment) -> Bool {
        if active.activity != other.activity {
            return active.activity > other.activity
        }
        let (record, otherRecord) = (pool.records[Int(active.segment)], pool.records[Int(other.segment)])
        return record.cell != otherRecord.cell ? record.cell > otherRecord.cell : record.slot < otherRecord.slot
    }

    /// Applies the queued updates whose column is active; the others go, or with pooling wait while their cell is predicted.
    private mutating func processQueue(_ columns: [UInt16]) {
        guard !queue.isEmpty || !keptUpdates.isEmpty else {
            return
        }
        for column in columns {
            scratch.columnBits[Int(column) >> 6] |= 1 << UInt64(column & 63)
        }
        let words = patternWords
        var kept: [KeptUpdate] = []
        if !keptUpdates.isEmpty {
            kept = applyKeptUpdates()
        }
        for index in 0..<queue.count {
            let update = queue[index]
            let column = pool.column(of: update.cell)
            guard iteration - Int(update.timestamp) <= parameters.updateValidity else {
                continue
            }
            if scratch.columnBits[column >> 6] >> UInt64(truncatingIfNeeded: column & 63) & 1 == 1 {
                if let segment = aliveSegment(Int(update.segment), cell: update.cell, slot: update.slot) {
                    scratch.updateMask.removeAll()
                    scratch.updateMask.append(contentsOf: queueMasks.base + index * words, count: words)
                    adapt(segment)
                }
            } else if parameters.doPooling && isLearnPredicted(update.cell) {
                kept.append(keptUpdate(update, mask: queueMasks.base + index * words))
            }
        }
        for column in columns {
            scratch.columnBits[Int(column) >> 6] = 0
        }
        clearQueue()
        keptUpdates = kept
    }

    /// The segment an update was made for, or nothing when it is gone.
    private func aliveSegment(_ segment: Int, cell: Cell, slot: UInt16) -> Int? {
        let record = pool.records[segment]
        if pool.isInUse(segment) && record.cell == cell && UInt16(record.slot) == slot {
            return segment
        }
        // With pooling the slot may have been freed and taken again since.
        return parameters.doPooling ? pool.segment(cell: cell, slot: Int(slot)) : nil
    }

    private func isLearnPredicted(_ cell: Cell) -> Bool {
        learnPredictions.elements.contains { $0.cell == cell }
    }

    private func keptUpdate(_ update: QueuedUpdate, mask: UnsafeMutablePointer<UInt64>) -> KeptUpdate {
        let sources = (0..<learnPattern.count).filter { mask[$0 >> 6] >> UInt64($0 & 63) & 1 == 1 }
        return KeptUpdate(
            segment: update.segment,
            timestamp: update.timestamp,
            cell: update.cell,
            slot: update.slot,
            sources: sources.map { learnPattern[$0] }
        )
    }

    /// Applies or keeps the updates of earlier records (pooling only), each through a pattern of its own sources.
    private mutating func applyKeptUpdates() -> [KeptUpdate] {
        var kept: [KeptUpdate] = []
        for update in keptUpdates where iteration - Int(update.timestamp) <= parameters.updateValidity {
            let column = pool.column(of: update.cell)
            if scratch.columnBits[column >> 6] >> UInt64(column & 63) & 1 == 1 {
                if let segment = aliveSegment(Int(update.segment), cell: update.cell, slot: update.slot) {
                    adapt(segment, fromKept: update.sources)
                }
            } else if isLearnPredicted(update.cell) {
                kept.append(update)
            }
        }
        return kept
    }

    private mutating func adapt(_ segment: Int, fromKept sources: [Cell]) {
        var saved = learnPattern.copy()
        learnPattern.removeAll()
        for source in sources {
            learnPattern.append(source)
        }
        rankLearnPattern()
        scratch.updateMask.removeAll()
        for word in 0..<patternWords {
            let left = sources.count - word * 64
            scratch.updateMask.append(left >= 64 ? .max : (1 << UInt64(left)) - 1)
        }
        adapt(segment)
        swap(&learnPattern, &saved)
        saved.deallocate()
        rankLearnPattern()
    }
}
