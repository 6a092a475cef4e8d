// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// A model that scores by a hash of everything it has seen, so that one row missed, doubled or swapped changes all later scores.
package struct FakeModel: ScoringModel {
    private var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    package private(set) var count: Int64 = 0

    package init() {}

    package init(_ state: [UInt8]) throws {
        guard state.count == 16 else { throw EngineError(.checkpointDamaged, "\(state.count) bytes") }
        hash = state[0..<8].reduce(0) { $0 << 8 | UInt64($1) }
        count = state[8..<16].reduce(0) { $0 << 8 | Int64($1) }
    }

    package mutating func process(_ sample: Sample) throws -> RowScore {
        for word in [UInt64(bitPattern: sample.timestamp), sample.value.bitPattern, hash] {
            hash = (hash ^ word) &* 0x100_0000_01b3
            hash ^= hash >> 29
        }
        count += 1
        return RowScore(
            rawAnomalyScore: Double(hash >> 11) / 9_007_199_254_740_992,
            anomalyScore: count <= 3 ? 0 : Double(hash & 0xFFFF) / 65536
        )
    }

    package var memoryBytes: Int { 1000 }

    package func encoded() throws -> [UInt8] {
        withUnsafeBytes(of: hash.bigEndian) { Array($0) } + withUnsafeBytes(of: count.bigEndian) { Array($0) }
    }

    /// The scores an uninterrupted model gives.
    package static func scores(of samples: [Sample]) -> [RowScore] {
        var model = FakeModel()
        return samples.map { sample in
            // It never throws.
            (try? model.process(sample)) ?? RowScore(rawAnomalyScore: .nan, anomalyScore: .nan)
        }
    }
}

/// Makes `FakeModel`s; fails for definitions that say so.
package struct FakeModelFactory: ScoringModelFactory {
    package let failing = Monitor(false)

    package init() {}

    package func make(_ definition: ModelDefinition) throws -> any ScoringModel {
        if failing.withLock({ $0 }) { throw EngineError(.failed, "the factory is out of order") }
        guard definition.json["modelConfig"] != nil else {
            throw EngineError(.invalidArgument, "$.modelConfig is missing")
        }
        return FakeModel()
    }

    package func load(_ definition: ModelDefinition, _ state: [UInt8]) throws -> any ScoringModel {
        try FakeModel(state)
    }
}
