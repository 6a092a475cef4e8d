// SPDX-License-Identifier: Apache-2.0

/// All encoders of a model, writing their bits one after the other in the order of their names.
package struct RecordEncoder: Sendable {
    private enum Part {
        case date(DateEncoder)
        case value(any ValueEncoder)
    }

    private struct Placed {
        var part: Part
        let offset: Int
    }

    /// Bits of all encoders together.
    package let width: Int
    private var parts: [Placed] = []
    /// The bits of the last record.
    package private(set) var bits: InputBits

    /// - Throws: `ParameterError` when an encoder's parameters are wrong, a name occurs twice or there is none.
    package init(_ parameters: [EncoderParameters]) throws(ParameterError) {
        try require(!parameters.isEmpty, "model has no encoder, expected at least one")
        var offset = 0
        var lastName: String?
        for encoder in parameters.sorted(by: { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }) {
            try require(encoder.name != lastName, "two encoders are named \(encoder.name)")
            lastName = encoder.name
            let part = try Self.makePart(encoder.kind)
            parts.append(Placed(part: part, offset: offset))
            switch part {
            case .date(let date): offset += date.width
            case .value(let value): offset += value.width
            }
        }
        width = offset
        bits = InputBits(count: offset)
    }

    private static func makePart(_ kind: EncoderParameters.Kind) throws(ParameterError) -> Part {
        switch kind {
        case .date(let parameters): .date(try DateEncoder(parameters))
        case .randomDistributedScalar(let parameters): .value(try RandomDistributedScalarEncoder(parameters))
        case .scalar(let parameters): .value(try ScalarEncoder(parameters))
        case .log(let parameters): .value(try LogEncoder(parameters))
        case .adaptiveScalar(let parameters): .value(try AdaptiveScalarEncoder(parameters))
        case .delta(let parameters): .value(try DeltaEncoder(parameters))
        }
    }

    /// Whether the first value encoder encodes changes: then these are what a classifier learns and predicts.
    package var encodesChanges: Bool { firstValueEncoder is DeltaEncoder }

    /// The change that was last encoded, where changes are.
    package var lastChange: Double? { (firstValueEncoder as? DeltaEncoder)?.change }

    private var firstValueEncoder: (any ValueEncoder)? {
        for placed in parts {
            if case .value(let encoder) = placed.part {
                return encoder
            }
        }
        return nil
    }

    /// Writes a record's bits to `bits`.
    ///
    /// - Returns: The bucket of the first value encoder; `nil` when the value is missing or there is no such encoder.
    package mutating func encode(_ input: ModelInput, learn: Bool) -> Int? {
        bits.clear()
        var bucket: Int?
        var hasBucket = false
        for index in parts.indices {
            let offset = parts[index].offset
            switch parts[index].part {
            case .date(let date):
                date.write(input.timestamp, into: &bits, at: offset)
            case .value(var encoder):
                let own = encoder.encode(input.value, learn: learn, into: &bits, at: offset)
                parts[index].part = .value(encoder)
                if !hasBucket {
                    bucket = own
                    hasBucket = true
                }
            }
        }
        return bucket
    }

    /// Appends what the encoders have learned.
    package func encode(into encoder: inout StateEncoder) {
        for placed in parts {
            if case .value(let value) = placed.part {
                value.encode(into: &encoder)
            }
        }
    }

    /// Takes over what `encode(into:)` wrote.
    package mutating func restore(from decoder: inout StateDecoder) throws(CheckpointError) {
        for index in parts.indices {
            if case .value(var value) = parts[index].part {
                try value.restore(from: &decoder)
                parts[index].part = .value(value)
            }
        }
    }
}
