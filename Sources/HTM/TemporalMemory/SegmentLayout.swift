// SPDX-License-Identifier: Apache-2.0

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

    /// counters[ids[i]] += 1.
    static func increment(_ counters: UnsafeMutablePointer<Counter>, _ ids: UnsafePointer<UInt16>, _ count: Int)

    /// Appends the indices of all counters of at least `threshold`, ascending.
    static func collect(
        _ counters: UnsafeMutablePointer<Counter>,
        count: Int,
        threshold: Int,
        level: KernelLevel,
        into indices: inout GrowableBuffer<UInt32>
    )
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
    /// Appends the stored form to a checkpoint.
    static func encode(_ stored: Stored, into stream: inout ByteStream)
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
    static func encode(_ stored: Float, into stream: inout ByteStream) {
        stream.append(stored.bitPattern)
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

/// Permanences as one-byte codes.
///
/// From the initial permanence, steps of ±0.1 with a cap at 1 and removal at 0 reach only 23 different floats; each gets a code,
/// in numeric order, and the steps become table look-ups. Other constants work as long as they reach at most 255 floats.
struct CodedPermanence: PermanenceRule {
    /// Stands for "nothing left" in the table of decreases.
    private static var removed: UInt8 { 255 }

    let initial: UInt8
    /// The float of each code, ascending.
    let floats: [Float]
    private let codeCount: UInt8
    private let firstConnected: UInt8
    private let increases: InlineArray<256, UInt8>
    private let decreases: InlineArray<256, UInt8>

    init?(_ parameters: BacktrackingParameters) {
        guard parameters.globalDecay == 0 else {
            return nil
        }
        let rule = FloatPermanence(parameters)
        var reached: Set<Float> = [rule.initial]
        var frontier: [Float] = [rule.initial]
        while let permanence = frontier.popLast() {
            for next in [rule.increased(permanence), rule.decreased(permanence)].compactMap({ $0 })
            where reached.insert(next).inserted {
                frontier.append(next)
            }
            if reached.count >= Int(Self.removed) {
                return nil
            }
        }
        let floats = reached.sorted()
        let code = { (permanence: Float) in UInt8(floats.firstIndex(of: permanence)!) }
        var increases = InlineArray<256, UInt8>(repeating: 0)
        var decreases = InlineArray<256, UInt8>(repeating: Self.removed)
        for (index, permanence) in floats.enumerated() {
            increases[index] = code(rule.increased(permanence))
            decreases[index] = rule.decreased(permanence).map(code) ?? Self.removed
        }
        self.floats = floats
        codeCount = UInt8(floats.count)
        self.increases = increases
        self.decreases = decreases
        initial = code(rule.initial)
        firstConnected = UInt8(floats.firstIndex(where: rule.isConnected) ?? floats.count)
    }

    @inline(__always)
    func increased(_ stored: UInt8) -> UInt8 {
        increases[Int(stored)]
    }

    @inline(__always)
    func decreased(_ stored: UInt8) -> UInt8? {
        let code = decreases[Int(stored)]
        return code == Self.removed ? nil : code
    }

    @inline(__always)
    func isConnected(_ stored: UInt8) -> Bool {
        stored >= firstConnected
    }

    @inline(__always)
    static func encode(_ stored: UInt8, into stream: inout ByteStream) {
        stream.append(stored)
    }

    @inline(__always)
    func decode(from reader: inout ByteStreamReader) -> UInt8? {
        let code = reader.byte()
        return code < codeCount ? code : nil
    }

    func decayed(_ stored: UInt8, by decay: Float) -> UInt8? {
        preconditionFailure("codes are not used with global decay")
    }
}
