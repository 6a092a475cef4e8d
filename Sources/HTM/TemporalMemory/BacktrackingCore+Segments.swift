// SPDX-License-Identifier: Apache-2.0

import CKernels

extension BacktrackingCore {
    // MARK: Updates

    /// Collects in `updateMask` what a reinforcement of `segment` would use: its sources among the learning cells, and as many
    /// more of them, drawn at random, as it lacks.
    ///
    /// - Returns: Whether there is anything to use.
    mutating func buildUpdate(of segment: Int) -> Bool {
        if learnPattern.count <= 64, pool.sources[segment].extras <= 64 {
            let hits = learningSources(of: segment)
            scratch.updateMask.refill(with: hits, count: 1)
            let count = hits.nonzeroBitCount
            return addSources(parameters.newSynapseCount - count, among: learnPattern.count - count) || hits != 0
        }
        scratch.updateMask.refill(with: 0, count: patternWords)
        copySources(of: segment)
        for lane in 0..<scratch.laneSources.count {
            let rank = learningRank(of: scratch.laneSources[lane])
            if rank >= 0 {
                scratch.updateMask.base[rank >> 6] |= 1 << UInt64(truncatingIfNeeded: rank & 63)
            }
        }
        let hitCount = scratch.updateMask.elements.reduce(0) { $0 + $1.nonzeroBitCount }
        return addSources(parameters.newSynapseCount - hitCount, among: learnPattern.count - hitCount) || hitCount > 0
    }

    /// Bit per learning cell, at most 64, that is among the segment's sources, of which at most 64 are extras.
    @inline(__always)
    private mutating func learningSources(of segment: Int) -> UInt64 {
        let origin = pool.sources[segment]
        var hits: UInt64 = 0
        if origin.mask != 0 {
            let overlap = overlap(ofSet: origin.set)
            hits = level.move(origin.mask, from: overlap.cells, to: overlap.ranks)
        }
        if origin.extras > 0 {
            hits |= learningCells(among: pool.extras(of: segment), count: Int(origin.extras), wanted: .max).ranks
        }
        return hits
    }

    /// Which of at most 64 cells are learning cells, and of those, at most 64, in `wanted`.
    @inline(__always)
    private func learningCells(
        among cells: UnsafePointer<Cell>,
        count: Int,
        wanted: UInt64
    ) -> (ranks: UInt64, cells: UInt64) {
        Layout.activeRanks(
            UnsafeBufferPointer(start: cells, count: count),
            in: scratch.previouslyPredictedCells,
            ranks: scratch.learnRanks.base,
            wanted: wanted,
            pool.cells.shape,
            level: level
        )
    }

    /// The position of a cell among the learning cells, -1 if it is none of them.
    @inline(__always)
    private func learningRank(of cell: Cell) -> Int {
        let rank = Int(scratch.learnRanks[pool.column(of: cell)])
        return rank < learnPattern.count && learnPattern[rank] == cell ? rank : -1
    }

    /// What a source set and the learning cells, at most 64, have in common.
    @inline(__always)
    private mutating func overlap(ofSet set: UInt16) -> Overlap {
        let known = scratch.overlaps.base[Int(set) & (Overlap.cacheSize - 1)]
        return known.set == set ? known : findOverlap(ofSet: set)
    }

    @inline(never)
    private mutating func findOverlap(ofSet set: UInt16) -> Overlap {
        let members = pool.sets.cells(of: Int(set))
        let (ranks, cells) = learningCells(among: members.baseAddress!, count: members.count, wanted: .max)
        let overlap = Overlap(cells: cells, ranks: ranks, set: set)
        scratch.overlaps[Int(set) & (Overlap.cacheSize - 1)] = overlap
        return overlap
    }

    /// Puts the sources of a segment's lanes in `laneSources`.
    private mutating func copySources(of segment: Int) {
        let size = pool.size(of: segment)
        scratch.laneSources.reserve(size)
        scratch.laneSources.removeAll()
        scratch.laneSources.extend(by: size)
        pool.copySources(of: segment, to: scratch.laneSources.base)
    }

