// SPDX-License-Identifier: Apache-2.0

import CKernels

extension SpatialPooler {
    /// Appends what differs from the blueprint. Layout: docs/formats/checkpoint.md, "Spatial pooler".
    package func encode(into encoder: inout StateEncoder) {
        encoder.encodeVarint(iteration)
        encoder.encodeVarint(learningIteration)
        encoder.encode(minimumOverlapDutyCycle)
        encoder.encode(overlapDutyCycles != nil)
        if let overlapDutyCycles {
            encoder.encode(overlapDutyCycles)
        }
        encoder.encode(activeDutyCycles)
        encoder.encode(boostFactors)
        let columns = store.columns.sorted()
        encoder.encode(columns)
        var streams = ColumnStreams()
        defer { streams.deallocate() }
        let memberCount = columns.indices.reduce(0) { $0 + Int(store.permanences[$1].memberCount) }
        streams.reserve(columns: columns.count, words: blueprint.wordsPerColumn, members: memberCount)
        var coder = PermanenceCoder(blueprint: blueprint, level: level)
        defer { coder.deallocate() }
        for column in columns {
            let slot = store.slot(of: Int(column))!
            let permanences = store.permanences[slot]
            let members = store.members.base + slot * blueprint.wordsPerColumn
            streams.append(decrements: permanences.decrements, members, words: blueprint.wordsPerColumn)
            coder.encode(permanences.members, members, column: Int(column), &streams.steps, &streams.residues)
        }
        encoder.encode(streams.decrements)
        encoder.encode(streams.members)
        encoder.encode(streams.steps)
        encoder.encode(streams.residues)
    }

    /// Takes over what `encode(into:)` wrote, into a pooler just made from the same blueprint.
    ///
    /// - Parameter version: Of the model's state; in version 1 every potential input has its own permanence.
    package mutating func restore(
        from decoder: inout StateDecoder,
        version: UInt32 = AnomalyModel.stateVersion
    ) throws(CheckpointError) {
        let sharesHistories = version >= 2
        let columnCount = blueprint.parameters.columnCount
        iteration = try decoder.decodeVarint(atMost: Int(Int32.max), "SP iteration")
        learningIteration = try decoder.decodeVarint(atMost: iteration, "SP learning iteration")
        minimumOverlapDutyCycle = try decoder.decodeFloat()
        overlapDutyCycles = nil
        if try decoder.decodeBool() {
            overlapDutyCycles = try Self.decodeColumnFloats(columnCount, "SP overlap duty cycles", &decoder)
        }
        let boosted = activeDutyCycles.count
        activeDutyCycles = try Self.decodeColumnFloats(boosted, "SP active duty cycles", &decoder)
        boostFactors = try Self.decodeColumnFloats(boosted, "SP boost factors", &decoder)
        let changed = try decoder.decodeCount(bytesPerElement: 2, "SP columns")
        store = ColumnStore(blueprint: blueprint)
        store.reserve(min(changed, columnCount))
        var last = -1
        for _ in 0..<changed {
            let column = Int(try decoder.decodeUInt16())
            guard column > last, column < columnCount else {
                throw .damaged("SP column \(column) after \(last), expected ascending numbers below \(columnCount)")
            }
            last = column
            _ = store.addSlot(for: column)
        }
        if sharesHistories {
            try restoreMembers(from: &decoder)
        }
        let steps = try decoder.decodeStream("SP permanences")
        let residues = try decoder.decodeStream("SP permanences' remainders")
        let isSound = decoder.withStreams([steps, residues]) { streams in
            restorePermanences(streams[0], streams[1], sharesHistories: sharesHistories)
        }
        guard isSound else {
            throw .damaged("SP permanences don't fit their columns or lie outside 0...1")
        }
    }

