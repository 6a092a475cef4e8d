// SPDX-License-Identifier: Apache-2.0

import CKernels

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
        swap(&predictedCells, &scratch.previouslyPredictedCells)
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
            if scratch.previouslyPredictedCells.hasCells(column) {
                activeCells.insert(column: column, from: scratch.previouslyPredictedCells)
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
        collectActivePlaces()
        let threshold = parameters.activationThreshold
        findActiveSegments(among: activeCells, threshold: threshold)
        for index in 0..<scratch.activeSegments.count {
            if index + 4 < scratch.activeSegments.count {
                ck_prefetch(pool.records.base + Int(scratch.activeSegments[index + 4].segment))
            }
            if index + 2 < scratch.activeSegments.count {
                pool.prefetchRun(of: Int(scratch.activeSegments[index + 2].segment))
            }
            let active = scratch.activeSegments[index]
            let segment = Int(active.segment)
            touchDutyCycle(of: segment)
            let record = pool.records[segment]
            let column = pool.column(of: record.cell)
            predictedColumns.base[column >> 6] |= 1 << UInt64(truncatingIfNeeded: column & 63)
            if isConnectedActivity(of: active, atLeast: threshold) {
                predictedCells.insert(column: column, cell: Int(record.cell) - column * parameters.cellsPerColumn)
            }
        }
        return Float(predictedCells.columns.count) >= 0.5 * averageInputDensity
    }

    /// Whether a segment has so many connected synapses whose source is active.
    @inline(__always)
    private func isConnectedActivity(of active: ActiveSegment, atLeast threshold: Int) -> Bool {
        let segment = Int(active.segment)
        guard pool.records[segment].hasRun else {
            // All permanences are the initial one.
            return rule.isConnected(rule.initial) && Int(active.activity) >= threshold
        }
        return Int(pool.header(of: segment).pointee.connected) >= threshold
            && connectedActivity(of: active) >= threshold
    }

    /// Connected synapses of a segment with a run whose source is active.
    @inline(__always)
    private func connectedActivity(of active: ActiveSegment) -> Int {
        let segment = Int(active.segment)
        let origin = pool.sources[segment]
        let permanences = pool.permanences(of: segment)
        let extras = pool.extras(of: segment)
        let size = pool.size(of: segment)
        if size <= 64, parameters.cellsPerColumn == 32 {
            let kernelCount = Layout.connectedActivity(
                origin,
                setCells: active.set_cells,
                extras: extras,
                permanences: permanences,
                active: activeCells.words.base,
                rule: rule,
                level: level
            )
            if let kernelCount {
                return kernelCount
            }
        }
        let setLanes = size - Int(origin.extras)
        var count = 0
        var rest = origin.mask
        for lane in 0..<setLanes {
            let isActive = active.set_cells & rest & (0 &- rest) != 0
            rest &= rest - 1
            count += isActive && rule.isConnected(permanences[lane]) ? 1 : 0
        }
        for index in 0..<Int(origin.extras) {
            count += isActive(extras[index]) && rule.isConnected(permanences[setLanes + index]) ? 1 : 0
        }
        return count
    }

    @inline(__always)
    private func isActive(_ cell: Cell) -> Bool {
        let column = pool.column(of: cell)
        return activeCells.contains(column: column, cell: Int(cell) - column * parameters.cellsPerColumn)
    }

    /// Leaves in `activeSegments` those with at least `threshold` active synapses, in any order.
    ///
    /// Counts active cells by source set and active extras by segment. A segment that reaches the threshold has three quarters of it from
    /// its set, or more than the other quarter from its extras: only those are looked at closely.
    ///
    /// - Parameter active: The active cells, whose places are in `places`.
    mutating func findActiveSegments(among active: ColumnCellSet, threshold: Int) {
        scratch.activeSegments.removeAll()
        countActive()
        let fromSet = max(1, threshold * 3 / 4)
        // Counters of sets stay below 65, those of extras below 128 where they have kernels.
        // Sets are counted in bytes, whatever the layout.
        CompactLayout.collect(
            scratch.setCounters.base,
            count: pool.sets.records.count,
            threshold: min(fromSet, 127),
            level: level,
            into: &scratch.collected
        )
        findActiveSegments(ofSets: scratch.collected.elements, among: active, threshold: threshold)
        Layout.collect(
            scratch.counters.base,
            count: pool.records.count,
            threshold: min(threshold - fromSet + 1, 127),
            level: level,
            into: &scratch.collected
        )
        for index in 0..<scratch.collected.count {
            let segment = Int(scratch.collected[index])
            let origin = pool.sources[segment]
            var cells: UInt64 = 0
            if origin.set != SegmentPool<Layout>.Sources.noSet {
                let set = Int(origin.set)
                if scratch.setCounters[set] >= fromSet {
                    // Seen above.
                    continue
                }
                cells = Layout.activeBits(pool.sets.cells(of: set), in: active, pool.cells.shape, level: level)
            }
            appendIfActive(segment, origin.mask, setCells: cells, threshold: threshold)
        }
    }

    /// Appends a segment to `activeSegments` if at least `threshold` of its synapses are active.
    ///
    /// - Parameter setCells: Bit per cell of its source set that is active.
    @inline(__always)
    private mutating func appendIfActive(_ segment: Int, _ mask: UInt64, setCells: UInt64, threshold: Int) {
        let activity = (mask & setCells).nonzeroBitCount + Int(scratch.counters[segment])
        if activity >= threshold {
            scratch.activeSegments.append(
                ActiveSegment(
                    set_cells: setCells,
                    segment: UInt32(truncatingIfNeeded: segment),
                    activity: UInt32(truncatingIfNeeded: activity)
                )
            )
        }
    }

    /// Appends to `activeSegments` those of the given source sets with at least `threshold` active synapses.
    private mutating func findActiveSegments(
        ofSets sets: UnsafeBufferPointer<UInt32>,
        among active: ColumnCellSet,
        threshold: Int
    ) {
        if parameters.cellsPerColumn == 32,
            Layout.findActive(
                pool,
                sets: sets,
                counters: scratch.counters.base,
                active: active.words.base,
                threshold: threshold,
                level: level,
                into: &scratch.activeSegments
            )
        {
            return
        }
        for set in sets {
            let cells = Layout.activeBits(pool.sets.cells(of: Int(set)), in: active, pool.cells.shape, level: level)
            var segment = pool.sets.records[Int(set)].first_segment
            while segment != .max {
                let origin = pool.sources[Int(segment)]
                appendIfActive(Int(segment), origin.mask, setCells: cells, threshold: threshold)
                segment = origin.next_of_set
            }
        }
    }

    /// Counts, for every source set and for the extras of every segment, the cells whose lists `places` names.
    private mutating func countActive() {
        // Rounded up so that whole vectors may be read.
        scratch.setCounters.refill(with: 0, count: (pool.sets.records.count + 63) & ~63)
        scratch.counters.refill(with: 0, count: (pool.records.count + 63) & ~63)
        Layout.count(scratch.setCounters.base, scratch.counters.base, pool.cells, scratch.places.elements)
    }

    /// Names the lists of all active cells.
    private mutating func collectActivePlaces() {
        scratch.places.removeAll()
        let wordsPerColumn = activeCells.wordsPerColumn
        for column in activeCells.columns.elements {
            let words = UnsafePointer(activeCells.words.base + Int(column) * wordsPerColumn)
            pool.cells.appendPlaces(ofColumn: Int(column), active: words, to: &scratch.places)
        }
    }

    /// Replays the recent inputs, oldest start first, until one start leads to a good prediction from the current input.
    ///
    /// - Parameter hasPrediction: Whether `predict` has run on the active cells: its result stays if no start does better.
    private mutating func backtrackInference(hasPrediction: Bool) {
        let patterns = inferencePatterns
        // Replaying clears the sets before it fills them: whatever is swapped in doesn't matter.
        swap(&activeCells, &scratch.savedActiveCells)
        if hasPrediction {
            swap(&predictedCells, &scratch.savedPredictedCells)
            scratch.savedPredictedColumns.removeAll()
            scratch.savedPredictedColumns.append(contentsOf: predictedColumns.base, count: predictedColumns.count)
        }
        if let start = patterns.indices.first(where: { replayInference(patterns, from: $0) }) {
            // Every earlier start failed, so all of them and the one that worked go.
            inferencePatterns.removeFirst(start + 1)
            return
        }
        inferencePatterns.removeAll()
        swap(&activeCells, &scratch.savedActiveCells)
        if hasPrediction {
            swap(&predictedCells, &scratch.savedPredictedCells)
            predictedColumns.base.update(from: scratch.savedPredictedColumns.base, count: predictedColumns.count)
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
