// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Foundation

/// CPU time of this thread. Unit: seconds.
func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

func elapsedSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// The value below which a share of the values lies.
func percentile(_ values: [Double], _ share: Double) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? .nan : sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
}

/// FNV-1a over the bit patterns of scores.
struct ScoreHash {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ score: Double) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            state = (state ^ (score.bitPattern >> shift & 0xFF)) &* 0x100_0000_01B3
        }
    }

    var text: String { String(state, radix: 16) }
}

/// The range every model of these benchmarks is given.
let definition = ModelDefinition.standard(minimum: 0, maximum: 100)

/// The models' share of the work: the same samples in the same order as an engine gets, without an engine.
struct ModelsInTurn {
    let path: String
    let warm: Int

    func run() throws {
        var reader = GraphiteLineReader()
        try Data(contentsOf: URL(fileURLWithPath: path)).withUnsafeBytes { reader.read($0) }
        let samples = reader.take().samples
        let factory = HTMScoringModelFactory()
        var positions: [String: Int] = [:]
        var models: [any ScoringModel] = []
        let order = try samples.map { incoming -> Int in
            if let known = positions[incoming.name] { return known }
            positions[incoming.name] = models.count
            models.append(try factory.make(definition))
            return models.count - 1
        }
        var cpu = 0.0
        var counted = 0
        for (index, incoming) in samples.enumerated() {
            if index == warm * models.count { cpu = cpuSeconds() }
            _ = try models[order[index]].process(incoming.sample)
            if index >= warm * models.count { counted += 1 }
        }
        print("microseconds", (cpuSeconds() - cpu) / Double(max(1, counted)) * 1e6)
    }
}