    private static func decodeColumnFloats(
        _ count: Int,
        _ what: String,
        _ decoder: inout StateDecoder
    ) throws(CheckpointError) -> [Float] {
        let values = try decoder.decodeFloats(what)
        guard values.count == count else {
            throw .damaged("\(values.count) \(what), expected \(count)")
        }
        guard values.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            throw .damaged("\(what) are not all finite numbers from 0 on")
        }
        return values
    }

    /// Reads who has a permanence of its own in each changed column, and what the others have lost.
    private func restoreMembers(from decoder: inout StateDecoder) throws(CheckpointError) {
        let words = blueprint.wordsPerColumn
        let decrements = try decoder.decodeStream("SP decrements")
        let masks = try decoder.decodeStream("SP members")
        let isSound = decoder.withStreams([decrements, masks]) { streams in
            guard streams[1].count == store.columns.count * words * MemoryLayout<UInt64>.size else {
                return false
            }
            var decrements = ByteStreamReader(streams[0])
            let masks = UnsafeRawBufferPointer(streams[1])
            let mostDecrements = blueprint.outsiders?.settledCount ?? 0
            for (slot, column) in store.columns.enumerated() {
                let lost = decrements.varint()
                guard lost <= mostDecrements else {
                    return false
                }
                store.permanences[slot].decrements = UInt16(lost)
                var (count, poolSize) = (0, 0)
                for word in 0..<words {
                    let offset = (slot * words + word) * MemoryLayout<UInt64>.size
                    let members = UInt64(littleEndian: masks.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                    let potential = blueprint.potential[Int(column) * words + word]
                    guard members & ~potential == 0 else {
                        return false
                    }
                    store.members[slot * words + word] = members
                    count += members.nonzeroBitCount
                    poolSize += potential.nonzeroBitCount
                }
                guard blueprint.outsiders != nil || count == poolSize else {
                    return false
                }
                store.setMemberCount(count, slot: slot)
            }
            return decrements.isAtEnd
        }
        guard isSound else {
            throw .damaged(
                "SP members aren't potential inputs of their columns, or the other inputs have lost too many decrements"
            )
        }
    }

    private func restorePermanences(
        _ steps: UnsafeBufferPointer<UInt8>,
        _ residues: UnsafeBufferPointer<UInt8>,
        sharesHistories: Bool
    ) -> Bool {
        guard let firstStep = steps.baseAddress, let firstResidue = residues.baseAddress else {
            return store.columns.isEmpty && steps.isEmpty && residues.isEmpty
        }
        var coder = PermanenceCoder(blueprint: blueprint, level: level)
        defer { coder.deallocate() }
        var streams = ck_permanence_streams(
            steps: firstStep,
            steps_end: firstStep + steps.count,
            residues: firstResidue,
            residues_end: firstResidue + residues.count
        )
        let (words, stride) = (blueprint.wordsPerColumn, blueprint.permanencesPerColumn)
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * stride) { values in
            let permanences = values.baseAddress!
            for (slot, column) in store.columns.enumerated() {
                let column = Int(column)
                if sharesHistories {
                    let members = store.members.base + slot * words
                    guard coder.decode(into: store.permanences[slot].members, members, column: column, &streams) else {
                        return false
                    }
                    connect(column: column, slot: slot)
                } else {
                    let isSound = blueprint.potential.withUnsafeBufferPointer {
                        coder.decode(into: permanences, $0.baseAddress! + column * words, column: column, &streams)
                    }
                    guard isSound else {
                        return false
                    }
                    takeOver(permanences, column: column, slot: slot, scratch: permanences + stride)
                }
            }
            return streams.steps == streams.steps_end && streams.residues == streams.residues_end
        }
    }

    /// Fills an empty slot from the permanences of all potential inputs; `scratch` has room for as many.
    private func takeOver(
        _ permanences: UnsafeMutablePointer<Float>,
        column: Int,
        slot: Int,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let words = blueprint.wordsPerColumn
        let members = store.members.base + slot * words
        let count = poolSize(of: column)
        var memberCount = count
        blueprint.potential.withUnsafeBufferPointer { potential in
            let potential = potential.baseAddress! + column * words
            if let decrements = commonDecrements(permanences, count: count, column: column, scratch: scratch) {
                store.permanences[slot].decrements = UInt16(decrements)
                memberCount = Int(ck_expel(permanences, scratch, potential, Int32(words), members))
            } else {
                members.update(from: potential, count: words)
            }
        }
        store.setMemberCount(memberCount, slot: slot)
        store.permanences[slot].members?.update(from: permanences, count: memberCount)
        connect(column: column, slot: slot)
    }

    /// Makes a column's connected mask from its permanences, and trims those.
    private func connect(column: Int, slot: Int) {
        let words = blueprint.wordsPerColumn
        let members = store.members.base + slot * words
        // The masks follow from the permanences: no need to store them. A learning step that leaves permanences as they are makes them: as
        // if all inputs were on, and 0 is added.
        var rule = adaptRule
        rule.increment = 0
        ck_adapt_column(
            level.kernel,
            store.permanences[slot].members,
            members,
            members,
            Int32(words),
            rule,
            store.connected.base + slot * words
        )
        connectOutsiders(column: column, slot: slot)
    }

    /// How many decrements from their initial permanences most of a column's inputs are, and what those make of all of them, in `scratch`;
    /// `nil` if inputs share no history.
    ///
    /// Whether an input was ever on isn't known here and doesn't matter: one whose permanence is what it would be if it never was on is none
    /// the worse for being taken for such a one.
    private func commonDecrements(
        _ permanences: UnsafePointer<Float>,
        count: Int,
        column: Int,
        scratch: UnsafeMutablePointer<Float>
    ) -> Int? {
        guard let outsiders = blueprint.outsiders else {
            return nil
        }
        return blueprint.permanences.withUnsafeBufferPointer { initial in
            let initial = initial.baseAddress! + column * blueprint.permanencesPerColumn
            var largestLoss: Float = 0
            for index in 0..<count where permanences[index] > 0 && permanences[index] < 1 {
                largestLoss = max(largestLoss, initial[index] - permanences[index])
            }
            let steps = Int((largestLoss / blueprint.parameters.synPermInactiveDec).rounded())
            func matches(_ decrements: Int) -> Int {
                scratch.update(from: initial, count: count)
                ck_decline(level.kernel, scratch, Int32(count), Int32(decrements), adaptRule)
                return (0..<count).count { scratch[$0].bitPattern == permanences[$0].bitPattern }
            }
            let decrements = min(steps, outsiders.settledCount)
            let found = matches(decrements)
            guard 2 * found < count else {
                return decrements
            }
            // If the outsiders have all come to 0, what is above 0 tells nothing of them.
            guard matches(outsiders.settledCount) < found else {
                return outsiders.settledCount
            }
            _ = matches(decrements)
            return decrements
        }
    }
}

