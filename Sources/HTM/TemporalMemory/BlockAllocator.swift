// SPDX-License-Identifier: Apache-2.0

/// Hands out runs of units within a growing arena, and takes them back: bookkeeping only, the arenas belong to the caller.
///
/// Sizes up to 16 units are exact, larger ones rounded up to an eighth of a power of two. A freed run waits for the next
/// request of its size; runs are never split or merged, since the sizes in use hardly change over a model's life.
struct BlockAllocator {
    /// Units handed out so far, freed ones included: the size the arena needs.
    private(set) var end = 0
    /// Freed runs by size class.
    private var freed: [[UInt32]] = []

    /// The size class of a request and the units it really gets.
    @inline(__always)
    static func sizeClass(_ units: Int) -> (index: Int, units: Int) {
        if units <= 16 {
            return (units, units)
        }
        let exponent = Int.bitWidth - 1 - (units - 1).leadingZeroBitCount  // 2^exponent <= units - 1
        let step = 1 << (exponent - 3)
        let steps = (units - (1 << exponent) + step - 1) / step  // 1...8
        return (16 + (exponent - 4) * 8 + steps, (1 << exponent) + steps * step)
    }

    /// The units of a size class, 0 of class 0.
    @inline(__always)
    static func units(ofClass index: Int) -> Int {
        guard index > 16 else {
            return index
        }
        let exponent = (index - 17) / 8 + 4
        return (1 << exponent) + ((index - 17) % 8 + 1) << (exponent - 3)
    }

    /// A run of at least `units` units: where it begins and how long it is.
    mutating func allocate(_ units: Int) -> (start: UInt32, units: Int) {
        let (index, rounded) = Self.sizeClass(units)
        if index < freed.count, let start = freed[index].popLast() {
            return (start, rounded)
        }
        return extend(by: units)
    }

    /// The same, but never a run that was freed.
    @inline(__always)
    mutating func extend(by units: Int) -> (start: UInt32, units: Int) {
        let start = UInt32(truncatingIfNeeded: end)
        let rounded = Self.sizeClass(units).units
        end += rounded
        return (start, rounded)
    }

    /// Takes a run back; `units` as `allocate` gave them.
    mutating func free(_ start: UInt32, units: Int) {
        let (index, rounded) = Self.sizeClass(units)
        assert(rounded == units, "a freed run has the size it was given")
        while freed.count <= index {
            freed.append([])
        }
        freed[index].append(start)
    }
}
