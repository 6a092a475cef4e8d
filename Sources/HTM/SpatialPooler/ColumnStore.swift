// SPDX-License-Identifier: Apache-2.0

/// The columns in which one model differs from its blueprint: permanences and connected masks, slot by slot.
///
/// A reference type that the spatial pooler copies before it writes when another model shares it.
final class ColumnStore {
    let wordsPerColumn: Int
    /// Floats per slot.
    let stride: Int
    /// Which column lives in a slot, in order of first change.
    private(set) var columns: [UInt16] = []
    /// Slot of a column plus one; 0: still as in the blueprint.
    private(set) var slotPlusOne: [UInt16]
    /// Shape [slots, stride].
    private(set) var permanences: GrowableBuffer<Float>
    /// Shape [slots, wordsPerColumn].
    private(set) var connected: GrowableBuffer<UInt64>

    init(blueprint: SpatialPoolerBlueprint) {
        wordsPerColumn = blueprint.wordsPerColumn
        stride = blueprint.permanencesPerColumn
        slotPlusOne = [UInt16](repeating: 0, count: blueprint.parameters.columnCount)
        permanences = GrowableBuffer()
        connected = GrowableBuffer()
    }

    private init(copying other: ColumnStore) {
        wordsPerColumn = other.wordsPerColumn
        stride = other.stride
        columns = other.columns
        slotPlusOne = other.slotPlusOne
        permanences = other.permanences.copy()
        connected = other.connected.copy()
    }

    deinit {
        permanences.deallocate()
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
        permanences.reserve(count * stride)
        connected.reserve(count * wordsPerColumn)
    }

    /// The slot of a column, which takes over the blueprint's values when it has none yet.
    func ownedSlot(of column: Int, blueprint: SpatialPoolerBlueprint) -> Int {
        let existing = Int(slotPlusOne[column])
        if existing != 0 {
            return existing - 1
        }
        let slot = columns.count
        columns.append(UInt16(column))
        slotPlusOne[column] = UInt16(slot + 1)
        blueprint.permanences.withUnsafeBufferPointer {
            permanences.append(contentsOf: $0.baseAddress! + column * stride, count: stride)
        }
        blueprint.connected.withUnsafeBufferPointer {
            connected.append(contentsOf: $0.baseAddress! + column * wordsPerColumn, count: wordsPerColumn)
        }
        return slot
    }
}