    /// The same for a segment that doesn't exist yet.
    mutating func buildNewSegmentUpdate() -> Bool {
        scratch.updateMask.refill(with: 0, count: patternWords)
        return addSources(parameters.newSynapseCount, among: learnPattern.count)
    }

    /// Adds up to `wanted` of the learning cells that aren't in `updateMask` yet.
    private mutating func addSources(_ wanted: Int, among candidateCount: Int) -> Bool {
        guard wanted > 0, candidateCount > 0 else {
            return false
        }
        if candidateCount <= wanted {
            for word in 0..<scratch.updateMask.count {
                scratch.updateMask[word] = fullMask(word: word)
            }
            return true
        }
        if wanted == 1 {
            addCandidate(number: Int(random.uint32(below: UInt32(candidateCount))))
            return true
        }
        var (remaining, missing) = (UInt32(candidateCount), UInt32(wanted))
        for word in 0..<scratch.updateMask.count where missing > 0 {
            scratch.updateMask[word] |= random.sample(
                fullMask(word: word) & ~scratch.updateMask[word],
                &missing,
                of: &remaining
            )
        }
        return true
    }

    /// All learning cells of a mask's word.
    @inline(__always)
    private func fullMask(word: Int) -> UInt64 {
        let left = learnPattern.count - word * 64
        return left >= 64 ? .max : (1 << UInt64(truncatingIfNeeded: left)) - 1
    }

    /// Adds the n-th learning cell that isn't in the mask.
    private mutating func addCandidate(number: Int) {
        var number = number
        for word in 0..<scratch.updateMask.count {
            var rest = fullMask(word: word) & ~scratch.updateMask[word]
            let count = rest.nonzeroBitCount
            if number >= count {
                number -= count
                continue
            }
            for _ in 0..<number {
                rest &= rest - 1
            }
            scratch.updateMask[word] |= rest & (0 &- rest)
            return
        }
    }

    // MARK: Adapting

    /// Reinforces a segment by `updateMask`: sources in it gain, the others lose, missing ones are added.
    mutating func adapt(_ segment: Int) {
        reinforceDutyCycle(of: segment)
        pool.openRun(of: segment, initial: rule.initial)
        pool.header(of: segment).pointee.lastActiveIteration = UInt32(truncatingIfNeeded: iteration)
        var addedCount = changePermanences(of: segment)
        let limit = parameters.maxSynapsesPerSegment ?? Int(Layout.Small.max)
        let excess = pool.size(of: segment) + addedCount - limit
        if excess > 0 {
            let removed = removeWeakest(excess, of: segment)
            addedCount = min(addedCount, addedCount - (excess - removed))
        }
        if addedCount > 0 {
            addSynapses(addedCount, to: segment)
        }
        if !pool.isInUse(segment) {
            remove(segment)
        }
    }

    private mutating func remove(_ segment: Int) {
        if let set = pool.remove(segment) {
            forgetOverlap(ofSet: set)
        }
    }

    /// A set's number may come to name another set.
    private mutating func forgetOverlap(ofSet set: Int) {
        scratch.overlaps.base[set & (Overlap.cacheSize - 1)].set = .max
        if currentSet == set {
            currentSet = nil
        }
    }

