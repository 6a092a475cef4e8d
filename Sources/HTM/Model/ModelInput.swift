// SPDX-License-Identifier: Apache-2.0

/// What a model is fed: one sample of a metric.
public struct ModelInput: Sendable, Equatable {
    /// Seconds since 1970-01-01 00:00:00 in the metric's own (naive) time; `nil`: unknown.
    public var timestamp: Int64?
    /// The metric's value; `nil` or NaN: missing.
    public var value: Double?

    /// - Parameters:
    ///   - timestamp: Seconds since 1970-01-01 00:00:00; `nil` when unknown.
    ///   - value: `nil` or NaN when missing.
    public init(timestamp: Int64?, value: Double?) {
        self.timestamp = timestamp
        self.value = value
    }
}
