// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTM

/// The detector of a metric in mode "evidence", as the runner sees it.
struct EvidenceScoringModel: ScoringModel {
    private var detector: EvidenceDetector

    init(_ detector: EvidenceDetector) { self.detector = detector }

    mutating func process(_ sample: Sample) -> RowScore {
        let output = detector.process(ModelInput(timestamp: sample.timestamp, value: sample.value))
        // On the original's scale, so that its thresholds and colours keep their meaning.
        return RowScore(
            rawAnomalyScore: output.rawScore ?? 0,
            anomalyScore: output.likelihood,
            reason: output.explanation.map { AnomalyReason($0) }
        )
    }

    var memoryBytes: Int { detector.memoryBytes }

    func encoded() -> [UInt8] { detector.encoded() }
}
