// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The permanences of one changed column.
///
/// Members, the inputs that were on in at least one of the column's wins, have each their own. All other potential inputs, the outsiders,
/// share one history: so many decrements from the blueprint's values (`OutsiderHistory`).
struct ColumnPermanences {
    /// The members' permanences in input order.
    fileprivate(set) var members: UnsafeMutablePointer<Float>?
    fileprivate(set) var memberCount: UInt16 = 0
    /// Decrements that the outsiders have lost.
    var decrements: UInt16 = 0
    /// The lowest initial permanence of a connected outsider; infinity: there is none.
    var lowestConnected: Float = .infinity
}

/// The columns in which one model differs from its blueprint: permanences and masks, slot by slot.
///
/// A reference type that the spatial pooler copies before it writes when another model shares it.
final class ColumnStore {
    let wordsPerColumn: Int
    /// Which column lives in a slot, in order of first change.
    private(set) var columns: [UInt16] = []
    /// Slot of a column plus one; 0: still as in the blueprint.
    private(set) var slotPlusOne: [UInt16]
    private(set) var permanences: GrowableBuffer<ColumnPermanences>
    /// Bit per member; shape [slots, wordsPerColumn].
    private(set) var members: GrowableBuffer<UInt64>
    /// Shape [slots, wordsPerColumn].
    private(set) var connected: GrowableBuffer<UInt64>
    /// What the allocator has handed out for members' permanences. Unit: bytes.
    private(set) var memberByteCount = 0

    init(blueprint: SpatialPoolerBlueprint) {
        wordsPerColumn = blueprint.wordsPerColumn
        slotPlusOne = [UInt16](repeating: 0, count: blueprint.parameters.columnCount)
        permanences = GrowableBuffer()
        members = GrowableBuffer()
        connected = GrowableBuffer()
    }

    private init(copying other: ColumnStore) {
        wordsPerColumn = other.wordsPerColumn
        columns = other.columns
        slotPlusOne = other.slotPlusOne
        permanences = other.permanences.copy()
        members = other.members.copy()
        connected = other.connected.copy()
        for slot in columns.indices {
            permanences[slot].members = nil
            permanences[slot].memberCount = 0
            let original = other.permanences[slot]
            setMemberCount(Int(original.memberCount), slot: slot)
            if let source = original.members {
                permanences[slot].members!.update(from: source, count: Int(original.memberCount))
            }
        }
    }

    deinit {
        for slot in columns.indices {
            free(permanences[slot].members)
        }
        permanences.deallocate()
        members.deallocate()
        connected.deallocate()
    }

    func copy() -> ColumnStore {
        ColumnStore(copying: self)
    }

    func slot(of column: Int) -> Int? {
        let slot = Int(slotPlusOne[column])
        return slot == 0 ? nil : slot - 1
    }

    /// Makes room for `count` columns.
    func reserve(_ count: Int) {
        columns.reserveCapacity(count)
        permanences.reserve(count)
        members.reserve(count * wordsPerColumn)
        connected.reserve(count * wordsPerColumn)
    }

    /// A slot for a column that has none, without members and without connections.
    func addSlot(for column: Int) -> Int {
        let slot = columns.count
        columns.append(UInt16(column))
        slotPlusOne[column] = UInt16(slot + 1)
        permanences.append(ColumnPermanences())
        members.resize(to: (slot + 1) * wordsPerColumn, filling: 0)
        connected.resize(to: (slot + 1) * wordsPerColumn, filling: 0)
        return slot
    }

    /// Makes room for just so many members' permanences; the first of them stay.
    func setMemberCount(_ count: Int, slot: Int) {
        let (old, new) = (Self.bytes(forMembers: Int(permanences[slot].memberCount)), Self.bytes(forMembers: count))
        permanences[slot].memberCount = UInt16(count)
        guard new != old else {
            return
        }
        memberByteCount += new - old
        permanences[slot].members = resized(permanences[slot].members, from: old, to: new)
            .assumingMemoryBound(to: Float.self)
    }

    /// In steps of 16, the smallest that allocators have on 64-bit machines.
    private static func bytes(forMembers count: Int) -> Int {
        (count * MemoryLayout<Float>.stride + 15) / 16 * 16
    }
}