/// Codes a column's permanences as learning steps away from their initial values, and the rounding errors those left.
///
/// A permanence is its initial value plus so many decrements (an increment is a few of them backwards), up to the rounding of
/// 32-bit floats and the cuts at 0 and 1. Steps are counted from the column's lowest. Both numbers are small, and exact values come
/// back whatever they are.
private struct PermanenceCoder {
    private let blueprint: SpatialPoolerBlueprint
    private let unit: Double
    private let inverseUnit: Double
    private let level: KernelLevel
    private var stepCounts: GrowableBuffer<Int32>
    private var remainders: GrowableBuffer<Int64>
    /// The initial permanences of those that are coded.
    private var initial: GrowableBuffer<Float>

    /// The most that a permanence takes in either stream. Unit: bytes.
    private static let longest = 6
    /// Kernels write so many values beyond the last.
    private static let margin = 16

    init(blueprint: SpatialPoolerBlueprint, level: KernelLevel) {
        self.blueprint = blueprint
        self.level = level
        let parameters = blueprint.parameters
        let step = [parameters.synPermInactiveDec, parameters.synPermActiveInc, 0.0005].first { $0 > 0 } ?? 0.0005
        // The decimal number meant, so that the residues are the rounding errors alone.
        unit = max((Double(step) * 1e6).rounded(), 1) / 1e6
        inverseUnit = 1 / unit
        stepCounts = GrowableBuffer(repeating: 0, count: blueprint.permanencesPerColumn)
        remainders = GrowableBuffer(repeating: 0, count: blueprint.permanencesPerColumn)
        initial = GrowableBuffer(repeating: 0, count: blueprint.permanencesPerColumn + Self.margin)
    }