    /// Strengthens the synapses in the update and weakens the others; what isn't on the segment yet is left in `hitMask`.
    ///
    /// - Returns: How many sources of the update the segment lacks.
    private mutating func changePermanences(of segment: Int) -> Int {
        let origin = pool.sources[segment]
        let size = pool.size(of: segment)
        guard learnPattern.count <= 64, size <= 64 else {
            return changePermanencesOneByOne(of: segment)
        }
        let update = scratch.updateMask[0]
        let setLanes = size - Int(origin.extras)
        var (up, hits): (UInt64, UInt64) = (0, 0)
        if origin.mask != 0 {
            let overlap = overlap(ofSet: origin.set)
            let cells = level.move(update, from: overlap.ranks, to: overlap.cells) & origin.mask
            up = level.move(cells, from: origin.mask, to: .max)
            hits = level.move(cells, from: overlap.cells, to: overlap.ranks)
        }
        if origin.extras > 0 {
            let extras = pool.extras(of: segment)
            let (ranks, lanes) = learningCells(among: extras, count: Int(origin.extras), wanted: update)
            hits |= ranks
            up |= lanes << UInt64(truncatingIfNeeded: setLanes)
        }
        let (removed, connected) = Layout.step(
            pool.permanences(of: segment),
            count: size,
            up: up,
            rule: rule,
            level: level
        )
        pool.setConnected(connected.nonzeroBitCount, of: segment)
        if removed != 0 {
            pool.removeLanes(removed, of: segment, level: level)
        }
        scratch.hitMask.refill(with: update & ~hits, count: 1)
        return scratch.hitMask[0].nonzeroBitCount
    }

    /// The same for more learning cells or synapses than a word has bits.
    private mutating func changePermanencesOneByOne(of segment: Int) -> Int {
        let permanences = pool.permanences(of: segment)
        copySources(of: segment)
        scratch.hitMask.refill(with: 0, count: patternWords)
        scratch.laneFlags.refill(with: false, count: scratch.laneSources.count)
        var connected = 0
        for lane in 0..<scratch.laneSources.count {
            let changed: Layout.Rule.Stored
            if isInUpdate(scratch.laneSources[lane]) {
                let rank = learningRank(of: scratch.laneSources[lane])
                scratch.hitMask.base[rank >> 6] |= 1 << UInt64(truncatingIfNeeded: rank & 63)
                changed = rule.increased(permanences[lane])
            } else if let decreased = rule.decreased(permanences[lane]) {
                changed = decreased
            } else {
                scratch.laneFlags[lane] = true
                continue
            }
            permanences[lane] = changed
            connected += rule.isConnected(changed) ? 1 : 0
        }
        pool.setConnected(connected, of: segment)
        let flags = scratch.laneFlags
        pool.removeLanes(of: segment) { flags[$0] }
        var missing = 0
        for word in 0..<scratch.hitMask.count {
            scratch.hitMask[word] = scratch.updateMask[word] & ~scratch.hitMask[word]
            missing += scratch.hitMask[word].nonzeroBitCount
        }
        return missing
    }

    /// Removes the weakest synapses: inactive ones first, then by permanence, then by source.
    ///
    /// - Returns: How many were removed.
    private mutating func removeWeakest(_ count: Int, of segment: Int) -> Int {
        let permanences = pool.permanences(of: segment)
        let size = pool.size(of: segment)
        let removedCount = min(count, size)
        copySources(of: segment)
        // Lanes to be removed, and lanes that the update uses.
        scratch.laneFlags.refill(with: false, count: size)
        scratch.activeFlags.refill(with: false, count: size)
        for lane in 0..<size {
            scratch.activeFlags[lane] = isInUpdate(scratch.laneSources[lane])
        }
        var connected = Int(pool.header(of: segment).pointee.connected)
        for _ in 0..<removedCount {
            var weakest = -1
            for lane in 0..<size where !scratch.laneFlags[lane] {
                if weakest < 0 || isWeaker(lane, than: weakest, permanences) {
                    weakest = lane
                }
            }
            scratch.laneFlags[weakest] = true
            connected -= rule.isConnected(permanences[weakest]) ? 1 : 0
        }
        pool.setConnected(connected, of: segment)
        let flags = scratch.laneFlags
        pool.removeLanes(of: segment) { flags[$0] }
        return removedCount
    }

    @inline(__always)
    private func isWeaker(
        _ lane: Int,
        than other: Int,
        _ permanences: UnsafeMutablePointer<Layout.Rule.Stored>
    ) -> Bool {
        if scratch.activeFlags[lane] != scratch.activeFlags[other] {
            return scratch.activeFlags[other]
        }
        if permanences[lane] != permanences[other] {
            return permanences[lane] < permanences[other]
        }
        return scratch.laneSources[lane] < scratch.laneSources[other]
    }

