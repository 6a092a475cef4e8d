// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Synchronization

/// Makes an address that keeps failing wait.
///
/// Counts failures of each address in spans of a minute; after too many, the address is turned away until its span ends. Remembers a
/// bounded number of addresses: when there are more, the oldest spans are forgotten.
package final class FailureLimiter: Sendable {
    private struct Span {
        var startNanoseconds: UInt64
        var failures: Int
    }

    /// Failures an address may have in a span.
    package let limit: Int
    private let spanNanoseconds: UInt64
    private let capacity: Int
    private let clock: any EngineClock
    private let spans = Mutex<[String: Span]>([:])

    package init(limit: Int = 10, spanSeconds: Int = 60, capacity: Int = 10_000, clock: any EngineClock) {
        self.limit = limit
        spanNanoseconds = UInt64(spanSeconds) * 1_000_000_000
        self.capacity = capacity
        self.clock = clock
    }

    /// - Returns: Seconds until the address is heard again; nil when it is now.
    package func waitSeconds(for address: String) -> Int? {
        let now = clock.monotonicNanoseconds()
        return spans.withLock { spans in
            guard let span = spans[address], span.failures >= limit else { return nil }
            let end = span.startNanoseconds + spanNanoseconds
            guard now < end else { return nil }
            return Int((end - now + 999_999_999) / 1_000_000_000)
        }
    }

    package func noteFailure(of address: String) {
        let now = clock.monotonicNanoseconds()
        spans.withLock { spans in
            if let span = spans[address], now < span.startNanoseconds + spanNanoseconds {
                spans[address]?.failures += 1
                return
            }
            if spans.count >= capacity {
                spans = spans.filter { now < $0.value.startNanoseconds + spanNanoseconds }
                if spans.count >= capacity,
                    let oldest = spans.min(by: { $0.value.startNanoseconds < $1.value.startNanoseconds })
                {
                    spans.removeValue(forKey: oldest.key)
                }
            }
            spans[address] = Span(startNanoseconds: now, failures: 1)
        }
    }

    /// An address that has shown a right key starts afresh.
    package func noteSuccess(of address: String) {
        spans.withLock { _ = $0.removeValue(forKey: address) }
    }
}
