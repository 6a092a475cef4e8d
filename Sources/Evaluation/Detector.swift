// SPDX-License-Identifier: Apache-2.0

/// Something that scores series: a mode of the product, or result files made earlier.
package protocol SeriesDetector: Sendable {
    /// Name used for folders and columns, such as `htmengine_parity`.
    var name: String { get }

    /// Scores a series record by record, from a model that has seen nothing.
    func scores(of series: LabelledSeries) throws -> ScoredSeries
}

/// What a detector says about each record of a series.
package struct ScoredSeries: Sendable {
    /// What a threshold is compared with; higher is more anomalous.
    package var anomalyScores: [Double]
    /// The model's raw scores, 0…1; empty when the detector has none.
    package var rawScores: [Double]
    /// Why a record scored high, by record number; only where there is something to say.
    package var explanations: [Int: String]

    package init(anomalyScores: [Double], rawScores: [Double] = [], explanations: [Int: String] = [:]) {
        self.anomalyScores = anomalyScores
        self.rawScores = rawScores
        self.explanations = explanations
    }
}

/// Takes the scores from result files in NAB's format: a column `anomaly_score` and one line per record of the data file.
package struct RecordedScores: SeriesDetector {
    package let name: String
    /// Holds `<category>/<file>`, or NAB's `<category>/<name>_<file>`.
    package let directory: String

    package init(name: String, directory: String) {
        self.name = name
        self.directory = directory
    }

    package func scores(of series: LabelledSeries) throws -> ScoredSeries {
        let slash = series.name.lastIndex(of: "/").map { series.name.index(after: $0) } ?? series.name.startIndex
        let plain = "\(directory)/\(series.name)"
        let prefixed = "\(directory)/\(series.name[..<slash])\(name)_\(series.name[slash...])"
        let path = SeriesFile.exists(prefixed) ? prefixed : plain
        let file = try SeriesFile.read(path: path, name: series.name, valueColumn: "anomaly_score")
        guard file.count == series.count else {
            throw EvaluationError("\(path): \(file.count) records, expected \(series.count) as in the data file")
        }
        return ScoredSeries(anomalyScores: file.values)
    }
}