    private func isInUpdate(_ source: Cell) -> Bool {
        let rank = learningRank(of: source)
        return rank >= 0 && scratch.updateMask[rank >> 6] >> UInt64(truncatingIfNeeded: rank & 63) & 1 == 1
    }

    /// Gives the segment synapses from the first `count` cells of `hitMask`.
    private mutating func addSynapses(_ count: Int, to segment: Int) {
        keepFirst(count)
        var added: UInt64 = 0
        let origin = pool.sources[segment]
        if learnPattern.count <= 64, origin.set != SegmentPool<Layout>.Sources.noSet {
            let overlap = overlap(ofSet: origin.set)
            added = level.move(scratch.hitMask[0], from: overlap.ranks, to: overlap.cells)
            scratch.hitMask[0] &= ~overlap.ranks
        }
        withUnsafeTemporaryAllocation(of: Cell.self, capacity: count + 1) { extras in
            var extraCount = 0
            for word in 0..<scratch.hitMask.count {
                var rest = scratch.hitMask[word]
                while rest != 0 {
                    extras[extraCount] = learnPattern[word * 64 + rest.trailingZeroBitCount]
                    extraCount += 1
                    rest &= rest - 1
                }
            }
            pool.addSynapses(
                to: segment,
                mask: added,
                extras: UnsafeBufferPointer(rebasing: extras[..<extraCount]),
                initial: rule.initial
            )
        }
        if rule.isConnected(rule.initial) {
            pool.setConnected(Int(pool.header(of: segment).pointee.connected) + count, of: segment)
        }
    }

    /// Leaves the first `count` bits of `hitMask`.
    private mutating func keepFirst(_ count: Int) {
        var left = count
        for word in 0..<scratch.hitMask.count {
            while scratch.hitMask[word].nonzeroBitCount > left {
                scratch.hitMask[word] ^= 1 << UInt64(63 - scratch.hitMask[word].leadingZeroBitCount)
            }
            left -= scratch.hitMask[word].nonzeroBitCount
        }
    }

    /// Makes a segment on a cell from the sources in `updateMask`.
    mutating func createSegment(on cell: Cell) {
        let slot = pool.takeSlot(of: cell)
        let record = SegmentPool<Layout>.Record(
            cell: cell,
            slot: Layout.Small(truncatingIfNeeded: slot),
            lastActiveIteration: UInt32(truncatingIfNeeded: iteration),
            dutyCycleIteration: UInt32(truncatingIfNeeded: iteration),
            dutyCycle: 1 / Float(max(iteration, 1))
        )
        if learnPattern.count <= SourceSets<Layout>.mostCells, let set = setOfLearningCells() {
            // The learning cells are the set: its bits are theirs.
            _ = pool.insert(record, set: set, mask: scratch.updateMask[0])
            return
        }
        let segment = pool.insert(record, set: nil, mask: 0)
        scratch.hitMask.removeAll()
        scratch.hitMask.append(contentsOf: scratch.updateMask.base, count: scratch.updateMask.count)
        addSynapses(scratch.updateMask.elements.reduce(0) { $0 + $1.nonzeroBitCount }, to: segment)
    }

    /// The source set of the learning cells, made for their first new segment; `nil` when there are too many sets.
    private mutating func setOfLearningCells() -> Int? {
        if currentSet == nil, let set = pool.openSet(learnPattern.elements) {
            forgetOverlap(ofSet: set)
            currentSet = set
        }
        return currentSet
    }

    // MARK: Cells and duty cycles

