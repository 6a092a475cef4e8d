// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

@Suite struct StateCodingTests {
    @Test func everyKindOfValueComesBack() throws {
        var encoder = StateEncoder()
        encoder.encode(UInt8(7))
        encoder.encode(true)
        encoder.encode(UInt16.max)
        encoder.encode(UInt32.max - 1)
        encoder.encode(UInt64.max - 2)
        encoder.encode(-5)
        encoder.encode(Float(0.1))
        encoder.encode(-0.0)
        encoder.encode(Double?.none)
        encoder.encode(Double?(2.5))
        encoder.encodeVarint(UInt64.max)
        encoder.encodeSignedVarint(Int.min)
        encoder.encodeSignedVarint(-3)
        encoder.encode("µ/метрика")
        encoder.encode([UInt16(1), 2, 65_535])
        encoder.encode([1.5, Double.infinity])
        var decoder = StateDecoder(encoder.bytes)
        #expect(try decoder.decodeUInt8() == 7)
        #expect(try decoder.decodeBool())
        #expect(try decoder.decodeUInt16() == .max)
        #expect(try decoder.decodeUInt32() == .max - 1)
        #expect(try decoder.decodeUInt64() == .max - 2)
        #expect(try decoder.decodeInt() == -5)
        #expect(try decoder.decodeFloat() == 0.1)
        #expect(try decoder.decodeDouble().bitPattern == (-0.0).bitPattern)
        #expect(try decoder.decodeOptionalDouble() == nil)
        #expect(try decoder.decodeOptionalDouble() == 2.5)
        #expect(try decoder.decodeVarint() == .max)
        #expect(try decoder.decodeSignedVarint() == .min)
        #expect(try decoder.decodeSignedVarint() == -3)
        #expect(try decoder.decodeString() == "µ/метрика")
        #expect(try decoder.decodeArray(of: UInt16.self, "numbers") == [1, 2, 65_535])
        #expect(try decoder.decodeDoubles("numbers") == [1.5, .infinity])
        try decoder.requireEnd()
    }

    @Test func damagedBytesThrow() {
        var short = StateDecoder([1, 2, 3])
        #expect(throws: CheckpointError.truncated(at: 0, needed: 4)) { try short.decodeUInt32() }
        var endless = StateDecoder([UInt8](repeating: 0xFF, count: 20))
        #expect(throws: CheckpointError.self) { try endless.decodeVarint() }
        var greedy = StateDecoder([0xFF, 0xFF, 0xFF, 0x7F, 0])
        #expect(throws: CheckpointError.self) { try greedy.decodeArray(of: UInt64.self, "numbers") }
        var text = StateDecoder([2, 0xC3, 0x28])
        #expect(throws: CheckpointError.self) { try text.decodeString() }
        #expect(throws: CheckpointError.self) { try StateDecoder([0]).requireEnd() }
    }
}
