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
        steps.reserve(columns.count * (2 * store.stride + 8))
        residues.reserve(columns.count * 2 * store.stride)
        for column in columns {
            encoder.encode(column)
            coder.encode(
                store.permanences.base + store.slot(of: Int(column))! * store.stride,
                column: Int(column),
                &steps,
                &residues
            )
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
            _ = store.ownedSlot(of: column, blueprint: blueprint)
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
        // The masks follow from the permanences: no need to store them. A learning step that leaves permanences as they are makes them.
        let rule = ck_adapt_rule(
            increment: 0,
            decrement: 0,
            connected: blueprint.parameters.connectedThreshold,
            trim: blueprint.parameters.trimThreshold,
            maximum: 1
        )
        let words = blueprint.wordsPerColumn
        for (slot, column) in store.columns.enumerated() {
            let permanences = store.permanences.base + slot * store.stride
            guard coder.decode(into: permanences, column: Int(column), &streams) else {
                return false
            }
            blueprint.potential.withUnsafeBufferPointer { potential in
                let potential = potential.baseAddress! + Int(column) * words
                // As if all inputs were on: 0 is added.
                ck_adapt_column(
                    level.kernel,
                    permanences,
                    potential,
                    potential,
                    Int32(words),
                    rule,
                    store.connected.base + slot * words
                )
            }
        }
        return streams.steps == streams.steps_end && streams.residues == streams.residues_end
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