    /// Draws a cell that has room for another segment, never the start cell; in a full column the segment of smallest duty cycle
    /// makes room.
    mutating func chooseCellForNewSegment(inColumn column: Int) -> Cell {
        let cellsPerColumn = parameters.cellsPerColumn
        let first = column * cellsPerColumn
        guard let limit = parameters.maxSegmentsPerCell, parameters.isFixedSize else {
            let cell = cellsPerColumn == 1 ? 0 : Int(random.uint32(below: UInt32(cellsPerColumn - 1))) + 1
            return Cell(truncatingIfNeeded: first + cell)
        }
        if cellsPerColumn > 1, pool.cells.mostSlots(column: column) < limit {
            // Every cell has room.
            return Cell(truncatingIfNeeded: first + 1 + Int(random.uint32(below: UInt32(cellsPerColumn - 1))))
        }
        let hasRoom = { [pool, hasReachedLimit] (cell: Int) in
            let slots = pool.slotCount(ofCell: cell, inColumn: column)
            if slots < limit || !hasReachedLimit {
                return slots < limit
            }
            return pool.freeSlots[UInt32(first + cell)] != nil
        }
        let roomyCount = (1..<cellsPerColumn).count(where: hasRoom)
        guard roomyCount > 0 else {
            return evictSegment(inColumn: column)
        }
        var number = Int(random.uint32(below: UInt32(roomyCount)))
        var cell = 1
        while true {
            if hasRoom(cell) {
                if number == 0 {
                    break
                }
                number -= 1
            }
            cell += 1
        }
        return Cell(truncatingIfNeeded: first + cell)
    }

    private mutating func evictSegment(inColumn column: Int) -> Cell {
        var victim: Int?
        var smallest: Float = 1
        for segment in 0..<pool.records.count where pool.isInUse(segment) {
            let cell = pool.records[segment].cell
            guard pool.column(of: cell) == column else {
                continue
            }
            touchDutyCycle(of: segment)
            let record = pool.records[segment]
            guard let other = victim.map({ pool.records[$0] }) else {
                if record.dutyCycle < smallest {
                    victim = segment
                    smallest = record.dutyCycle
                }
                continue
            }
            let isEarlier = record.cell != other.cell ? record.cell < other.cell : record.slot < other.slot
            if record.dutyCycle < smallest || (record.dutyCycle == smallest && isEarlier) {
                victim = segment
                smallest = record.dutyCycle
            }
        }
        guard let victim else {
            // Every slot of the column is empty: the first cell but the start cell takes the new segment.
            return Cell(truncatingIfNeeded: column * parameters.cellsPerColumn + 1)
        }
        let cell = pool.records[victim].cell
        removeSegments([victim])
        return cell
    }

    /// Removes segments together with their queued updates.
    private mutating func removeSegments(_ segments: [Int]) {
        let removed = Set(segments.map { UInt32($0) })
        if !queue.isEmpty {
            let words = patternWords
            var kept = 0
            for index in 0..<queue.count where !removed.contains(queue[index].segment) {
                queue[kept] = queue[index]
                for word in 0..<words {
                    queueMasks[kept * words + word] = queueMasks[index * words + word]
                }
                kept += 1
            }
            queue.resize(to: kept, filling: queue[0])
            queueMasks.resize(to: kept * words, filling: 0)
        }
        keptUpdates.removeAll { removed.contains($0.segment) }
        for segment in segments {
            remove(segment)
        }
    }

    /// Brings a segment's duty cycle up to the current iteration.
    @inline(__always)
    mutating func touchDutyCycle(of segment: Int) {
        let record = pool.records.base + segment
        let age = iteration - Int(record.pointee.dutyCycleIteration)
        if iteration <= DutyCycleRule.startupIterations {
            record.pointee.dutyCycle = DutyCycleRule.share(record.pointee.positiveActivations, of: iteration)
        } else if age > 0 {
            record.pointee.dutyCycle = dutyCycleRule.decayed(record.pointee.dutyCycle, age: age, isActive: false)
        }
        record.pointee.dutyCycleIteration = UInt32(truncatingIfNeeded: iteration)
    }

