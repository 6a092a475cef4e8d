// SPDX-License-Identifier: Apache-2.0

import Foundation
import FuzzTargets
import HTM
import Testing

/// Every parser on its corpus and on small, repeatable damage to it: the short run of `Tests/Fuzz/run`, without libFuzzer.
@Suite struct FuzzCorpusTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fuzz/Corpus")

    private func corpus(_ name: String) throws -> [[UInt8]] {
        let folder = Self.folder.appendingPathComponent(name)
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        let written = try files.sorted { $0.path < $1.path }.map { Array(try Data(contentsOf: $0)) }
        return written + (try GeneratedSeeds.all().filter { $0.target == name }.map(\.bytes))
    }

    /// One to four changes: a byte turned over, replaced, taken out or put in, a piece doubled, the end cut off.
    private func damaged(_ bytes: [UInt8], _ random: inout RandomGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.uint32(below: 4) {
            let position = bytes.isEmpty ? 0 : Int(random.uint32(below: UInt32(bytes.count)))
            switch bytes.isEmpty ? 3 : random.uint32(below: 6) {
            case 0: bytes[position] ^= 1 << UInt8(random.uint32(below: 8))
            case 1: bytes[position] = UInt8(random.uint32(below: 256))
            case 2: bytes.remove(at: position)
            case 3: bytes.insert(UInt8(random.uint32(below: 256)), at: position)
            case 4: bytes.insert(contentsOf: bytes[position..<min(bytes.count, position + 16)], at: position)
            default: bytes.removeSubrange(position...)
            }
        }
        return bytes
    }

    @Test(arguments: FuzzTarget.all.map(\.name))
    func nothingBreaksTheParser(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let seeds = try corpus(name)
        try #require(!seeds.isEmpty)
        var random = RandomGenerator(seed: 2003)
        // A restored model goes on for some records: that takes longer than reading a line.
        let rounds = name == "model-state" ? 40 : max(10, 2000 / seeds.count)
        for seed in seeds {
            try target.run(seed)
            for _ in 0..<rounds {
                let bytes = damaged(seed, &random)
                do {
                    try target.run(bytes)
                } catch {
                    Issue.record("\(error); input \(Data(bytes).base64EncodedString())")
                    return
                }
            }
        }
    }
}
