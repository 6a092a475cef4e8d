// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Permanences as one-byte codes.
///
/// From the initial permanence, steps of ±0.1 with a cap at 1 and removal at 0 reach only 23 different floats; each gets a code,
/// in numeric order, and the steps become table look-ups. Other constants work as long as they reach at most 254 floats.
struct CodedPermanence: PermanenceRule {
    /// Owns the tables, which kernels read through a pointer.
    private final class Tables: Sendable {
        nonisolated(unsafe) let steps = UnsafeMutablePointer<ck_code_steps>.allocate(capacity: 1)

        init() {
            steps.initialize(to: ck_code_steps())
        }

        deinit {
            steps.deallocate()
        }
    }

    /// Stands for "nothing left" in the table of decreases.
    static var removed: UInt8 { 255 }

    let initial: UInt8
    /// The float of each code, ascending.
    let floats: [Float]
    /// Codes from here on are connected.
    let firstConnected: UInt8
    let codeCount: UInt8
    private let tables: Tables
    /// Increases of the 256 codes, then decreases; lives as long as `tables`, and never changes.
    private nonisolated(unsafe) let codes: UnsafePointer<UInt8>

    init?(_ parameters: BacktrackingParameters) {
        guard parameters.globalDecay == 0, let floats = Self.reachableFloats(parameters) else {
            return nil
        }
        let rule = FloatPermanence(parameters)
        let code = { (permanence: Float) in UInt8(floats.firstIndex(of: permanence)!) }
        tables = Tables()
        let bytes = UnsafeMutableRawPointer(tables.steps).assumingMemoryBound(to: UInt8.self)
        for index in 0..<256 {
            bytes[index] = 0
            bytes[256 + index] = Self.removed
        }
        for (index, permanence) in floats.enumerated() {
            bytes[index] = code(rule.increased(permanence))
            bytes[256 + index] = rule.decreased(permanence).map(code) ?? Self.removed
        }
        tables.steps.pointee.code_count = Int32(floats.count)
        codes = UnsafePointer(bytes)
        self.floats = floats
        codeCount = UInt8(floats.count)
        initial = code(rule.initial)
        firstConnected = UInt8(floats.firstIndex(where: rule.isConnected) ?? floats.count)
    }

    /// All permanences that steps from the initial one lead to, ascending; `nil` when they are too many for codes.
    private static func reachableFloats(_ parameters: BacktrackingParameters) -> [Float]? {
        let rule = FloatPermanence(parameters)
        var reached: Set<Float> = [rule.initial]
        var frontier: [Float] = [rule.initial]
        while let permanence = frontier.popLast() {
            for next in [rule.increased(permanence), rule.decreased(permanence)].compactMap({ $0 })
            where reached.insert(next).inserted {
                frontier.append(next)
            }
            if reached.count >= Int(removed) {
                return nil
            }
        }
        return reached.sorted()
    }

    /// The tables as kernels take them.
    var steps: UnsafePointer<ck_code_steps> { UnsafePointer(tables.steps) }

    @inline(__always)
    func increased(_ stored: UInt8) -> UInt8 {
        codes[Int(stored)]
    }

    @inline(__always)
    func decreased(_ stored: UInt8) -> UInt8? {
        let code = codes[256 + Int(stored)]
        return code == Self.removed ? nil : code
    }

    @inline(__always)
    func isConnected(_ stored: UInt8) -> Bool {
        stored >= firstConnected
    }

    @inline(__always)
    static func encode(_ stored: UnsafePointer<UInt8>, count: Int, into stream: inout ByteStream) {
        stream.append(atMost: count) { address in
            address.update(from: stored, count: count)
            return address + count
        }
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