    private mutating func reinforceDutyCycle(of segment: Int) {
        let record = pool.records.base + segment
        if iteration <= DutyCycleRule.startupIterations {
            record.pointee.dutyCycle = DutyCycleRule.share(record.pointee.positiveActivations + 1, of: iteration)
        } else {
            let age = iteration - Int(record.pointee.dutyCycleIteration)
            record.pointee.dutyCycle = dutyCycleRule.decayed(record.pointee.dutyCycle, age: age, isActive: true)
        }
        record.pointee.dutyCycleIteration = UInt32(truncatingIfNeeded: iteration)
    }

    mutating func refreshDutyCycles() {
        for segment in 0..<pool.records.count where pool.isInUse(segment) {
            touchDutyCycle(of: segment)
        }
    }

    // MARK: Decay and the bound on growth

    /// Weakens the synapses of segments unused for `maxAge` records, when global decay is on and due.
    mutating func decayGlobally() {
        guard parameters.globalDecay != 0, parameters.maxAge > 0, iteration % parameters.maxAge == 0 else {
            return
        }
        var emptied: [Int] = []
        for segment in 0..<pool.records.count where pool.isInUse(segment) {
            guard iteration - Int(pool.lastActiveIteration(of: segment)) > parameters.maxAge else {
                continue
            }
            pool.openRun(of: segment, initial: rule.initial)
            let permanences = pool.permanences(of: segment)
            let size = pool.size(of: segment)
            scratch.laneFlags.refill(with: false, count: size)
            var connected = 0
            for lane in 0..<size {
                guard let decayed = rule.decayed(permanences[lane], by: parameters.globalDecay) else {
                    scratch.laneFlags[lane] = true
                    continue
                }
                permanences[lane] = decayed
                connected += rule.isConnected(decayed) ? 1 : 0
            }
            pool.setConnected(connected, of: segment)
            let flags = scratch.laneFlags
            pool.removeLanes(of: segment) { flags[$0] }
            if size > 0, !pool.isInUse(segment) {
                emptied.append(segment)
            }
        }
        // In an order that doesn't depend on segment numbers: the slots freed last are used first.
        removeSegments(emptied.sorted { pool.records[$0].isBefore(pool.records[$1]) })
        matchesAreStale = true
    }

    /// Beyond the limit removes the excess and 1/128 of the limit: the segments reinforced longest ago, ties by cell and slot.
    ///
    /// In batches, so that finding the oldest doesn't cost every record; depends on nothing but the state, so that a restored model
    /// removes the same ones.
    mutating func enforceSegmentLimit() {
        let excess = pool.segmentCount - parameters.segmentLimit
        guard excess > 0 else {
            return
        }
        let count = excess + parameters.segmentLimit / 128
        let cut = lastActiveIteration(ofOldest: count)
        let candidates = (0..<pool.records.count).filter {
            pool.isInUse($0) && Int(pool.lastActiveIteration(of: $0)) <= cut
        }
        let oldest = candidates.sorted { first, second in
            let (one, other) = (pool.lastActiveIteration(of: first), pool.lastActiveIteration(of: second))
            return one != other ? one < other : pool.records[first].isBefore(pool.records[second])
        }
        removeSegments(Array(oldest.prefix(count)))
        matchesAreStale = true
        hasReachedLimit = true
    }

    /// The iteration at or before which at least `count` segments were last reinforced.
    ///
    /// Counting by age in 4096 steps leaves few segments to sort.
    private func lastActiveIteration(ofOldest count: Int) -> Int {
        let steps = 4096
        var counts = [Int](repeating: 0, count: steps)
        for segment in 0..<pool.records.count where pool.isInUse(segment) {
            counts[Int(pool.lastActiveIteration(of: segment)) * steps / (iteration + 1)] += 1
        }
        var seen = 0
        for step in 0..<steps {
            seen += counts[step]
            if seen >= count {
                return ((step + 1) * (iteration + 1) + steps - 1) / steps
            }
        }
        return iteration
    }
}
