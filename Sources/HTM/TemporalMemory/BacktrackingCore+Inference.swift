// SPDX-License-Identifier: Apache-2.0

extension BacktrackingCore {
    /// Finds the active cells and predicts the next record; falls back to replaying recent inputs.
    mutating func infer(_ columns: [UInt16]) {
        if inferencePatterns.count > parameters.maxInfBacktrack {
            inferencePatterns.removeFirst()
        }
        inferencePatterns.append(columns)
        swapPredictions()
        guard activateCells(columns, atStart: isResetCalled) else {
            backtrackInference(hasPrediction: false)
            return
        }
        if !predict() {
            backtrackInference(hasPrediction: true)
        }
    }

    /// The cells predicted so far become the previous prediction. What is left in `predictedCells` is overwritten by `predict`.
    @inline(__always)
    private mutating func swapPredictions() {
        swap(&predictedCells, &previouslyPredictedCells)
    }

    /// Inference phase 1: activates predicted cells, or all cells of an unpredicted column.
    ///
    /// - Returns: Whether at least half of the columns were predicted.
    private mutating func activateCells(_ columns: [UInt16], atStart: Bool) -> Bool {
        activeCells.removeAll()
        if atStart {
            for column in columns {
                activeCells.insert(column: Int(column), cell: 0)
            }
            return true
        }
        var predictedCount = 0
        for column in columns {
            let column = Int(column)
            if previouslyPredictedCells.hasCells(column) {
                activeCells.insert(column: column, from: previouslyPredictedCells)
                predictedCount += 1
            } else {
                activeCells.insertAll(column: column)
            }
        }
        return Float(predictedCount) >= 0.5 * Float(columns.count)
    }

    /// Inference phase 2: predicts columns through all synapses and cells through connected ones.
    ///
    /// - Returns: Whether enough columns have a predicted cell.
    private mutating func predict() -> Bool {
        predictedCells.removeAll()
        for word in 0..<predictedColumns.count {
            predictedColumns[word] = 0
        }
        collectActivePositions()
        countActiveSynapses()
        let threshold = parameters.activationThreshold
        Layout.collect(
            counters.base,
            count: pool.records.count,
            threshold: threshold,
            level: level,
            into: &collected
        )
        for index in 0..<collected.count {
            let segment = Int(collected[index])
            touchDutyCycle(of: segment)
            let record = pool.records[segment]
            let column = pool.column(of: record.cell)
            predictedColumns.base[column >> 6] |= 1 << UInt64(truncatingIfNeeded: column & 63)
            if Int(record.connected) >= threshold && connectedActivity(of: record) >= threshold {
                predictedCells.insert(column: column, cell: Int(record.cell) - column * parameters.cellsPerColumn)
            }
        }
        return Float(predictedCells.columns.count) >= 0.5 * averageInputDensity
    }

    /// Connected synapses of a segment whose source is active.
    @inline(__always)
    private func connectedActivity(of record: SegmentPool<Layout>.Record) -> Int {
        let sources = pool.sources(of: record)
        let permanences = pool.permanences(of: record)
        let cellsPerColumn = parameters.cellsPerColumn
        if cellsPerColumn == 32 {
            let synapses = Synapses<Layout>(sources: sources, permanences: permanences, count: Int(record.size))
            let words = UnsafePointer(activeCells.words.base)
            if let count = Layout.connectedActivity(synapses, rule: rule, active: words, level: level) {
                return count
            }
        }
        var count = 0
        for synapse in 0..<Int(record.size) {
            let column = pool.column(of: sources[synapse])
            let isActive = activeCells.contains(column: column, cell: Int(sources[synapse]) - column * cellsPerColumn)
            count &+= isActive && rule.isConnected(permanences[synapse]) ? 1 : 0
        }
        return count
    }

    /// Counts, for every segment, its synapses from the cells whose lists `positions` names.
    mutating func countActiveSynapses() {
        // Rounded up so that whole vectors may be read.
        let needed = (pool.records.count + 63) & ~63
        if counters.count < needed {
            counters.resize(to: needed, filling: 0)
        }
        counters.base.update(repeating: 0, count: needed)
        for bank in pool.index.banks.indices {
            let bankCounters = counters.base + bank << PresynapticIndex.bankShift
            let heads = UnsafePointer(pool.index.banks[bank].base)
            Layout.count(
                bankCounters,
                heads: heads,
                ids: UnsafePointer(pool.index.ids.base),
                positions: positions.elements
            )
        }
    }

    /// Names the lists of all active cells.
    private mutating func collectActivePositions() {
        positions.removeAll()
        let wordsPerColumn = activeCells.wordsPerColumn
        for index in 0..<activeCells.columns.count {
            let column = Int(activeCells.columns[index])
            let page = Int(pool.pagePlusOne[column])
            guard page > 0 else {
                continue
            }
            let first = (page - 1) * parameters.cellsPerColumn
            for word in 0..<wordsPerColumn {
                var rest = activeCells.words[column * wordsPerColumn + word]
                while rest != 0 {
                    positions.append(UInt32(truncatingIfNeeded: first + word * 32 + rest.trailingZeroBitCount))
                    rest &= rest - 1
                }
            }
        }
    }

    /// Replays the recent inputs, oldest start first, until one start leads to a good prediction from the current input.
    ///
    /// - Parameter hasPrediction: Whether `predict` has run on the active cells: its result stays if no start does better.
    private mutating func backtrackInference(hasPrediction: Bool) {
        let patterns = inferencePatterns
        var savedActive = activeCells.copy()
        var savedPrediction = hasPrediction ? predictedCells.copy() : nil
        var savedColumns = hasPrediction ? predictedColumns.copy() : nil
        defer {
            savedActive.deallocate()
            savedPrediction?.deallocate()
            savedColumns?.deallocate()
        }
        if let start = patterns.indices.first(where: { replayInference(patterns, from: $0) }) {
            // Every earlier start failed, so all of them and the one that worked go.
            inferencePatterns.removeFirst(start + 1)
            return
        }
        inferencePatterns.removeAll()
        activeCells.assign(savedActive)
        if let savedPrediction, let savedColumns {
            predictedCells.assign(savedPrediction)
            predictedColumns.base.update(from: savedColumns.base, count: savedColumns.count)
        } else {
            _ = predict()
        }
    }

    /// Plays `patterns` from `start`, whose columns are entered through their start cells.
    ///
    /// - Returns: Whether every step was well predicted and predicted well.
    private mutating func replayInference(_ patterns: [[UInt16]], from start: Int) -> Bool {
        for offset in start..<patterns.count {
            swapPredictions()
            guard activateCells(patterns[offset], atStart: offset == start), predict() else {
                return false
            }
        }
        return true
    }
}
