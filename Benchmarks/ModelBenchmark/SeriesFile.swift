// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTM

/// A series with, where known, the raw scores NuPIC 1.0.5 gives it.
struct SeriesFile {
    let name: String
    let inputs: [ModelInput]
    let referenceScores: [Double]
    let range: (minimum: Double, maximum: Double)

    /// Reads `timestamp,value[,raw_anomaly_score…]` with a header line; times as `YYYY-MM-DD HH:MM:SS`.
    init(_ url: URL) throws {
        name = url.deletingPathExtension().lastPathComponent
        var inputs: [ModelInput] = []
        var scores: [Double] = []
        let text = try String(contentsOf: url, encoding: .utf8)
        for line in text.split(whereSeparator: \.isNewline).dropFirst() {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            inputs.append(ModelInput(timestamp: Self.seconds(fields[0]), value: Double(fields[1])))
            if fields.count > 2, let score = Float(fields[2]) {
                scores.append(Double(score))
            }
        }
        self.inputs = inputs
        referenceScores = scores
        let values = inputs.compactMap(\.value)
        range = (values.min() ?? 0, values.max() ?? 1)
    }

    private static func seconds(_ text: Substring) -> Int64 {
        let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
        let days = CivilTime.days(year: numbers[0], month: numbers[1], day: numbers[2])
        return Int64(days * 86_400 + numbers[3] * 3_600 + numbers[4] * 60 + numbers[5])
    }

    /// The parameters NAB's detector uses: the file's range padded by a fifth.
    var parameters: ModelParameters {
        let padded = ModelParameters.padded(minimum: range.minimum, maximum: range.maximum)
        return ModelParameters(minimum: padded.minimum, maximum: padded.maximum)
    }
}
