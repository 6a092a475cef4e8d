// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

/// The encoders that are only reached through complete model parameters.
private func encode(_ encoder: inout some ValueEncoder, _ value: Double?, learn: Bool = true) -> [Int] {
    var bits = InputBits(count: encoder.width)
    _ = encoder.encode(value, learn: learn, into: &bits, at: 0)
    return bits.activeBits
}

private func restored<Encoder: ValueEncoder>(_ encoder: Encoder, as fresh: Encoder) throws -> Encoder {
    var state = StateEncoder()
    encoder.encode(into: &state)
    var decoder = StateDecoder(state.bytes)
    var copy = fresh
    try copy.restore(from: &decoder)
    try decoder.requireEnd()
    return copy
}

@Suite struct LogEncoderTests {
    // Resolution 0.1 from -1 to 4: 51 steps and 2 bits of padding on both sides.
    private let parameters = LogEncoder.Parameters(minimum: 0.1, maximum: 10_000, division: .resolution(0.1))

    @Test func powersOfTenAreEquallyFarApart() throws {
        var encoder = try LogEncoder(parameters)
        #expect(encoder.width == 55)
        #expect(encode(&encoder, 0.1) == Array(0..<5))
        #expect(encode(&encoder, 1) == Array(10..<15))
        #expect(encode(&encoder, 10) == Array(20..<25))
        #expect(encode(&encoder, 10_000) == Array(50..<55))
    }

    @Test func valuesOutsideTheRangeMoveToItsEnds() throws {
        var encoder = try LogEncoder(parameters)
        #expect(encode(&encoder, -5) == Array(0..<5))
        #expect(encode(&encoder, 1e9) == Array(50..<55))
        #expect(encode(&encoder, nil).isEmpty)
        #expect(encode(&encoder, .nan).isEmpty)
    }

    @Test func minimumIsFloored() throws {
        let zero = try LogEncoder(.init(minimum: 0, maximum: 1, division: .resolution(0.1)))
        let floor = try LogEncoder(.init(minimum: 1e-7, maximum: 1, division: .resolution(0.1)))
        #expect(zero == floor)
        #expect(throws: ParameterError.self) { try LogEncoder(.init(minimum: 5, maximum: 5, division: .bits(50))) }
    }
}

@Suite struct AdaptiveScalarEncoderTests {
    private func make() throws -> AdaptiveScalarEncoder {
        try AdaptiveScalarEncoder(.init(activeBits: 5, width: 55))
    }

    @Test func rangeBeginsAtTheFirstValueAndWidens() throws {
        var encoder = try make()
        #expect(encode(&encoder, 10) == Array(0..<5))
        #expect(encoder.range == 10...11)
        #expect(encode(&encoder, 60) == Array(50..<55))
        #expect(encoder.range == 10...60)
        #expect(encode(&encoder, 35) == Array(25..<30))
        #expect(encode(&encoder, -40) == Array(0..<5))
        #expect(encoder.range == -40...60)
        #expect(encode(&encoder, nil).isEmpty)
    }

    @Test func withoutLearningTheRangeStaysUntilTheWindowTeaches() throws {
        var encoder = try make()
        _ = encode(&encoder, 10)
        #expect(encode(&encoder, 100, learn: false) == Array(50..<55))
        #expect(encoder.range == 10...11)
        _ = encode(&encoder, 11)
        #expect(encoder.range == 10...100)
    }

    @Test func rangeStaysWhenExtremesLeaveTheWindow() throws {
        var encoder = try make()
        for value in [0.0, 100] { _ = encode(&encoder, value) }
        for _ in 0..<400 { _ = encode(&encoder, 50) }
        #expect(encoder.range == 0...100)
    }

    @Test func restoredEncoderIsEqual() throws {
        var encoder = try make()
        #expect(try restored(encoder, as: make()) == encoder)
        for value in [3.0, 9, -2] { _ = encode(&encoder, value) }
        _ = encode(&encoder, 1000, learn: false)
        #expect(try restored(encoder, as: make()) == encoder)
    }
}

@Suite struct DeltaEncoderTests {
    @Test func changesAreEncoded() throws {
        var encoder = try DeltaEncoder(.init(activeBits: 5, width: 55, range: -25...25))
        #expect(encode(&encoder, 1000) == Array(25..<30))
        #expect(encode(&encoder, 1010) == Array(35..<40))
        #expect(encode(&encoder, nil).isEmpty)
        #expect(encode(&encoder, 1000) == Array(15..<20))
        #expect(encoder.change == -10)
        let copy = try restored(encoder, as: DeltaEncoder(.init(activeBits: 5, width: 55, range: -25...25)))
        var (first, second) = (encoder, copy)
        #expect(encode(&first, 1001) == encode(&second, 1001))
    }

    /// A counter that grows by 1, 2, 3, 4, 1, 2 …: its values never repeat, its changes do.
    @Test func aModelOfChangesPredictsValuesNeverSeen() throws {
        var parameters = ModelParameters(encoders: [
            EncoderParameters(name: "c1", kind: .delta(.init(activeBits: 21, width: 400, range: 0...10)))
        ])
        parameters.classifier = .init(steps: [1, 3], alpha: 0.3, parityQuirks: false)
        var model = try AnomalyModel(parameters: parameters)
        var (value, hits) = (0.0, 0)
        var expected: [Int: Double] = [:]
        for index in 0..<800 {
            value += Double(index % 4 + 1)
            if index >= 760 {
                for step in [1, 3] where abs((expected[step * 10_000 + index] ?? .nan) - value) < 1e-6 { hits += 1 }
            }
            let output = model.process(ModelInput(timestamp: nil, value: value))
            for (step, predicted) in output.bestPredictions { expected[step * 10_000 + index + step] = predicted }
            if index == 400 {
                model = try AnomalyModel(parameters: parameters, restoring: model.encoded())
            }
        }
        // Surprises of an endless loop cost some.
        #expect(hits >= 60)
    }
}
