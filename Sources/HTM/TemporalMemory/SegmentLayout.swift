// SPDX-License-Identifier: Apache-2.0

import CKernels

/// How a backtracking temporal memory stores cells, permanences and sizes.
///
/// Two layouts exist: the compact one, which fits the default parameters and others near them, and a wide one for all the
/// rest. With equal parameters both give the same bits.
protocol SegmentLayout {
    /// A cell's number.
    associatedtype Cell: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable
    /// Slot numbers and synapse counts of a segment.
    associatedtype Small: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable
    /// Active synapses of a segment.
    associatedtype Counter: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable
    /// How permanences are stored and changed.
    associatedtype Rule: PermanenceRule

    /// Shared by all memories of this layout.
    static var idleScratch: IdleScratch<Self> { get }

    /// For the cells at each place: setCounters[set] += 1 for the source sets it feeds, counters[segment] += 1 for the segments with an extra
    /// synapse from it.
    static func count(
        _ setCounters: UnsafeMutablePointer<UInt8>,
        _ counters: UnsafeMutablePointer<Counter>,
        _ cells: CellTable,
        _ places: UnsafeBufferPointer<UInt32>
    )

    /// Bit i: cells[i] is active; at most 64 cells.
    static func activeBits(
        _ cells: UnsafeBufferPointer<Cell>,
        in active: ColumnCellSet,
        _ shape: CellShape,
        level: KernelLevel
    ) -> UInt64

    /// Of at most 64 cells those that are active and whose column's rank is a bit of `wanted`: bit per rank, and bit per cell.
    ///
    /// - Parameter ranks: By column, below 64 where a cell is active, and one more.
    static func activeRanks(
        _ cells: UnsafeBufferPointer<Cell>,
        in active: ColumnCellSet,
        ranks: UnsafePointer<UInt16>,
        wanted: UInt64,
        _ shape: CellShape,
        level: KernelLevel
    ) -> (ranks: UInt64, cells: UInt64)

    /// Steps at most 64 permanences, up where `up` has a bit, else down.
    ///
    /// - Returns: Bit i: nothing is left of permanence i; and those that are connected now.
    static func step(
        _ permanences: UnsafeMutablePointer<Rule.Stored>,
        count: Int,
        up: UInt64,
        rule: Rule,
        level: KernelLevel
    ) -> (removed: UInt64, connected: UInt64)

    /// Appends the segments of the given source sets with at least `threshold` active synapses, where cells are 32 to a column.
    ///
    /// - Parameter counters: Active extras, by segment.
    /// - Returns: False: no kernel for this layout.
    static func findActive(
        _ pool: SegmentPool<Self>,
        sets: UnsafeBufferPointer<UInt32>,
        counters: UnsafePointer<Counter>,
        active: UnsafePointer<UInt32>,
        threshold: Int,
        level: KernelLevel,
        into found: inout GrowableBuffer<ck_active_segment>
    ) -> Bool

    /// Active and connected synapses of a segment with at most 64, where cells are 32 to a column.
    ///
    /// - Parameter setCells: Bit per cell of the source set that is active.
    /// - Returns: `nil`: no kernel for this layout.
    static func connectedActivity(
        _ sources: ck_sources,
        setCells: UInt64,
        extras: UnsafePointer<Cell>,
        permanences: UnsafePointer<Rule.Stored>,
        active: UnsafePointer<UInt32>,
        rule: Rule,
        level: KernelLevel
    ) -> Int?

    /// Reads permanences from a checkpoint.
    ///
    /// - Returns: How many are connected; `nil` if they aren't permanences of this rule.
    static func decodePermanences(
        into permanences: UnsafeMutablePointer<Rule.Stored>,
        count: Int,
        from reader: inout ByteStreamReader,
        rule: Rule,
        level: KernelLevel
    ) -> Int?

    /// Appends the indices of all counters of at least `threshold`, ascending.
    static func collect(
        _ counters: UnsafeMutablePointer<Counter>,
        count: Int,
        threshold: Int,
        level: KernelLevel,
        into indices: inout GrowableBuffer<UInt32>
    )
}

