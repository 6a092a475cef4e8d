// SPDX-License-Identifier: Apache-2.0

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
        var coder = PermanenceCoder(blueprint: blueprint)
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
        var steps = ByteStreamReader(steps)
        var residues = ByteStreamReader(residues)
        var coder = PermanenceCoder(blueprint: blueprint)
        for (slot, column) in store.columns.enumerated() {
            let permanences = store.permanences.base + slot * store.stride
            guard coder.decode(into: permanences, column: Int(column), &steps, &residues) else {
                return false
            }
            // The masks follow from the permanences: no need to store them.
            refreshConnected(column: Int(column), slot: slot)
        }
        return steps.isAtEnd && residues.isAtEnd
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
    private var stepCounts: [Int32]

    /// Stands for a permanence of exactly 0 in the stream of steps.
    private static let zero = 0
    /// Stands for exactly 1.
    private static let one = 1
    private static let firstStep = 2

    init(blueprint: SpatialPoolerBlueprint) {
        self.blueprint = blueprint
        let parameters = blueprint.parameters
        let step = [parameters.synPermInactiveDec, parameters.synPermActiveInc, 0.0005].first { $0 > 0 } ?? 0.0005
        // The decimal number meant, so that the residues are the rounding errors alone.
        unit = max((Double(step) * 1e6).rounded(), 1) / 1e6
        inverseUnit = 1 / unit
        stepCounts = [Int32](repeating: 0, count: blueprint.permanencesPerColumn)
    }

    private func count(of column: Int) -> Int {
        let words = blueprint.wordsPerColumn
        return (column * words..<(column + 1) * words).reduce(0) { $0 + blueprint.potential[$1].nonzeroBitCount }
    }

    @inline(__always)
    private func predicted(_ initial: Float, steps: Int32) -> Float {
        Float(Double(initial) + Double(steps) * unit)
    }

    mutating func encode(
        _ permanences: UnsafeMutablePointer<Float>,
        column: Int,
        _ steps: inout ByteStream,
        _ residues: inout ByteStream
    ) {
        let count = count(of: column)
        let offset = column * blueprint.permanencesPerColumn
        blueprint.permanences.withUnsafeBufferPointer { initial in
            var lowest: Int32 = .max
            for index in 0..<count {
                let difference = (Double(permanences[index]) - Double(initial[offset + index])) * inverseUnit
                let step = Int32(difference.rounded(.toNearestOrEven))
                stepCounts[index] = step
                if permanences[index] != 0 && permanences[index] != 1 {
                    lowest = min(lowest, step)
                }
            }
            lowest = lowest == .max ? 0 : lowest
            steps.appendSignedVarint(Int(lowest))
            for index in 0..<count {
                let permanence = permanences[index]
                if permanence == 0 {
                    steps.append(UInt8(Self.zero))
                } else if permanence == 1 {
                    steps.append(UInt8(Self.one))
                } else {
                    steps.appendVarint(Int(stepCounts[index] - lowest) + Self.firstStep)
                    let expected = predicted(initial[offset + index], steps: stepCounts[index])
                    let residue =
                        Int(Int32(bitPattern: permanence.bitPattern)) - Int(Int32(bitPattern: expected.bitPattern))
                    residues.appendSignedVarint(residue)
                }
            }
        }
    }

    mutating func decode(
        into permanences: UnsafeMutablePointer<Float>,
        column: Int,
        _ steps: inout ByteStreamReader,
        _ residues: inout ByteStreamReader
    ) -> Bool {
        let count = count(of: column)
        let offset = column * blueprint.permanencesPerColumn
        let lowest = steps.signedVarint()
        guard abs(lowest) <= 1 << 24 else {
            return false
        }
        return blueprint.permanences.withUnsafeBufferPointer { initial in
            for index in 0..<count {
                let step = steps.varint()
                if step == Self.zero {
                    permanences[index] = 0
                } else if step == Self.one {
                    permanences[index] = 1
                } else {
                    guard step <= 1 << 24 else {
                        return false
                    }
                    let expected = predicted(initial[offset + index], steps: Int32(lowest + step - Self.firstStep))
                    let bits = Int(Int32(bitPattern: expected.bitPattern)) + residues.signedVarint()
                    guard let pattern = UInt32(exactly: bits) else {
                        return false
                    }
                    let permanence = Float(bitPattern: pattern)
                    guard permanence >= 0 && permanence <= 1 else {
                        return false
                    }
                    permanences[index] = permanence
                }
            }
            return !steps.hasFailed && !residues.hasFailed
        }
    }
}
