// SPDX-License-Identifier: Apache-2.0

import Evaluation
import Foundation
import HTM
import Testing

/// The labelled files and the rule of the original's integration test of result quality (spec engine.md 13.5).
@Suite("Result quality", .enabled(if: TestData.golden != nil)) struct ResultQualityTests {
    private struct Counts: Equatable {
        var fn = 0
        var fp = 0
        var tn = 0
        var tp = 0
        var quality: Int { 100 * tp - 50 * fp - 10 * fn }

        /// A labelled row is found by a prediction in it or the six rows after; rows soon after a label don't count as false.
        init(labels: [Double], predicted: [Bool]) {
            for (row, label) in labels.enumerated() {
                if label == 1 || label == 2 {
                    let isFound = predicted[row..<min(row + 7, labels.count)].contains(true)
                    if isFound { tp += 1 } else { fn += 1 }
                } else if label == 0, !labels[max(0, row - 6)..<row].contains(where: { $0 >= 1 }) {
                    if predicted[row] { fp += 1 } else { tn += 1 }
                }
            }
        }

        init(fn: Int, fp: Int, tn: Int, tp: Int) {
            (self.fn, self.fp, self.tn, self.tp) = (fn, fp, tn, tp)
        }
    }

    private static func rows(_ name: String) throws -> [(input: ModelInput, label: Double)] {
        let path = try #require(TestData.golden) + "/original/quality/\(name).csv"
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(whereSeparator: \.isNewline).dropFirst(3)
        return try lines.map { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            let time = try #require(CivilTime.seconds(fields[0]))
            let value = try #require(Double(fields[1]))
            let label = try #require(Double(fields[2]))
            return (ModelInput(timestamp: Int64(time), value: value), label)
        }
    }

    /// The engine's: the range of all rows, padded; the likelihood row by row.
    private static func parity(_ rows: [(input: ModelInput, label: Double)]) throws -> Counts {
        let values = rows.compactMap(\.input.value)
        let range = ModelParameters.padded(minimum: values.min() ?? 0, maximum: values.max() ?? 1)
        var model = try AnomalyModel(parameters: ModelParameters(minimum: range.minimum, maximum: range.maximum))
        var likelihood = AnomalyLikelihood(schedule: .engine())
        let predicted = rows.map { row in
            let raw = model.process(row.input).rawScore
            return likelihood.update(value: row.input.value, rawScore: raw) > 0.99
        }
        return Counts(labels: rows.map(\.label), predicted: predicted)
    }

    private static func evidence(_ rows: [(input: ModelInput, label: Double)]) throws -> Counts {
        var detector = try EvidenceDetector(factory: ModelFactory())
        let predicted = rows.map { detector.process($0.input).likelihood > 0.99 }
        return Counts(labels: rows.map(\.label), predicted: predicted)
    }

    @Test func parityGivesTheOriginalsCounts() throws {
        let rows = try Self.rows("rns_Backend_InstanceId=i-57009237_DiskWriteOps")
        #expect(rows.count == 4027)
        #expect(try Self.parity(rows) == Counts(fn: 3, fp: 8, tn: 3683, tp: 2))
    }

    /// By the original's rule; it recorded −300, −230 and 10,720.
    @Test(arguments: [
        ("iio_us-east-1_i-a2eb1cd9_NetworkIn", -300), ("rns_Backend_InstanceId=i-57009237_DiskWriteOps", -230),
        ("rpmbuild_realanomaly_networkIn", 10_720),
    ])
    func evidenceIsBetter(name: String, original: Int) throws {
        #expect(try Self.evidence(try Self.rows(name)).quality > original)
    }
}
