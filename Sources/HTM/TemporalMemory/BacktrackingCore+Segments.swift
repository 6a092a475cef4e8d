// SPDX-License-Identifier: Apache-2.0

extension BacktrackingCore {
    // MARK: Updates

    /// Collects in `updateMask` what a reinforcement of `segment` would use: its sources among the learning cells, and as many
    /// more of them, drawn at random, as it lacks.
    ///
    /// - Returns: Whether there is anything to use.
    mutating func buildUpdate(of segment: Int) -> Bool {
        let record = pool.records[segment]
        let sources = pool.sources(of: record)
        let pattern = learnPattern.base
        let patternCount = learnPattern.count
        let ranks = learnRanks.base
        updateMask.refill(with: 0, count: patternWords)
        if let kernelPattern {
            let synapses = Synapses<Layout>(
                sources: sources,
                permanences: pool.permanences(of: record),
                count: Int(record.size)
            )
            if let hits = Layout.patternHits(synapses, kernelPattern, level: level) {
                updateMask[0] = hits
                let count = hits.nonzeroBitCount
                return addSources(parameters.newSynapseCount - count, among: patternCount - count) || hits != 0
            }
        }
        // Nearly always the pattern fits one word, which stays in a register.
        var firstWord: UInt64 = 0
        for synapse in 0..<Int(record.size) {
            let rank = Int(ranks[pool.column(of: sources[synapse])])
            if rank < patternCount && pattern[rank] == sources[synapse] {
                if rank < 64 {
                    firstWord |= 1 << UInt64(truncatingIfNeeded: rank)
                } else {
                    updateMask.base[rank >> 6] |= 1 << UInt64(truncatingIfNeeded: rank & 63)
                }
            }
        }
        updateMask[0] = firstWord
        var hitCount = 0
        for word in 0..<updateMask.count {
            hitCount += updateMask[word].nonzeroBitCount
        }
        return addSources(parameters.newSynapseCount - hitCount, among: patternCount - hitCount) || hitCount > 0
    }

    /// The same for a segment that doesn't exist yet.
    mutating func buildNewSegmentUpdate() -> Bool {
        updateMask.refill(with: 0, count: patternWords)
        return addSources(parameters.newSynapseCount, among: learnPattern.count)
    }

