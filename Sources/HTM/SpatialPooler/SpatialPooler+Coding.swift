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
        var (decrements, members, permanences) = (ByteStream(), ByteStream(), ByteStream())
        defer {
            decrements.deallocate()
            members.deallocate()
            permanences.deallocate()
        }
        let words = blueprint.wordsPerColumn
        let memberCount = columns.indices.reduce(0) { $0 + Int(store.permanences[$1].memberCount) }
        members.reserve(columns.count * words * MemoryLayout<UInt64>.size)
        permanences.reserve(memberCount * MemoryLayout<Float>.size)
        for column in columns {
            let slot = store.slot(of: Int(column))!
            let own = store.permanences[slot]
            decrements.appendVarint(Int(own.decrements))
            members.append(store.members.base + slot * words, count: words)
            if let first = own.members {
                permanences.append(first, count: Int(own.memberCount))
            }
        }
        encoder.encode(decrements)
        encoder.encode(members)
        encoder.encode(permanences)
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
        if version >= 3 {
            try restorePermanences(from: &decoder)
        } else {
            try restoreEarlierPermanences(from: &decoder, sharesHistories: sharesHistories)
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

    /// Reads the members' permanences, column by column.
    private func restorePermanences(from decoder: inout StateDecoder) throws(CheckpointError) {
        let stream = try decoder.decodeStream("SP permanences")
        let isSound = decoder.withStreams([stream]) { streams in
            let size = MemoryLayout<Float>.size
            let memberCount = store.columns.indices.reduce(0) { $0 + Int(store.permanences[$1].memberCount) }
            guard streams[0].count == memberCount * size else {
                return false
            }
            let source = UnsafeRawBufferPointer(streams[0])
            var next = 0
            for (slot, column) in store.columns.enumerated() {
                let (count, permanences) = (Int(store.permanences[slot].memberCount), store.permanences[slot].members)
                // Also says no to what isn't a number.
                var isSound = true
                for index in 0..<count {
                    let bits = source.loadUnaligned(fromByteOffset: (next + index) * size, as: UInt32.self)
                    let permanence = Float(bitPattern: UInt32(littleEndian: bits))
                    isSound = isSound && permanence >= 0 && permanence <= 1
                    permanences![index] = permanence
                }
                guard isSound else {
                    return false
                }
                next += count
                connect(column: Int(column), slot: slot)
            }
            return true
        }
        guard isSound else {
            throw .damaged("SP permanences don't fit their columns or lie outside 0...1")
        }
    }

    /// Makes a column's connected mask from its permanences, and trims those.
    func connect(column: Int, slot: Int) {
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
}
