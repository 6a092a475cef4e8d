// SPDX-License-Identifier: Apache-2.0

import HTM

/// Mode "evidence" on a whole series.
struct EvidenceSeriesDetector: SeriesDetector {
    let name = "htmengine_evidence"
    private let factory = ModelFactory()

    func scores(of series: LabelledSeries) throws -> ScoredSeries {
        var detector = try EvidenceDetector(factory: factory)
        var result = ScoredSeries(anomalyScores: [])
        for (record, (timestamp, value)) in zip(series.timestamps, series.values).enumerated() {
            let output = detector.process(ModelInput(timestamp: Int64(timestamp), value: value))
            result.anomalyScores.append(output.anomalyScore)
            result.rawScores.append(output.rawScore ?? 0)
            result.explanations[record] = output.explanation?.text
        }
        return result
    }
}
