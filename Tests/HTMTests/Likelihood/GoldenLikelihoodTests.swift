// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

/// NuPIC's own likelihood and NAB's score, recomputed from the raw scores of the golden files.
@Suite(.enabled(if: GoldenData.isPresent, "golden files absent: set HTMENGINE_GOLDEN"))
struct GoldenLikelihoodTests {
    @Test(arguments: GoldenData.seriesNames)
    func likelihoodAndScoreEqualTheOriginals(name: String) throws {
        let rows = try GoldenData.rows(name)
        var likelihood = AnomalyLikelihood(schedule: .nab(recordCount: rows.count))
        var trick = SpatialRangeTrick()
        var worst = 0.0
        var worstScore = 0.0
        for row in rows {
            let value = Double(row[1])!
            let rawScore = AnomalyLikelihood.nineDigits(GoldenData.rawScore(row[2]))
            #expect(rawScore == Double(row[2])!)
            let actual = likelihood.update(value: value, rawScore: rawScore)
            let score = trick.isOutside(value) ? 1 : AnomalyLikelihood.logLikelihood(actual)
            worst = max(worst, abs(actual - Double(row[3])!))
            worstScore = max(worstScore, abs(score - Double(row[4])!))
        }
        #expect(worst < 2e-12)
        #expect(worstScore < 1e-10)
    }
}
