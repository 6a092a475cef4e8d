// SPDX-License-Identifier: Apache-2.0

// The permanences in states of versions 1 and 2 (docs/formats/checkpoint.md, "Permanences before version 3"): learning steps away from their initial values,
// and the rounding errors those left.

import CKernels

extension SpatialPooler {
    /// - Parameter sharesHistories: Whether only members have permanences; else all potential inputs do.
    func restoreEarlierPermanences(
        from decoder: inout StateDecoder,
        sharesHistories: Bool
    ) throws(CheckpointError) {
        let steps = try decoder.decodeStream("SP permanences")
        let residues = try decoder.decodeStream("SP permanences' remainders")
        let isSound = decoder.withStreams([steps, residues]) { streams in
            var reader = PermanenceReader(
                blueprint: blueprint,
                steps: ByteStreamReader(streams[0]),
                residues: ByteStreamReader(streams[1])
            )
            return restorePermanences(from: &reader, sharesHistories: sharesHistories)
        }
        guard isSound else {
            throw .damaged("SP permanences don't fit their columns or lie outside 0...1")
        }
    }

    private func restorePermanences(from reader: inout PermanenceReader, sharesHistories: Bool) -> Bool {
        let (words, stride) = (blueprint.wordsPerColumn, blueprint.permanencesPerColumn)
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * stride) { values in
            let permanences = values.baseAddress!
            for (slot, column) in store.columns.enumerated() {
                let column = Int(column)
                if sharesHistories {
                    let members = store.members.base + slot * words
                    guard reader.read(members, ofColumn: column, into: store.permanences[slot].members) else {
                        return false
                    }
                    connect(column: column, slot: slot)
                } else {
                    let isSound = blueprint.potential.withUnsafeBufferPointer {
                        reader.read($0.baseAddress! + column * words, ofColumn: column, into: permanences)
                    }
                    guard isSound else {
                        return false
                    }
                    takeOver(permanences, column: column, slot: slot, scratch: permanences + stride)
                }
            }
            return reader.isAtEnd
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

/// Reads columns' permanences, one after the other.
private struct PermanenceReader {
    let blueprint: SpatialPoolerBlueprint
    var steps: ByteStreamReader
    var residues: ByteStreamReader
    /// The decimal number meant by a learning step, so that the residues are the rounding errors alone.
    private let unit: Double

    init(blueprint: SpatialPoolerBlueprint, steps: ByteStreamReader, residues: ByteStreamReader) {
        self.blueprint = blueprint
        self.steps = steps
        self.residues = residues
        let parameters = blueprint.parameters
        let step = [parameters.synPermInactiveDec, parameters.synPermActiveInc, 0.0005].first { $0 > 0 } ?? 0.0005
        unit = max((Double(step) * 1e6).rounded(), 1) / 1e6
    }

    var isAtEnd: Bool { steps.isAtEnd && residues.isAtEnd }

    /// Reads the permanences of a mask of potential inputs.
    ///
    /// - Parameter permanences: Room for as many; `nil` if there are none.
    /// - Returns: Whether they are permanences.
    mutating func read(
        _ members: UnsafePointer<UInt64>,
        ofColumn column: Int,
        into permanences: UnsafeMutablePointer<Float>?
    ) -> Bool {
        let lowest = steps.signedVarint()
        var count = 0
        var potentialCount = 0
        let firstInitial = column * blueprint.permanencesPerColumn
        for word in 0..<blueprint.wordsPerColumn {
            var rest = blueprint.potential[column * blueprint.wordsPerColumn + word]
            while rest != 0 {
                let bit = rest & (0 &- rest)
                rest ^= bit
                if members[word] & bit != 0 {
                    let initial = blueprint.permanences[firstInitial + potentialCount]
                    guard let permanence = readPermanence(initial: initial, lowest: lowest) else {
                        return false
                    }
                    permanences![count] = permanence
                    count += 1
                }
                potentialCount += 1
            }
        }
        return !steps.hasFailed && !residues.hasFailed
    }

    private mutating func readPermanence(initial: Float, lowest: Int) -> Float? {
        let step = steps.varint()
        guard step >= 2 else {
            return Float(step)
        }
        let expected = Float(Double(initial) + Double(lowest + step - 2) * unit)
        let bits = Int(Int32(bitPattern: expected.bitPattern)) + residues.signedVarint()
        guard let pattern = UInt32(exactly: bits) else {
            return nil
        }
        let permanence = Float(bitPattern: pattern)
        // Also says no to what isn't a number.
        return permanence >= 0 && permanence <= 1 ? permanence : nil
    }
}
