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
        var steps = ByteStream()
        var residues = ByteStream()
        defer {
            steps.deallocate()
            residues.deallocate()
        }
        let columns = store.columns.sorted()
        encoder.encodeVarint(columns.count)
        var coder = PermanenceCoder(blueprint: blueprint, level: level)
        defer { coder.deallocate() }
        steps.reserve(columns.count * (2 * blueprint.permanencesPerColumn + 8))
        residues.reserve(columns.count * 2 * blueprint.permanencesPerColumn)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: blueprint.permanencesPerColumn) { permanences in
            for column in columns {
                encoder.encode(column)
                let permanences = permanences.baseAddress!
                copyPermanences(column: Int(column), slot: store.slot(of: Int(column))!, to: permanences)
                coder.encode(permanences, column: Int(column), &steps, &residues)
            }
        }
        encoder.encode(steps)
        encoder.encode(residues)
    }

    /// Takes over what `encode(into:)` wrote, into a pooler just made from the same blueprint.
    package mutating func restore(from decoder: inout StateDecoder) throws(CheckpointError) {
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
        let steps = try decoder.decodeStream("SP permanences")
        let residues = try decoder.decodeStream("SP permanences' remainders")
        let isSound = decoder.withStreams([steps, residues]) { streams in
            restorePermanences(streams[0], streams[1])
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

    private func restorePermanences(_ steps: UnsafeBufferPointer<UInt8>, _ residues: UnsafeBufferPointer<UInt8>) -> Bool
    {
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
        let stride = blueprint.permanencesPerColumn
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * stride) { values in
            let permanences = values.baseAddress!
            for (slot, column) in store.columns.enumerated() {
                guard coder.decode(into: permanences, column: Int(column), &streams) else {
                    return false
                }
                takeOver(permanences, column: Int(column), slot: slot, scratch: permanences + stride)
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
/// 32-bit floats and the cuts at 0 and 1. Steps are counted from the column's lowest, which is what inputs that were never on
/// share. Both numbers are small, and exact values come back whatever they are.
private struct PermanenceCoder {
    private let blueprint: SpatialPoolerBlueprint
    private let unit: Double
    private let inverseUnit: Double
    private let level: KernelLevel
    private var stepCounts: GrowableBuffer<Int32>
    private var remainders: GrowableBuffer<Int64>

    /// The most that a permanence takes in either stream. Unit: bytes.
    private static let longest = 6

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
    }

    mutating func deallocate() {
        stepCounts.deallocate()
        remainders.deallocate()
    }

    private func count(of column: Int) -> Int {
        let words = blueprint.wordsPerColumn
        return (column * words..<(column + 1) * words).reduce(0) { $0 + blueprint.potential[$1].nonzeroBitCount }
    }

    private var scratch: ck_permanence_scratch {
        ck_permanence_scratch(steps: stepCounts.base, residues: remainders.base)
    }

    func encode(
        _ permanences: UnsafePointer<Float>,
        column: Int,
        _ steps: inout ByteStream,
        _ residues: inout ByteStream
    ) {
        let count = count(of: column)
        var scratch = scratch
        blueprint.permanences.withUnsafeBufferPointer { initial in
            let initial = initial.baseAddress! + column * blueprint.permanencesPerColumn
            steps.append(atMost: Self.longest * (count + 1)) { stepAddress in
                var stepEnd: UnsafeMutablePointer<UInt8>? = stepAddress
                residues.append(atMost: Self.longest * count + 1) { residueAddress in
                    var residueEnd: UnsafeMutablePointer<UInt8>? = residueAddress
                    ck_encode_permanences(
                        level.kernel,
                        permanences,
                        initial,
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
    }

    func decode(
        into permanences: UnsafeMutablePointer<Float>,
        column: Int,
        _ streams: inout ck_permanence_streams
    ) -> Bool {
        let count = count(of: column)
        var scratch = scratch
        return blueprint.permanences.withUnsafeBufferPointer { initial in
            let initial = initial.baseAddress! + column * blueprint.permanencesPerColumn
            return ck_decode_permanences(
                level.kernel,
                permanences,
                initial,
                Int32(count),
                unit,
                &scratch,
                &streams
            ) != 0
        }
    }
}