/// How cells are numbered: column · cellsPerColumn + cell.
struct CellShape: Equatable, Sendable {
    let columnCount: Int
    let cellsPerColumn: Int
    /// cell >> columnShift is its column; -1 when that isn't so.
    let columnShift: Int

    @inline(__always)
    func column(of cell: Int) -> Int {
        columnShift >= 0 ? cell >> columnShift : cell / cellsPerColumn
    }
}

extension SegmentLayout {
    /// `activeBits` without a kernel.
    static func activeBitsOneByOne(
        _ cells: UnsafeBufferPointer<Cell>,
        in active: ColumnCellSet,
        _ shape: CellShape
    ) -> UInt64 {
        var bits: UInt64 = 0
        for (index, cell) in cells.enumerated() {
            let column = shape.column(of: Int(cell))
            if active.contains(column: column, cell: Int(cell) - column * shape.cellsPerColumn) {
                bits |= 1 << UInt64(truncatingIfNeeded: index)
            }
        }
        return bits
    }

    /// `activeRanks` without a kernel.
    static func activeRanksOneByOne(
        _ cells: UnsafeBufferPointer<Cell>,
        in active: ColumnCellSet,
        ranks: UnsafePointer<UInt16>,
        wanted: UInt64,
        _ shape: CellShape
    ) -> (ranks: UInt64, cells: UInt64) {
        var found: (ranks: UInt64, cells: UInt64) = (0, 0)
        var rest = activeBitsOneByOne(cells, in: active, shape)
        while rest != 0 {
            let index = rest.trailingZeroBitCount
            rest &= rest - 1
            let rank: UInt64 = 1 << UInt64(ranks[shape.column(of: Int(cells[index]))])
            if wanted & rank != 0 {
                found.ranks |= rank
                found.cells |= 1 << UInt64(truncatingIfNeeded: index)
            }
        }
        return found
    }
}

/// Permanence arithmetic of the backtracking temporal memory, in 32-bit floats as the original does it.
protocol PermanenceRule: Sendable {
    /// The stored form; ordered as the permanences are.
    associatedtype Stored: BitwiseCopyable & Comparable & Sendable

    /// - Returns: `nil` when this form can't hold the permanences that these parameters produce.
    init?(_ parameters: BacktrackingParameters)

    var initial: Stored { get }
    func increased(_ stored: Stored) -> Stored
    /// `nil` when nothing is left.
    func decreased(_ stored: Stored) -> Stored?
    func isConnected(_ stored: Stored) -> Bool
    /// Appends stored forms to a checkpoint.
    static func encode(_ stored: UnsafePointer<Stored>, count: Int, into stream: inout ByteStream)
    /// Reads it back; `nil` when it is none of this rule's.
    func decode(from reader: inout ByteStreamReader) -> Stored?
    /// `nil` when nothing is left after a decay.
    func decayed(_ stored: Stored, by decay: Float) -> Stored?
}

/// Permanences as they are.
struct FloatPermanence: PermanenceRule {
    let initial: Float
    private let increment: Float
    private let decrement: Float
    private let connected: Float
    private let maximum: Float

    init(_ parameters: BacktrackingParameters) {
        initial = parameters.initialPerm
        increment = parameters.permanenceInc
        decrement = parameters.permanenceDec
        connected = parameters.connectedPerm
        maximum = parameters.permanenceMax
    }

    @inline(__always)
    func increased(_ stored: Float) -> Float {
        min(stored + increment, maximum)
    }

    @inline(__always)
    func decreased(_ stored: Float) -> Float? {
        let less = stored - decrement
        return less > 0 ? less : nil
    }

    @inline(__always)
    func isConnected(_ stored: Float) -> Bool {
        stored >= connected
    }

    @inline(__always)
    static func encode(_ stored: UnsafePointer<Float>, count: Int, into stream: inout ByteStream) {
        for index in 0..<count {
            stream.append(stored[index].bitPattern)
        }
    }

    @inline(__always)
    func decode(from reader: inout ByteStreamReader) -> Float? {
        let permanence = Float(bitPattern: reader.word())
        return permanence > 0 && permanence <= max(maximum, initial) ? permanence : nil
    }

    func decayed(_ stored: Float, by decay: Float) -> Float? {
        stored <= decay ? nil : stored - decay
    }
}
