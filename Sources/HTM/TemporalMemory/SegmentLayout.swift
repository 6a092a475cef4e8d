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

    /// For each of the lists heads[positions[i]]: counters[id] += 1 for each of its ids.
    static func count(
        _ counters: UnsafeMutablePointer<Counter>,
        heads: UnsafePointer<ck_list>,
        ids: UnsafePointer<UInt16>,
        positions: UnsafeBufferPointer<UInt32>
    )

    /// Connected synapses whose source is active, where cells are 32 to a column; `nil`: no kernel for this layout.
    static func connectedActivity(
        _ synapses: Synapses<Self>,
        rule: Rule,
        active: UnsafePointer<UInt32>,
        level: KernelLevel
    ) -> Int?

    /// Bit per cell of a pattern of at most 64 that is among the sources; `nil`: no kernel for this layout.
    static func patternHits(_ synapses: Synapses<Self>, _ pattern: LearningPattern<Self>, level: KernelLevel) -> UInt64?

    /// Steps the permanences, up for the cells of `update`; those that reach nothing are marked for removal. `nil`: no kernel.
    static func reinforce(
        _ synapses: Synapses<Self>,
        _ pattern: LearningPattern<Self>,
        update: UInt64,
        rule: Rule,
        level: KernelLevel
    ) -> Reinforcement?

    /// Appends a segment's sources to the streams of a checkpoint.
    static func encode(
        _ sources: UnsafePointer<Cell>,
        count: Int,
        _ shape: CellShape,
        columns: inout ByteStream,
        cells: inout ByteStream
    )

    /// Reads a segment's synapses from a checkpoint and counts each source: counts[source] += 1.
    ///
    /// - Parameter counts: As many as there are cells, and at least 65,536.
    /// - Returns: How many are connected; `nil` if they aren't ascending cells of this shape with permanences of this rule.
    static func decode(
        into synapses: Synapses<Self>,
        from readers: inout SynapseReaders,
        _ shape: CellShape,
        rule: Rule,
        counts: UnsafeMutablePointer<UInt16>
    ) -> Int?

    /// Whether a permanence is the mark of `reinforce` for removal.
    static func isRemoved(_ stored: Rule.Stored) -> Bool

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
struct CellShape {
    let columnCount: Int
    let cellsPerColumn: Int
    /// cell >> columnShift is its column; -1 when that isn't so.
    let columnShift: Int

    /// Whether the coding kernels do: a column takes at most two bytes, a cell within it one.
    var fitsKernels: Bool { columnShift >= 0 && columnShift <= 7 && columnCount <= 1 << 14 }

    @inline(__always)
    func column(of cell: Int) -> Int {
        columnShift >= 0 ? cell >> columnShift : cell / cellsPerColumn
    }
}

/// The streams of a checkpoint that synapses are read from.
struct SynapseReaders {
    var columns: ByteStreamReader
    var cells: ByteStreamReader
    var permanences: ByteStreamReader

    var areAtEnd: Bool { columns.isAtEnd && cells.isAtEnd && permanences.isAtEnd }
}

extension SegmentLayout {
    /// `encode` without a kernel.
    static func encodeOneByOne(
        _ sources: UnsafePointer<Cell>,
        count: Int,
        _ shape: CellShape,
        columns: inout ByteStream,
        cells: inout ByteStream
    ) {
        columns.append(atMost: 3 * count + 1) { address in
            var (address, last) = (address, 0)
            for synapse in 0..<count {
                let column = shape.column(of: Int(sources[synapse]))
                // The last column isn't left in ascending order, so distances are never negative.
                address = ByteStream.writeVarint(column - last, at: address)
                last = column
            }
            return address
        }
        cells.append(atMost: 3 * count + 1) { address in
            var address = address
            for synapse in 0..<count {
                let source = Int(sources[synapse])
                address = ByteStream.writeVarint(source - shape.column(of: source) * shape.cellsPerColumn, at: address)
            }
            return address
        }
    }

    /// `decode` without a kernel.
    static func decodeOneByOne(
        into synapses: Synapses<Self>,
        from readers: inout SynapseReaders,
        _ shape: CellShape,
        rule: Rule,
        counts: UnsafeMutablePointer<UInt16>
    ) -> Int? {
        var column = 0
        var previous = -1
        var connected = 0
        for synapse in 0..<synapses.count {
            column += readers.columns.unforeseenVarint()
            let cellInColumn = readers.cells.varint()
            let source = column * shape.cellsPerColumn + cellInColumn
            guard column < shape.columnCount, cellInColumn < shape.cellsPerColumn, source > previous,
                let stored = rule.decode(from: &readers.permanences)
            else {
                return nil
            }
            previous = source
            synapses.sources[synapse] = Cell(truncatingIfNeeded: source)
            synapses.permanences[synapse] = stored
            counts[source] += 1
            connected += rule.isConnected(stored) ? 1 : 0
        }
        let failed = readers.columns.hasFailed || readers.cells.hasFailed || readers.permanences.hasFailed
        return failed ? nil : connected
    }
}

/// A segment's synapses, in place.
struct Synapses<Layout: SegmentLayout> {
    let sources: UnsafeMutablePointer<Layout.Cell>
    let permanences: UnsafeMutablePointer<Layout.Rule.Stored>
    let count: Int
}

/// The learning cells as kernels see them.
struct LearningPattern<Layout: SegmentLayout> {
    let cells: UnsafePointer<Layout.Cell>
    let ranks: UnsafePointer<UInt16>
    let count: Int
    let columnShift: Int
}

/// What reinforcing a segment found.
struct Reinforcement {
    /// Cells of the update that the segment has.
    let hits: UInt64
    /// Connected synapses left.
    let connected: Int
    /// Synapses to remove.
    let removed: Int
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
