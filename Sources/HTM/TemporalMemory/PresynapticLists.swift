// SPDX-License-Identifier: Apache-2.0

/// For every cell the segments that have a synapse from it, in no particular order.
///
/// All lists lie in one arena. A list that is full moves to a slice of twice the size; slices left behind are handed to
/// later lists of the same size. Lists of two weeks of five-minute data have about 50 entries.
struct PresynapticLists: Sendable {
    private var arena: [UInt32] = []
    private var offsets: [UInt32]
    private var counts: [UInt32]
    /// Size of a cell's slice is 2 to the power of this plus 2; 0 stands for no slice.
    private var sizeClasses: [UInt8]
    /// Free slices by size class.
    private var freeSlices: [[UInt32]] = Array(repeating: [], count: 32)

    init(cellCount: Int) {
        offsets = Array(repeating: 0, count: cellCount)
        counts = Array(repeating: 0, count: cellCount)
        sizeClasses = Array(repeating: 0, count: cellCount)
    }

    /// Segments fed by `cell`.
    func segments(of cell: UInt16) -> ArraySlice<UInt32> {
        let start = Int(offsets[Int(cell)])
        return arena[start..<start + Int(counts[Int(cell)])]
    }

    mutating func append(_ segment: UInt32, to cell: UInt16) {
        let index = Int(cell)
        let sizeClass = sizeClasses[index]
        if sizeClass == 0 || Int(counts[index]) == Self.size(sizeClass) {
            moveToLargerSlice(index)
        }
        arena[Int(offsets[index] + counts[index])] = segment
        counts[index] += 1
    }

    /// Takes `segment` out of the list of `cell`, where it must be.
    mutating func remove(_ segment: UInt32, from cell: UInt16) {
        let index = Int(cell)
        let start = Int(offsets[index])
        let last = start + Int(counts[index]) - 1
        var position = start
        while arena[position] != segment {
            position += 1
            precondition(position <= last, "a synapse is missing from the presynaptic lists")
        }
        arena[position] = arena[last]
        counts[index] -= 1
    }

    private static func size(_ sizeClass: UInt8) -> Int {
        4 << Int(sizeClass - 1)
    }

    private mutating func moveToLargerSlice(_ index: Int) {
        let old = sizeClasses[index]
        let new = old + 1
        let start: UInt32
        if let free = freeSlices[Int(new)].popLast() {
            start = free
        } else {
            start = UInt32(arena.count)
            arena.append(contentsOf: repeatElement(0, count: Self.size(new)))
        }
        for position in 0..<counts[index] {
            arena[Int(start + position)] = arena[Int(offsets[index] + position)]
        }
        if old > 0 {
            freeSlices[Int(old)].append(offsets[index])
        }
        offsets[index] = start
        sizeClasses[index] = new
    }

    /// Adds 1 to `activity[s]` for every synapse from one of `cells` to segment s.
    ///
    /// - Parameter activity: One count per segment; overwritten from 0. No segment has more than 255 synapses.
    func countActivity(of cells: [UInt16], into activity: inout [UInt8]) {
        activity.withUnsafeMutableBufferPointer { activity in
            activity.update(repeating: 0)
            arena.withUnsafeBufferPointer { arena in
                for cell in cells {
                    let start = Int(offsets[Int(cell)])
                    let end = start + Int(counts[Int(cell)])
                    var position = start
                    while position < end {
                        activity[Int(arena[position])] &+= 1
                        position += 1
                    }
                }
            }
        }
    }
}
