// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Turns input bits into a fixed number of active columns, and learns to represent frequent inputs well.
///
///     overlap[c] = number of connected inputs of column c that are on
///     winners    = the columns of largest overlap, ties to the higher column
///     winners learn: permanence += inc where the input is on, −= dec where it is off
///
/// A value: copies share columns until one of them learns. Columns that never won are the blueprint's.
package struct SpatialPooler: Sendable {
    let blueprint: SpatialPoolerBlueprint
    /// Owned by one pooler at a time for writing: `makeUnique()` before every change.
    nonisolated(unsafe) var store: ColumnStore
    let level: KernelLevel
    /// Records seen, and of them records learned from.
    var iteration = 0
    var learningIteration = 0
    /// `nil` while every column's overlap duty cycle is exactly 1, which is nearly always.
    var overlapDutyCycles: [Float]?
    /// Only with boosting.
    var activeDutyCycles: [Float] = []
    var boostFactors: [Float] = []
    var minimumOverlapDutyCycle: Float = 0

    init(blueprint: SpatialPoolerBlueprint, level: KernelLevel = .best) {
        self.blueprint = blueprint
        self.level = level
        store = ColumnStore(blueprint: blueprint)
        if blueprint.parameters.boostStrength != 0 {
            activeDutyCycles = [Float](repeating: 0, count: blueprint.parameters.columnCount)
            boostFactors = [Float](repeating: 1, count: blueprint.parameters.columnCount)
        }
    }

    /// Makes the initial synapses and a pooler on them; models of one shape share one blueprint instead (`ModelFactory`).
    package init(
        parameters: SpatialPoolerParameters,
        inputCount: Int,
        level: KernelLevel = .best
    ) throws(ParameterError) {
        self.init(blueprint: try SpatialPoolerBlueprint(parameters: parameters, inputCount: inputCount), level: level)
    }

    private var parameters: SpatialPoolerParameters { blueprint.parameters }

    /// How often duty cycles' lower bound is refreshed, in records.
    static let updatePeriod = 50

    /// The winners for an input, ascending; with `learn` they adapt to it.
    package mutating func compute(_ input: InputBits, learn: Bool) -> [UInt16] {
        precondition(input.count == blueprint.inputCount, "input of another width than the pooler's")
        iteration += 1
        if learn {
            learningIteration += 1
        }
        let columnCount = parameters.columnCount
        return withUnsafeTemporaryAllocation(of: UInt16.self, capacity: columnCount) { overlaps in
            let overlaps = overlaps.baseAddress!
            computeOverlaps(input, into: overlaps)
            var silentCount: Int32 = 0
            let winners = selectWinners(overlaps, boosted: learn, silentCount: &silentCount)
            if learn {
                adapt(winners, to: input)
                updateDutyCycles(overlaps, silentCount: Int(silentCount), winners: winners)
            }
            return winners
        }
    }

    private func computeOverlaps(_ input: InputBits, into overlaps: UnsafeMutablePointer<UInt16>) {
        let words = Int32(blueprint.wordsPerColumn)
        input.words.withUnsafeBufferPointer { input in
            let input = input.baseAddress!
            ck_overlaps(level.kernel, blueprint.connected, input, Int32(parameters.columnCount), words, overlaps)
            // The shared masks are wrong for the columns this model changed: count those again from its own.
            let owned = store.columns
            withUnsafeTemporaryAllocation(of: UInt16.self, capacity: owned.count) { counts in
                guard let counts = counts.baseAddress, !owned.isEmpty else {
                    return
                }
                ck_overlaps(level.kernel, store.connected.base, input, Int32(owned.count), words, counts)
                owned.withUnsafeBufferPointer { owned in
                    for slot in owned.indices {
                        overlaps[Int(owned[slot])] = counts[slot]
                    }
                }
            }
        }
    }

    private func selectWinners(
        _ overlaps: UnsafeMutablePointer<UInt16>,
        boosted: Bool,
        silentCount: inout Int32
    ) -> [UInt16] {
        let (columnCount, winnerCount) = (parameters.columnCount, parameters.winnerCount)
        if boosted && !boostFactors.isEmpty {
            silentCount = Int32((0..<columnCount).count { overlaps[$0] == 0 })
            return selectBoostedWinners(overlaps)
        }
        return [UInt16](unsafeUninitializedCapacity: winnerCount) { winners, count in
            count = Int(
                ck_select_winners(
                    level.kernel,
                    overlaps,
                    Int32(columnCount),
                    Int32(winnerCount),
                    UInt16(parameters.stimulusThreshold),
                    winners.baseAddress!,
                    &silentCount
                )
            )
        }
    }

    private func selectBoostedWinners(_ overlaps: UnsafeMutablePointer<UInt16>) -> [UInt16] {
        let scores = (0..<parameters.columnCount).map { Float(overlaps[$0]) * boostFactors[$0] }
        let threshold = Float(parameters.stimulusThreshold)
        let candidates = scores.indices.filter { scores[$0] >= threshold }
        let ranked = candidates.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 > $1 }
        return ranked.prefix(parameters.winnerCount).sorted().map { UInt16($0) }
    }

    private mutating func makeUnique() {
        if !isKnownUniquelyReferenced(&store) {
            store = store.copy()
        }
    }

    /// The constants of a learning step.
    var adaptRule: ck_adapt_rule {
        ck_adapt_rule(
            increment: parameters.synPermActiveInc,
            decrement: parameters.synPermInactiveDec,
            connected: parameters.connectedThreshold,
            trim: parameters.trimThreshold,
            maximum: 1,
            settled: blueprint.outsiders.map { Int32($0.settledCount) } ?? .max
        )
    }

    private mutating func adapt(_ winners: [UInt16], to input: InputBits) {
        makeUnique()
        let rule = adaptRule
        let words = blueprint.wordsPerColumn
        let slots = winners.map { ownedSlot(of: Int($0)) }
        // No slot is added from here on: the buffers stay where they are.
        let (permanences, members) = (store.permanences.base, store.members.base)
        let connected = store.connected.base
        blueprint.potential.withUnsafeBufferPointer { potential in
            input.words.withUnsafeBufferPointer { input in
                let (potential, input) = (potential.baseAddress!, input.baseAddress!)
                for (index, slot) in slots.enumerated() {
                    if index + 1 < slots.count {
                        // The next column's run begins where no hardware expects it: ask for its first lines.
                        let next = permanences[slots[index + 1]]
                        for place in stride(from: 0, to: min(Int(next.memberCount), 96), by: 16) {
                            ck_prefetch(next.members! + place)
                        }
                    }
                    let column = Int(winners[index])
                    let (potential, members) = (potential + column * words, members + slot * words)
                    let newcomers = ck_count_newcomers(members, potential, input, Int32(words))
                    if newcomers > 0 {
                        admit(input, Int(newcomers), column: column, slot: slot)
                    }
                    ck_adapt_column(
                        level.kernel,
                        permanences[slot].members,
                        members,
                        input,
                        Int32(words),
                        rule,
                        connected + slot * words
                    )
                    weakenOutsiders(column: column, slot: slot, permanences + slot)
                }
            }
        }
        if parameters.stimulusThreshold > 0 {
            for column in winners {
                raise(column: Int(column))
            }
        }
    }

    /// The slot of a column, which takes over the blueprint's values when it has none yet.
    private func ownedSlot(of column: Int) -> Int {
        if let slot = store.slot(of: column) {
            return slot
        }
        let slot = store.addSlot(for: column)
        connectOutsiders(column: column, slot: slot)
        if blueprint.outsiders == nil {
            admitAll(column: column, slot: slot)
        }
        return slot
    }

    /// Makes members of the potential inputs that are on, of which there are `count`.
    private func admit(_ input: UnsafePointer<UInt64>, _ count: Int, column: Int, slot: Int) {
        store.setMemberCount(Int(store.permanences[slot].memberCount) + count, slot: slot)
        separate(
            input,
            count,
            of: column,
            permanences: store.permanences[slot].members!,
            members: store.members.base + slot * blueprint.wordsPerColumn,
            decrements: store.permanences[slot].decrements
        )
    }

    /// Makes members of all potential inputs, as changes need that aren't learning steps.
    private func admitAll(column: Int, slot: Int) {
        let count = poolSize(of: column) - Int(store.permanences[slot].memberCount)
        if count > 0 {
            blueprint.potential.withUnsafeBufferPointer {
                admit($0.baseAddress! + column * blueprint.wordsPerColumn, count, column: column, slot: slot)
            }
        }
        store.permanences[slot].lowestConnected = .infinity
    }

    /// Adds the `count` outsiders that are on in `input` to a column's members and their permanences to those of the members.
    private func separate(
        _ input: UnsafePointer<UInt64>,
        _ count: Int,
        of column: Int,
        permanences: UnsafeMutablePointer<Float>,
        members: UnsafeMutablePointer<UInt64>,
        decrements: UInt16
    ) {
        let words = blueprint.wordsPerColumn
        withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { newcomers in
            blueprint.potential.withUnsafeBufferPointer { potential in
                blueprint.permanences.withUnsafeBufferPointer { initial in
                    ck_admit(
                        level.kernel,
                        permanences,
                        members,
                        potential.baseAddress! + column * words,
                        input,
                        Int32(words),
                        initial.baseAddress! + column * blueprint.permanencesPerColumn,
                        Int32(decrements),
                        adaptRule,
                        newcomers.baseAddress!
                    )
                }
            }
        }
    }

    /// Counts one more decrement of a column's outsiders, and disconnects those it takes below the threshold.
    @inline(__always)
    private func weakenOutsiders(column: Int, slot: Int, _ permanences: UnsafeMutablePointer<ColumnPermanences>) {
        guard let outsiders = blueprint.outsiders else {
            return
        }
        let decrements = min(Int(permanences.pointee.decrements) + 1, outsiders.settledCount)
        permanences.pointee.decrements = UInt16(decrements)
        if permanences.pointee.lowestConnected < outsiders.thresholds[decrements] {
            connectOutsiders(column: column, slot: slot)
        }
    }

    /// Rewrites the outsiders' part of a column's connected mask.
    func connectOutsiders(column: Int, slot: Int) {
        let words = blueprint.wordsPerColumn
        let decrements = Int(store.permanences[slot].decrements)
        blueprint.potential.withUnsafeBufferPointer { potential in
            blueprint.permanences.withUnsafeBufferPointer { initial in
                store.permanences[slot].lowestConnected = ck_connect_outsiders(
                    level.kernel,
                    initial.baseAddress! + column * blueprint.permanencesPerColumn,
                    store.members.base + slot * words,
                    potential.baseAddress! + column * words,
                    Int32(words),
                    blueprint.outsiders?.thresholds[decrements] ?? parameters.connectedThreshold,
                    store.connected.base + slot * words
                )
            }
        }
    }

    /// Writes the permanences of all potential inputs of a changed column, in input order.
    func copyPermanences(column: Int, slot: Int, to values: UnsafeMutablePointer<Float>) {
        let words = blueprint.wordsPerColumn
        let permanences = store.permanences[slot]
        let count = Int(permanences.memberCount)
        if let members = permanences.members {
            values.update(from: members, count: count)
        }
        guard count < poolSize(of: column) else {
            return
        }
        // As if all inputs came on now, in a copy.
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: words) { members in
            members.baseAddress!.update(from: store.members.base + slot * words, count: words)
            blueprint.potential.withUnsafeBufferPointer {
                separate(
                    $0.baseAddress! + column * words,
                    poolSize(of: column) - count,
                    of: column,
                    permanences: values,
                    members: members.baseAddress!,
                    decrements: permanences.decrements
                )
            }
        }
    }

    /// Strengthens all potential synapses until `stimulusThreshold` of them are connected (or all are).
    private func raise(column: Int) {
        let slot = ownedSlot(of: column)
        let words = blueprint.wordsPerColumn
        let needed = min(parameters.stimulusThreshold, poolSize(of: column))
        let connected = (slot * words..<(slot + 1) * words).reduce(0) { $0 + store.connected[$1].nonzeroBitCount }
        guard connected < needed else {
            return
        }
        admitAll(column: column, slot: slot)
        let permanences = UnsafeMutableBufferPointer(
            start: store.permanences[slot].members,
            count: Int(store.permanences[slot].memberCount)
        )
        while permanences.count(where: { $0 >= parameters.connectedThreshold }) < needed {
            for index in permanences.indices {
                permanences[index] = min(permanences[index] + parameters.belowStimulusIncrement, 1)
            }
        }
        refreshConnected(column: column, slot: slot)
    }

    func poolSize(of column: Int) -> Int {
        let words = blueprint.wordsPerColumn
        return (column * words..<(column + 1) * words).reduce(0) { $0 + blueprint.potential[$1].nonzeroBitCount }
    }

    /// Trims a column's permanences, all of them members', and rewrites its connected mask.
    private func refreshConnected(column: Int, slot: Int) {
        let words = blueprint.wordsPerColumn
        guard var permanence = store.permanences[slot].members else {
            return
        }
        for word in 0..<words {
            var rest = blueprint.potential[column * words + word]
            var mask: UInt64 = 0
            while rest != 0 {
                let bit = UInt64(rest.trailingZeroBitCount)
                rest &= rest - 1
                if permanence.pointee >= parameters.connectedThreshold {
                    mask |= 1 << bit
                }
                permanence.pointee = min(permanence.pointee, 1)
                if permanence.pointee < parameters.trimThreshold {
                    permanence.pointee = 0
                }
                permanence += 1
            }
            store.connected.base[slot * words + word] = mask
        }
    }

    private mutating func updateDutyCycles(
        _ overlaps: UnsafeMutablePointer<UInt16>,
        silentCount: Int,
        winners: [UInt16]
    ) {
        let period = Float(min(parameters.dutyCyclePeriod, iteration))
        if overlapDutyCycles == nil && (silentCount > 0 || iteration == 1) {
            // Duty cycles start at 0; the first record lifts those of overlapping columns to exactly 1, where they stay while
            // the columns overlap: (1 · (p − 1) + 1) / p = 1.
            let start: Float = iteration == 1 ? 0 : 1
            overlapDutyCycles = [Float](repeating: start, count: parameters.columnCount)
        }
        if overlapDutyCycles != nil {
            Self.average(&overlapDutyCycles!, period: period) { overlaps[$0] > 0 }
            if iteration == 1 && silentCount == 0 {
                overlapDutyCycles = nil
            }
        }
        if !activeDutyCycles.isEmpty {
            var isWinner = [Bool](repeating: false, count: parameters.columnCount)
            for column in winners {
                isWinner[Int(column)] = true
            }
            Self.average(&activeDutyCycles, period: period) { isWinner[$0] }
        }
        strengthenWeakColumns()
        updateBoostFactors()
        if iteration % Self.updatePeriod == 0 {
            minimumOverlapDutyCycle = parameters.minPctOverlapDutyCycle * (overlapDutyCycles.map { $0.max() ?? 0 } ?? 1)
        }
    }

    private static func average(_ dutyCycles: inout [Float], period: Float, _ isHit: (Int) -> Bool) {
        dutyCycles.withUnsafeMutableBufferPointer { dutyCycles in
            for column in dutyCycles.indices {
                dutyCycles[column] = (dutyCycles[column] * (period - 1) + (isHit(column) ? 1 : 0)) / period
            }
        }
    }

    /// Lifts all potential synapses of columns that hardly ever overlap with the input.
    private mutating func strengthenWeakColumns() {
        guard let overlapDutyCycles, minimumOverlapDutyCycle > 0 else {
            return
        }
        for column in overlapDutyCycles.indices where overlapDutyCycles[column] < minimumOverlapDutyCycle {
            makeUnique()
            let slot = ownedSlot(of: column)
            admitAll(column: column, slot: slot)
            let permanences = store.permanences[slot]
            for index in 0..<Int(permanences.memberCount) {
                permanences.members![index] += parameters.belowStimulusIncrement
            }
            refreshConnected(column: column, slot: slot)
        }
    }

    private mutating func updateBoostFactors() {
        guard !boostFactors.isEmpty else {
            return
        }
        let columns = Float(parameters.columnCount)
        let density =
            parameters.localAreaDensity > 0
            ? parameters.localAreaDensity : min(Float(parameters.numActiveColumnsPerInhArea) / columns, 0.5)
        for column in boostFactors.indices {
            boostFactors[column] = Float(
                exponential(Double((density - activeDutyCycles[column]) * parameters.boostStrength))
            )
        }
    }
}

