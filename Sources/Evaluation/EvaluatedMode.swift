// SPDX-License-Identifier: Apache-2.0

import HTM

/// The detection modes of the product, as the evaluation runs them.
package enum EvaluatedMode: String, CaseIterable, Sendable {
    /// NuPIC's model and likelihood, set up as NAB does, which looks at a file's range and length in advance.
    case parity
    /// The same with the range of the first 288 records, padded by 20 %, and fixed periods: nothing is known in advance.
    case parityCausal = "parity-causal"

    /// HTM models and channels around them on one scale of rarity; nothing is known in advance (docs/detection.md).
    case evidence

    /// All names, for help.
    package static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    package var detector: any SeriesDetector {
        switch self {
        case .parity: ParityDetector(knowsFile: true)
        case .evidence: EvidenceSeriesDetector()
        case .parityCausal: ParityDetector(knowsFile: false)
        }
    }
}
