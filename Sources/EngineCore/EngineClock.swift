// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The time of day and a time that never goes back, passed in so that tests can set both.
package protocol EngineClock: Sendable {
    /// Unix seconds, UTC; may jump.
    func wallSeconds() -> Int64
    /// Nanoseconds from some fixed point; never falls.
    func monotonicNanoseconds() -> UInt64
}

/// The machine's own clocks.
package struct SystemClock: EngineClock {
    package init() {}

    package func wallSeconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec)
    }

    package func monotonicNanoseconds() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }
}
