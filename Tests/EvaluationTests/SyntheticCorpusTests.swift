// SPDX-License-Identifier: Apache-2.0

import Evaluation
import Foundation
import Testing

@Suite("Synthetic corpus")
struct SyntheticCorpusTests {
    @Test func everyFaultOnEveryShapeTheSameEachTime() {
        let files = SyntheticCorpus.files(seeds: [1])
        #expect(files.count == Fault.allCases.count * BaseShape.allCases.count)
        #expect(files.map(\.series.values) == SyntheticCorpus.files(seeds: [1]).map(\.series.values))
        #expect(files.map(\.series.values) != SyntheticCorpus.files(seeds: [2]).map(\.series.values))
        for file in files {
            #expect(!file.series.values.contains { !$0.isFinite })
            #expect(file.windows.count == (file.category == "none" ? 0 : 1))
        }
    }

    /// Up to its first record a fault changes nothing, from there on it does.
    @Test(arguments: Fault.allCases.filter { $0 != .none })
    func faultBeginsAtItsWindow(fault: Fault) throws {
        let clean = FaultSeries(shape: .daily, fault: .none, seed: 3).file().series
        let faulty = FaultSeries(shape: .daily, fault: fault, seed: 3).file()
        let onset = try #require(faulty.windows.first).lowerBound
        #expect(faulty.series.values[..<onset] == clean.values[..<onset])
        #expect(faulty.series.values[onset...] != clean.values[onset...])
        if fault == .missingPeriod {
            #expect(faulty.series.timestamps[onset] - faulty.series.timestamps[onset - 1] == 145 * 300)
        }
    }

    @Test func writtenCorpusReadsBack() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("corpus-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let files = [
            FaultSeries(shape: .weekly, fault: .spike, seed: 1).file(),
            FaultSeries(shape: .bursty, fault: .none, seed: 1).file(),
        ]
        try SyntheticCorpus.write(files, to: directory)
        let corpus = try NABCorpus(directory: directory)
        #expect(corpus.files.map(\.series.name) == ["none/bursty_1.csv", "spike/weekly_1.csv"])
        #expect(corpus.files[1].windows == files[0].windows)
        #expect(corpus.files[1].series.values == files[0].series.values)
    }
}
