// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Synchronization

/// Tells the log of refused lines without letting a bad sender fill the disk: the first of each reason at once, then at most one
/// line per reason and interval, with how many there were.
package final class RefusalLog: Sendable {
    private struct Entry {
        var nextAt: UInt64 = 0
        var unreported = 0
    }

    /// Nanoseconds between two lines about one reason.
    private static let interval: UInt64 = 10_000_000_000
    private let logger: any Logger
    private let service: String
    private let clock: any EngineClock
    private let entries = Mutex<[SampleRefusal: Entry]>([:])

    package init(logger: any Logger, service: String, clock: any EngineClock = SystemClock()) {
        self.logger = logger
        self.service = service
        self.clock = clock
    }

    /// Notes one refused line.
    ///
    /// - Parameters:
    ///   - what: The line or the sample, as text that is safe to log.
    ///   - sender: Where it came from.
    package func note(_ reason: SampleRefusal, _ what: @autoclosure () -> String, sender: String) {
        let now = clock.monotonicNanoseconds()
        let before: Int? = entries.withLock { entries in
            var entry = entries[reason] ?? Entry()
            defer { entries[reason] = entry }
            guard now >= entry.nextAt else {
                entry.unreported += 1
                return nil
            }
            defer { entry = Entry(nextAt: now + Self.interval) }
            return entry.unreported
        }
        guard let before else { return }
        let more = before > 0 ? " (and \(before) more since the last such message)" : ""
        logger.warning(service, "refused from \(sender): \(reason.reason): \(what())\(more)")
    }
}
