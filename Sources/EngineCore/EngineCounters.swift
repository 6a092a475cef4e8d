// SPDX-License-Identifier: Apache-2.0

/// Numbers about the running engine, by names fit for Prometheus: `…_total` only rise, others are measures of the moment.
///
/// A name may carry labels: `htmengine_samples_refused_total{reason="duplicate_timestamp"}`.
package final class EngineCounters: Sendable {
    private let values = Monitor<[String: Int64]>([:])

    package init() {}

    /// Adds to a counter; one that isn't there starts at 0.
    package func add(_ name: String, _ amount: Int64 = 1) {
        values.withLock { $0[name, default: 0] += amount }
    }

    /// Adds to many at once.
    package func add(_ amounts: [String: Int64]) {
        values.withLock { values in
            for (name, amount) in amounts { values[name, default: 0] += amount }
        }
    }

    /// Sets a measure.
    package func set(_ name: String, _ value: Int64) {
        values.withLock { $0[name] = value }
    }

    package subscript(name: String) -> Int64 { values.withLock { $0[name] ?? 0 } }

    package func snapshot() -> [String: Int64] { values.withLock { $0 } }
}
