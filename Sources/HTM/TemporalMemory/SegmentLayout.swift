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
