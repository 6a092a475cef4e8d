// SPDX-License-Identifier: Apache-2.0

/// How samples become anomaly scores (docs/detection.md).
package enum DetectionMode: String, Sendable, Hashable, CaseIterable {
    /// One model, with raw scores that equal NuPIC 1.0.5's bit for bit.
    case parity
    /// HTM models and channels around them for what a sequence memory can't see.
    case evidence

    /// All names, for help and messages.
    package static var names: String { allCases.map(\.rawValue).joined(separator: " or ") }
}