    mutating func deallocate() {
        stepCounts.deallocate()
        remainders.deallocate()
        initial.deallocate()
    }

    /// Copies the members' initial permanences to `initial` and returns how many there are.
    private func takeInitial(_ members: UnsafePointer<UInt64>, column: Int) -> Int {
        let words = blueprint.wordsPerColumn
        return blueprint.potential.withUnsafeBufferPointer { potential in
            blueprint.permanences.withUnsafeBufferPointer { permanences in
                Int(
                    ck_select(
                        level.kernel,
                        permanences.baseAddress! + column * blueprint.permanencesPerColumn,
                        members,
                        potential.baseAddress! + column * words,
                        Int32(words),
                        initial.base
                    )
                )
            }
        }
    }

    private var scratch: ck_permanence_scratch {
        ck_permanence_scratch(steps: stepCounts.base, residues: remainders.base)
    }

    func encode(
        _ permanences: UnsafePointer<Float>?,
        _ members: UnsafePointer<UInt64>,
        column: Int,
        _ steps: inout ByteStream,
        _ residues: inout ByteStream
    ) {
        let count = takeInitial(members, column: column)
        var scratch = scratch
        steps.append(atMost: Self.longest * (count + 1)) { stepAddress in
            var stepEnd: UnsafeMutablePointer<UInt8>? = stepAddress
            residues.append(atMost: Self.longest * count + 1) { residueAddress in
                var residueEnd: UnsafeMutablePointer<UInt8>? = residueAddress
                ck_encode_permanences(
                    level.kernel,
                    permanences,
                    initial.base,
                    Int32(count),
                    unit,
                    inverseUnit,
                    &scratch,
                    &stepEnd,
                    &residueEnd
                )
                return residueEnd!
            }
            return stepEnd!
        }
    }

    func decode(
        into permanences: UnsafeMutablePointer<Float>?,
        _ members: UnsafePointer<UInt64>,
        column: Int,
        _ streams: inout ck_permanence_streams
    ) -> Bool {
        let count = takeInitial(members, column: column)
        var scratch = scratch
        return ck_decode_permanences(
            level.kernel,
            permanences,
            initial.base,
            Int32(count),
            unit,
            &scratch,
            &streams
        ) != 0
    }
}

/// What is written of the changed columns, each kind apart.
private struct ColumnStreams {
    var decrements = ByteStream()
    var members = ByteStream()
    var steps = ByteStream()
    var residues = ByteStream()

    /// Makes room for what columns with so many members in all usually take.
    mutating func reserve(columns: Int, words: Int, members count: Int) {
        decrements.reserve(2 * columns)
        members.reserve(columns * words * MemoryLayout<UInt64>.size)
        steps.reserve(2 * count + 4 * columns)
        residues.reserve(2 * count)
    }

    mutating func append(decrements count: UInt16, _ mask: UnsafePointer<UInt64>, words: Int) {
        decrements.appendVarint(Int(count))
        members.append(atMost: words * MemoryLayout<UInt64>.size) { address in
            let place = UnsafeMutableRawPointer(address)
            for word in 0..<words {
                let offset = word * MemoryLayout<UInt64>.size
                place.storeBytes(of: mask[word].littleEndian, toByteOffset: offset, as: UInt64.self)
            }
            return address + words * MemoryLayout<UInt64>.size
        }
    }

    mutating func deallocate() {
        decrements.deallocate()
        members.deallocate()
        steps.deallocate()
        residues.deallocate()
    }
}
