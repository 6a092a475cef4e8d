// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Synchronization

/// What came in and what was refused, since the process started.
package final class IngestCounters: Sendable {
    private struct Counts {
        var samples: Int64 = 0
        var refused: [SampleRefusal: Int64] = [:]
        var connections: Int64 = 0
        var connectionsRefused: [String: Int64] = [:]
        var datagrams: Int64 = 0
        var lostDatagrams: Int64 = 0
        var refusedDatagrams: Int64 = 0
    }

    private let counts = Mutex(Counts())

    package init() {}

    /// Samples handed to the storer.
    package func addSamples(_ number: Int) {
        guard number > 0 else { return }
        counts.withLock { $0.samples += Int64(number) }
    }

    /// Lines or samples refused for a reason.
    package func addRefused(_ reason: SampleRefusal, _ number: Int = 1) {
        counts.withLock { $0.refused[reason, default: 0] += Int64(number) }
    }

    /// A TCP connection that was accepted.
    package func addConnection() {
        counts.withLock { $0.connections += 1 }
    }

    /// A TCP connection that was closed at once; `reason` is a word such as `limit` or `not_allowed`.
    package func addConnectionRefused(_ reason: String) {
        counts.withLock { $0.connectionsRefused[reason, default: 0] += 1 }
    }

    /// A UDP datagram; lost when the engine was stopping or couldn't store what it said.
    package func addDatagrams(_ number: Int, lost: Int = 0) {
        counts.withLock {
            $0.datagrams += Int64(number)
            $0.lostDatagrams += Int64(lost)
        }
    }

    /// UDP datagrams of senders that aren't allowed.
    package func addDatagramsRefused(_ number: Int) {
        guard number > 0 else { return }
        counts.withLock { $0.refusedDatagrams += Int64(number) }
    }

    /// Refused lines and samples by reason.
    package var refused: [SampleRefusal: Int64] { counts.withLock { $0.refused } }

    /// All numbers by names fit for Prometheus.
    package func snapshot() -> [String: Int64] {
        counts.withLock { counts in
            var numbers = [
                "htmengine_ingest_samples_total": counts.samples,
                "htmengine_graphite_connections_total": counts.connections,
                "htmengine_graphite_datagrams_total": counts.datagrams,
                "htmengine_graphite_datagrams_lost_total": counts.lostDatagrams,
                "htmengine_graphite_datagrams_refused_total{reason=\"not_allowed\"}": counts.refusedDatagrams,
            ]
            for reason in SampleRefusal.allCases {
                numbers["htmengine_ingest_refused_total{reason=\"\(reason.rawValue)\"}"] = counts.refused[reason] ?? 0
            }
            for (reason, number) in counts.connectionsRefused {
                numbers["htmengine_graphite_connections_refused_total{reason=\"\(reason)\"}"] = number
            }
            return numbers
        }
    }
}
