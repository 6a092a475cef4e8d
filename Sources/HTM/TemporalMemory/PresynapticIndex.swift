// SPDX-License-Identifier: Apache-2.0

import CKernels

/// For each source cell the segments it has synapses on: what a forward pass walks.
///
/// Segments are numbered in banks of 32,768, so that an entry takes two bytes and the counters of a bank stay in the first
/// cache. A cell has one list per bank. Lists of a column's cells get heads only once the column is used (`ColumnPages`).
struct PresynapticIndex {
    static var bankShift: Int { 15 }
    static var bankSize: Int { 1 << bankShift }
    private static var idsPerUnit: Int { 4 }

    /// Where a list begins, in units of four ids, its length, and the units it has room for.
    typealias ListHead = ck_list

    private let cellsPerColumn: Int
    /// Heads of each bank; shape [pages, cellsPerColumn].
    private(set) var banks: [GrowableBuffer<ListHead>] = []
    private(set) var ids = GrowableBuffer<UInt16>()
    private var allocator = BlockAllocator()

    init(cellsPerColumn: Int) {
        self.cellsPerColumn = cellsPerColumn
    }

    mutating func deallocate() {
        for bank in banks.indices {
            banks[bank].deallocate()
        }
        ids.deallocate()
    }

    func copy() -> PresynapticIndex {
        var other = self
        other.banks = banks.map { $0.copy() }
        other.ids = ids.copy()
        return other
    }

    var byteCount: Int {
        ids.byteCount + banks.reduce(0) { $0 + $1.byteCount }
    }

    /// Sees to heads for `pages` pages in the banks of `segmentCount` segments.
    mutating func reserve(pages: Int, segmentCount: Int) {
        let needed = (segmentCount + Self.bankSize - 1) >> Self.bankShift
        while banks.count < needed {
            banks.append(GrowableBuffer())
        }
        for bank in banks.indices where banks[bank].count < pages * cellsPerColumn {
            banks[bank].resize(to: pages * cellsPerColumn, filling: ListHead())
        }
    }

    /// Adds a segment to the list at `position` (page · cellsPerColumn + cell).
    @inline(__always)
    mutating func add(_ segment: Int, at position: Int) {
        let bank = segment >> Self.bankShift
        var head = banks[bank][position]
        if Int(head.count) == Int(head.units) * Self.idsPerUnit {
            grow(&head)
        }
        ids.base[Int(head.start) * Self.idsPerUnit + Int(head.count)] = UInt16(
            truncatingIfNeeded: segment & (Self.bankSize - 1)
        )
        head.count += 1
        banks[bank][position] = head
    }

    private mutating func grow(_ head: inout ListHead) {
        let (start, units) = allocator.allocate(Int(head.units) + 1)
        ids.resize(to: max(allocator.end * Self.idsPerUnit, ids.count), filling: 0)
        if head.units > 0 {
            let old = ids.base + Int(head.start) * Self.idsPerUnit
            (ids.base + Int(start) * Self.idsPerUnit).update(from: old, count: Int(head.count))
            allocator.free(head.start, units: Int(head.units))
        }
        head.start = start
        head.units = UInt16(units)
    }

    /// Takes a segment out of a list; the last entry takes its place, since order means nothing.
    @inline(__always)
    mutating func remove(_ segment: Int, at position: Int) {
        let bank = segment >> Self.bankShift
        var head = banks[bank][position]
        let list = ids.base + Int(head.start) * Self.idsPerUnit
        let found = ck_find(list, Int32(head.count), UInt16(truncatingIfNeeded: segment & (Self.bankSize - 1)))
        precondition(found >= 0, "a synapse is missing from the presynaptic index")
        head.count -= 1
        list[Int(found)] = list[Int(head.count)]
        banks[bank][position] = head
    }

    /// Makes a list of `count` entries, to be written into `ids` after `extendToLists`.
    ///
    /// - Returns: The place of the first in `ids`.
    mutating func allocateList(of count: Int, at position: Int, inBank bank: Int) -> UInt32 {
        let (start, units) = allocator.allocate((count + Self.idsPerUnit - 1) / Self.idsPerUnit)
        banks[bank][position] = ListHead(start: start, count: UInt16(count), units: UInt16(units))
        return start * UInt32(Self.idsPerUnit)
    }

    /// Sees to room for the entries of all lists.
    mutating func extendToLists() {
        ids.resize(to: max(allocator.end * Self.idsPerUnit, ids.count), filling: 0)
    }
}
