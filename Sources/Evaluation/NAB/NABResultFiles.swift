// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Writes an evaluation in the layout of NAB's `results` directory, so that its own tools can take over.
package enum NABResultFiles {
    /// Writes `<detector>/<category>/<detector>_<file>`, `final_results.json`, `thresholds.json` and the report page `report.html`.
    ///
    /// - Throws: What the file system says.
    package static func write(_ evaluation: NABEvaluation, to directory: String) throws {
        let root = URL(fileURLWithPath: directory)
        for (file, scored) in zip(evaluation.files, evaluation.scored) {
            let parts = file.series.name.split(separator: "/")
            let folder = parts.dropLast().reduce(root.appendingPathComponent(evaluation.detectorName)) {
                $0.appendingPathComponent(String($1))
            }
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let path = folder.appendingPathComponent("\(evaluation.detectorName)_\(parts.last ?? "")")
            try Data(table(file, scored).utf8).write(to: path)
        }
        try write(finalResults(evaluation), to: root.appendingPathComponent("final_results.json"))
        try write(thresholds(evaluation), to: root.appendingPathComponent("thresholds.json"))
        try Data(NABReportPage.html(evaluation).utf8).write(to: root.appendingPathComponent("report.html"))
    }

    /// NAB's columns first; `raw_score` and `explanation` are ours, empty where there is nothing to say.
    static func table(_ file: NABFile, _ scored: ScoredSeries) -> String {
        var isInWindow = [Bool](repeating: false, count: file.series.count)
        for window in file.windows {
            for record in window { isInWindow[record] = true }
        }
        var text = "timestamp,value,anomaly_score,label,raw_score,explanation\n"
        for record in 0..<file.series.count {
            text += file.series.timestampTexts[record]
            text += ",\(file.series.values[record]),\(scored.anomalyScores[record]),\(isInWindow[record] ? 1 : 0),"
            if !scored.rawScores.isEmpty { text += "\(scored.rawScores[record])" }
            text += ","
            if let explanation = scored.explanations[record] {
                text += explanation.replacing(",", with: ";").replacing("\n", with: " ")
            }
            text += "\n"
        }
        return text
    }

    private static func finalResults(_ evaluation: NABEvaluation) -> [String: [String: Double]] {
        [
            evaluation.detectorName: Dictionary(
                uniqueKeysWithValues: evaluation.optima.map { ($0.profile.name, $0.normalised) }
            )
        ]
    }

    private static func thresholds(_ evaluation: NABEvaluation) -> [String: [String: [String: Double]]] {
        [
            evaluation.detectorName: Dictionary(
                uniqueKeysWithValues: evaluation.optima.map {
                    // JSON knows no infinity; a threshold above every score detects nothing just as well.
                    ($0.profile.name, ["threshold": min($0.threshold, .greatestFiniteMagnitude), "score": $0.score])
                }
            )
        ]
    }

    private static func write(_ value: some Encodable, to url: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(value).write(to: url)
    }
}