extension SpatialPooler {
    /// Columns whose synapses differ from the blueprint's.
    package var changedColumnCount: Int { store.columns.count }

    /// Memory beyond the blueprint, roughly. Unit: bytes.
    package var byteCount: Int {
        store.memberByteCount + store.permanences.byteCount + store.members.byteCount + store.connected.byteCount
            + 2 * (store.columns.count + store.slotPlusOne.count)
            + 4 * ((overlapDutyCycles?.count ?? 0) + activeDutyCycles.count + boostFactors.count)
    }

    /// A column's potential inputs, ascending, with their permanences.
    package func synapses(of column: Int) -> [(input: Int, permanence: Float, isConnected: Bool)] {
        let words = blueprint.wordsPerColumn
        let slot = store.slot(of: column)
        let start = column * blueprint.permanencesPerColumn
        var permanences = Array(blueprint.permanences[start..<start + blueprint.permanencesPerColumn])
        if let slot {
            permanences.withUnsafeMutableBufferPointer {
                copyPermanences(column: column, slot: slot, to: $0.baseAddress!)
            }
        }
        var result: [(Int, Float, Bool)] = []
        for input in 0..<blueprint.inputCount {
            let (word, bit) = (input / 64, UInt64(input % 64))
            guard blueprint.potential[column * words + word] >> bit & 1 == 1 else {
                continue
            }
            let mask = slot.map { store.connected[$0 * words + word] } ?? blueprint.connected[column * words + word]
            result.append((input, permanences[result.count], mask >> bit & 1 == 1))
        }
        return result
    }
}
