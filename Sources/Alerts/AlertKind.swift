// SPDX-License-Identifier: Apache-2.0

/// What an alert is about.
package enum AlertKind: String, Sendable, Hashable, CaseIterable {
    /// The anomaly score rose above the rule's threshold.
    case anomaly
    /// No sample came for a multiple of the metric's usual interval.
    case silent
}