    /// Adds up to `wanted` of the learning cells that aren't in `updateMask` yet.
    private mutating func addSources(_ wanted: Int, among candidateCount: Int) -> Bool {
        guard wanted > 0, candidateCount > 0 else {
            return false
        }
        if candidateCount <= wanted {
            for word in 0..<updateMask.count {
                updateMask[word] = fullMask(word: word)
            }
            return true
        }
        if wanted == 1 {
            addCandidate(number: Int(random.uint32(below: UInt32(candidateCount))))
            return true
        }
        var remaining = candidateCount
        var missing = wanted
        for word in 0..<updateMask.count {
            var rest = fullMask(word: word) & ~updateMask[word]
            var chosen: UInt64 = 0
            while rest != 0 && missing > 0 {
                let lowest = rest & (0 &- rest)
                rest ^= lowest
                if Int(random.uint32(below: UInt32(truncatingIfNeeded: remaining))) < missing {
                    chosen |= lowest
                    missing -= 1
                }
                remaining -= 1
            }
            updateMask[word] |= chosen
            if missing == 0 {
                break
            }
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
        for word in 0..<updateMask.count {
            var rest = fullMask(word: word) & ~updateMask[word]
            let count = rest.nonzeroBitCount
            if number >= count {
                number -= count
                continue
            }
            for _ in 0..<number {
                rest &= rest - 1
            }
            updateMask[word] |= rest & (0 &- rest)
            return
        }
    }

    // MARK: Adapting

    /// Reinforces a segment by `updateMask`: sources in it gain, the others lose, missing ones are added.
    mutating func adapt(_ segment: Int) {
        pool.records.base[segment].lastActiveIteration = UInt32(truncatingIfNeeded: iteration)
        if pool.records[segment].positiveActivations < .max {
            pool.records.base[segment].positiveActivations += 1
        }
        reinforceDutyCycle(of: segment)
        var addedCount = changePermanences(of: segment)
        let limit = parameters.maxSynapsesPerSegment ?? Int(Layout.Small.max)
        let excess = Int(pool.records[segment].size) + addedCount - limit
        if excess > 0 {
            let removed = removeWeakest(excess, of: segment)
            addedCount = min(addedCount, addedCount - (excess - removed))
        }
        if addedCount > 0 {
            addSynapses(addedCount, to: segment)
        }
        if pool.records[segment].size == 0 {
            pool.remove(segment)
        }
    }

    /// Strengthens the synapses in the update and weakens the others; what isn't on the segment yet is left in `hitMask`.
    ///
    /// - Returns: How many sources of the update the segment lacks.
    private mutating func changePermanences(of segment: Int) -> Int {
        if let missing = changePermanencesByKernel(of: segment) {
            return missing
        }
        let record = pool.records[segment]
        let sources = pool.sources(of: record)
        let permanences = pool.permanences(of: record)
        let pattern = learnPattern.base
        let patternCount = learnPattern.count
        let ranks = learnRanks.base
        let mask = updateMask.base
        hitMask.refill(with: 0, count: patternWords)
        var firstWord: UInt64 = 0
        var kept = 0
        var connected = 0
        for synapse in 0..<Int(record.size) {
            let source = sources[synapse]
            let rank = Int(ranks[pool.column(of: source)])
            let isUpdated =
                rank < patternCount && pattern[rank] == source
                && mask[rank >> 6] >> UInt64(truncatingIfNeeded: rank & 63) & 1 == 1
            let changed: Layout.Rule.Stored
            if isUpdated {
                if rank < 64 {
                    firstWord |= 1 << UInt64(truncatingIfNeeded: rank)
                } else {
                    hitMask.base[rank >> 6] |= 1 << UInt64(truncatingIfNeeded: rank & 63)
                }
                changed = rule.increased(permanences[synapse])
            } else if let decreased = rule.decreased(permanences[synapse]) {
                changed = decreased
            } else {
                pool.disconnect(segment, from: source)
                continue
            }
            sources[kept] = source
            permanences[kept] = changed
            kept += 1
            connected += rule.isConnected(changed) ? 1 : 0
        }
        pool.records.base[segment].size = Layout.Small(truncatingIfNeeded: kept)
        pool.records.base[segment].connected = Layout.Small(truncatingIfNeeded: connected)
        hitMask[0] = firstWord
        var missing = 0
        for word in 0..<hitMask.count {
            hitMask[word] = updateMask[word] & ~hitMask[word]
            missing += hitMask[word].nonzeroBitCount
        }
        return missing
    }

    /// The same through a kernel, where there is one for the layout and the pattern.
    private mutating func changePermanencesByKernel(of segment: Int) -> Int? {
        guard let kernelPattern else {
            return nil
        }
        let record = pool.records[segment]
        let sources = pool.sources(of: record)
        let permanences = pool.permanences(of: record)
        let size = Int(record.size)
        let synapses = Synapses<Layout>(sources: sources, permanences: permanences, count: size)
        let update = updateMask[0]
        guard let change = Layout.reinforce(synapses, kernelPattern, update: update, rule: rule, level: level) else {
            return nil
        }
        if change.removed > 0 {
            var kept = 0
            for synapse in 0..<size {
                if Layout.isRemoved(permanences[synapse]) {
                    pool.disconnect(segment, from: sources[synapse])
                } else {
                    sources[kept] = sources[synapse]
                    permanences[kept] = permanences[synapse]
                    kept += 1
                }
            }
            pool.records.base[segment].size = Layout.Small(truncatingIfNeeded: kept)
        }
        pool.records.base[segment].connected = Layout.Small(truncatingIfNeeded: change.connected)
        hitMask.refill(with: update & ~change.hits, count: 1)
        return hitMask[0].nonzeroBitCount
    }

    /// The learning pattern for kernels; `nil` when it or the cells' numbering isn't what they can do.
    @inline(__always)
    private var kernelPattern: LearningPattern<Layout>? {
        guard learnPattern.count <= 64, pool.cellShift >= 0 else {
            return nil
        }
        return LearningPattern(
            cells: UnsafePointer(learnPattern.base),
            ranks: UnsafePointer(learnRanks.base),
            count: learnPattern.count,
            columnShift: pool.cellShift
        )
    }

    /// Removes the weakest synapses: inactive ones first, then by permanence, then by source.
    ///
    /// - Returns: How many were removed.
    private mutating func removeWeakest(_ count: Int, of segment: Int) -> Int {
        let record = pool.records[segment]
        let sources = pool.sources(of: record)
        let permanences = pool.permanences(of: record)
        let size = Int(record.size)
        let removedCount = min(count, size)
        for removed in 0..<removedCount {
            let left = size - removed
            var weakest = 0
            var weakestIsActive = isInUpdate(sources[0])
            for synapse in 1..<max(left, 1) {
                let isActive = isInUpdate(sources[synapse])
                if isActive != weakestIsActive ? weakestIsActive : permanences[synapse] < permanences[weakest] {
                    weakest = synapse
                    weakestIsActive = isActive
                }
            }
            pool.disconnect(segment, from: sources[weakest])
            if rule.isConnected(permanences[weakest]) {
                pool.records.base[segment].connected -= 1
            }
            for synapse in weakest..<left - 1 {
                sources[synapse] = sources[synapse + 1]
                permanences[synapse] = permanences[synapse + 1]
            }
        }
        pool.records.base[segment].size = Layout.Small(truncatingIfNeeded: size - removedCount)
        return removedCount
    }

    private func isInUpdate(_ source: Cell) -> Bool {
        let rank = Int(learnRanks[pool.column(of: source)])
        return rank < learnPattern.count && learnPattern[rank] == source
            && updateMask[rank >> 6] >> UInt64(truncatingIfNeeded: rank & 63) & 1 == 1
    }

    /// Merges the first `count` cells of `hitMask` into the segment's synapses, keeping them in order.
    private mutating func addSynapses(_ count: Int, to segment: Int) {
        let size = Int(pool.records[segment].size)
        pool.reserve(size + count, segment: segment)
        let record = pool.records[segment]
        let sources = pool.sources(of: record)
        let permanences = pool.permanences(of: record)
        // From the back, so that nothing is overwritten before it has moved.
        var write = size + count - 1
        var read = size - 1
        var added = 0
        withUnsafeTemporaryAllocation(of: Cell.self, capacity: count) { fresh in
            outer: for word in 0..<hitMask.count {
                var rest = hitMask[word]
                while rest != 0 {
                    if added == count {
                        break outer
                    }
                    fresh[added] = learnPattern[word * 64 + rest.trailingZeroBitCount]
                    added += 1
                    rest &= rest - 1
                }
            }
            for index in stride(from: count - 1, through: 0, by: -1) {
                while read >= 0 && sources[read] > fresh[index] {
                    sources[write] = sources[read]
                    permanences[write] = permanences[read]
                    write -= 1
                    read -= 1
                }
                sources[write] = fresh[index]
                permanences[write] = rule.initial
                write -= 1
                pool.connect(segment, from: fresh[index])
            }
        }
        pool.records.base[segment].size = Layout.Small(truncatingIfNeeded: size + count)
        if rule.isConnected(rule.initial) {
            pool.records.base[segment].connected += Layout.Small(truncatingIfNeeded: count)
        }
    }

    /// Makes a segment on a cell from the sources in `updateMask`.
    mutating func createSegment(on cell: Cell) {
        let slot = pool.takeSlot(of: cell)
        var count = 0
        hitMask.refill(with: 0, count: patternWords)
        for word in 0..<updateMask.count {
            hitMask[word] = updateMask[word]
            count += updateMask[word].nonzeroBitCount
        }
        let record = SegmentPool<Layout>.Record(
            start: 0,
            lastActiveIteration: UInt32(truncatingIfNeeded: iteration),
            dutyCycleIteration: UInt32(truncatingIfNeeded: iteration),
            dutyCycle: 1 / Float(max(iteration, 1)),
            cell: cell,
            positiveActivations: 1,
            slot: Layout.Small(truncatingIfNeeded: slot),
            size: 0,
            connected: 0,
            units: 0
        )
        let segment = pool.insert(record, capacity: count)
        addSynapses(count, to: segment)
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
        var cell = roomyCount == cellsPerColumn - 1 ? number + 1 : 1
        if roomyCount < cellsPerColumn - 1 {
            while true {
                if hasRoom(cell) {
                    if number == 0 {
                        break
                    }
                    number -= 1
                }
                cell += 1
            }
        }
        return Cell(truncatingIfNeeded: first + cell)
    }

    private mutating func evictSegment(inColumn column: Int) -> Cell {
        var victim: Int?
        var smallest: Float = 1
        for segment in 0..<pool.records.count where pool.records[segment].size > 0 {
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
            pool.remove(segment)
        }
    }

    /// Brings a segment's duty cycle up to the current iteration.
    @inline(__always)
    mutating func touchDutyCycle(of segment: Int) {
        let record = pool.records.base + segment
        let age = iteration - Int(record.pointee.dutyCycleIteration)
        if iteration <= DutyCycleRule.startupIterations {
            record.pointee.dutyCycle = Float(record.pointee.positiveActivations) / Float(max(iteration, 1))
        } else if age > 0 {
            record.pointee.dutyCycle = dutyCycleRule.decayed(record.pointee.dutyCycle, age: age, isActive: false)
        }
        record.pointee.dutyCycleIteration = UInt32(truncatingIfNeeded: iteration)
    }

    private mutating func reinforceDutyCycle(of segment: Int) {
        guard iteration > DutyCycleRule.startupIterations else {
            touchDutyCycle(of: segment)
            return
        }
        let record = pool.records.base + segment
        let age = iteration - Int(record.pointee.dutyCycleIteration)
        record.pointee.dutyCycle = dutyCycleRule.decayed(record.pointee.dutyCycle, age: age, isActive: true)
        record.pointee.dutyCycleIteration = UInt32(truncatingIfNeeded: iteration)
    }

    mutating func refreshDutyCycles() {
        for segment in 0..<pool.records.count where pool.records[segment].size > 0 {
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
        for segment in 0..<pool.records.count where pool.records[segment].size > 0 {
            let record = pool.records[segment]
            guard iteration - Int(record.lastActiveIteration) > parameters.maxAge else {
                continue
            }
            let sources = pool.sources(of: record)
            let permanences = pool.permanences(of: record)
            var kept = 0
            var connected = 0
            for synapse in 0..<Int(record.size) {
                guard let decayed = rule.decayed(permanences[synapse], by: parameters.globalDecay) else {
                    pool.disconnect(segment, from: sources[synapse])
                    continue
                }
                sources[kept] = sources[synapse]
                permanences[kept] = decayed
                kept += 1
                connected += rule.isConnected(decayed) ? 1 : 0
            }
            pool.records.base[segment].size = Layout.Small(truncatingIfNeeded: kept)
            pool.records.base[segment].connected = Layout.Small(truncatingIfNeeded: connected)
            if kept == 0 {
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
            pool.records[$0].size > 0 && Int(pool.records[$0].lastActiveIteration) <= cut
        }
        let oldest = candidates.sorted { first, second in
            let (one, other) = (pool.records[first], pool.records[second])
            return one.lastActiveIteration != other.lastActiveIteration
                ? one.lastActiveIteration < other.lastActiveIteration : one.isBefore(other)
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
        for segment in 0..<pool.records.count where pool.records[segment].size > 0 {
            counts[Int(pool.records[segment].lastActiveIteration) * steps / (iteration + 1)] += 1
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
