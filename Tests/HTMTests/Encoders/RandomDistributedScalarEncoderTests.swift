// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

@Suite struct RandomDistributedScalarEncoderTests {
    private func makeEncoder() throws -> RandomDistributedScalarEncoder {
        try RandomDistributedScalarEncoder(.init(resolution: 1))
    }

    private let middle = [
        300, 333, 282, 346, 265, 100, 94, 316, 312, 331, 80, 66, 218, 120, 171, 235, 149, 361, 314, 41, 119,
    ]

    @Test func bucketsEqualTheOriginals() throws {
        var encoder = try makeEncoder()
        #expect(encoder.bucketIndex(of: 0) == 500)
        #expect(encoder.bits(ofBucket: 500) == middle)
        var expected = middle
        for (bucket, position, bit) in [(501, 18, 69), (502, 19, 288), (503, 20, 385)] {
            expected[position] = bit
            #expect(encoder.bits(ofBucket: bucket) == expected)
        }
        expected = middle
        for (bucket, position, bit) in [(499, 16, 238), (498, 15, 236)] {
            expected[position] = bit
            #expect(encoder.bits(ofBucket: bucket) == expected)
        }
        #expect(encoder.retries == 1)
        #expect(
            encoder.bits(ofBucket: 525) == [
                337, 356, 38, 33, 354, 169, 271, 286, 27, 40, 157, 338, 239, 381, 90, 116, 143, 368, 243, 30, 366,
            ]
        )
        #expect(
            encoder.bits(ofBucket: 700) == [
                74, 332, 290, 393, 128, 307, 295, 348, 388, 33, 234, 104, 82, 96, 179, 1, 325, 84, 334, 186, 85,
            ]
        )
        #expect(encoder.retries == 45)
    }

    @Test func theStandardEncoderHasRoomForAllItsBuckets() throws {
        var encoder = try makeEncoder()
        let buckets = [0, 999] + Array(1..<999)
        #expect(Set(buckets.map { encoder.bits(ofBucket: $0) }).count == 1000)
        #expect(encoder.retries < 10_000, "\(encoder.retries)")
    }

    /// With 40 bits there is no room for a thousand buckets far apart: the original never comes back.
    @Test func anEncoderWithoutRoomMakesItsBucketsAllTheSame() throws {
        let parameters = RandomDistributedScalarEncoder.Parameters(resolution: 1, activeBits: 5, width: 40)
        var encoder = try RandomDistributedScalarEncoder(parameters)
        func check(_ bucket: Int, beside neighbour: Int) {
            let (bits, others) = (Set(encoder.bits(ofBucket: bucket)), Set(encoder.bits(ofBucket: neighbour)))
            #expect(bits.count == 5 && bits.intersection(others).count == 4)
            #expect(bits.allSatisfy { (0..<40).contains($0) })
        }
        check(999, beside: 998)
        check(0, beside: 1)
        // A restored one goes on with the same bits.
        var half = try RandomDistributedScalarEncoder(parameters)
        _ = half.bits(ofBucket: 900)
        var state = StateEncoder()
        half.encode(into: &state)
        var restored = try RandomDistributedScalarEncoder(parameters)
        var decoder = StateDecoder(state.bytes)
        try restored.restore(from: &decoder)
        for bucket in 0..<1000 { #expect(restored.bits(ofBucket: bucket) == half.bits(ofBucket: bucket)) }
    }

    @Test(arguments: [(0.49, 500), (0.5, 501), (-0.5, 499), (600, 999), (-600, 0), (.infinity, 999)])
    func valuesFallIntoTheOriginalsBuckets(value: Double, bucket: Int) throws {
        var encoder = try makeEncoder()
        _ = encoder.bucketIndex(of: 0)
        #expect(encoder.bucketIndex(of: value) == bucket)
    }

    @Test func missingValueSetsNoBit() throws {
        var encoder = try makeEncoder()
        var bits = InputBits(count: 400)
        #expect(encoder.encode(nil, learn: true, into: &bits, at: 0) == nil)
        #expect(encoder.encode(.nan, learn: true, into: &bits, at: 0) == nil)
        #expect(bits.activeBits.isEmpty)
        #expect(encoder.offset == nil)
        #expect(encoder.encode(7, learn: true, into: &bits, at: 0) == 500)
        #expect(bits.activeBits == middle.sorted())
    }

    @Test func restoredEncoderGoesOnTheSame() throws {
        var encoder = try makeEncoder()
        for value in [0.0, 30, -12, 7] {
            var bits = InputBits(count: 400)
            _ = encoder.encode(value, learn: true, into: &bits, at: 0)
        }
        var state = StateEncoder()
        encoder.encode(into: &state)
        var restored = try makeEncoder()
        var decoder = StateDecoder(state.bytes)
        try restored.restore(from: &decoder)
        try decoder.requireEnd()
        for bucket in [520, 495, 560, 470] {
            #expect(restored.bits(ofBucket: bucket) == encoder.bits(ofBucket: bucket))
        }
        #expect(restored.offset == 0)
    }

    @Test func wrongParametersAreRefused() {
        #expect(throws: ParameterError.self) { try RandomDistributedScalarEncoder(.init(resolution: 0)) }
        #expect(throws: ParameterError.self) {
            try RandomDistributedScalarEncoder(.init(resolution: 1, activeBits: 20))
        }
        #expect(throws: ParameterError.self) { try RandomDistributedScalarEncoder(.init(resolution: 1, width: 126)) }
    }
}
