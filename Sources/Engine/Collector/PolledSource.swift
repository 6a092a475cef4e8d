// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Somebody who is asked for samples again and again.
package protocol PolledSource: Sendable {
    /// Names the source in messages and its buffer on disk: 1 to 100 letters, digits, `.`, `-` and `_`, no dot in front.
    var name: String { get }
    /// Between two questions; nil for `[metric_collector] poll_interval`. Unit: seconds, at least 1.
    var interval: Int64? { get }
    /// How far back the first question reaches. Unit: seconds, at least 0.
    var backfill: Int64 { get }
    /// The longest time one question spans; a longer gap is asked for in pieces. Unit: seconds, at least 1.
    var longestWindow: Int64 { get }

    /// The samples from `start` on and before `end` (Unix seconds). Blocks.
    ///
    /// - Parameter shouldStop: Asked now and then by whoever waits for long; true ends the wait with an error.
    /// - Throws: Why the source can't be asked now.
    func samples(from start: Int64, to end: Int64, shouldStop: @escaping @Sendable () -> Bool) throws
        -> [IncomingSample]
}

extension PolledSource {
    /// What is wrong with the source's description; nil when nothing is.
    package var problem: String? {
        let isPlain = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
        }
        guard (1...100).contains(name.utf8.count), isPlain, !name.hasPrefix(".") else {
            return
                "the name of a polled source is \(name.debugDescription); expected 1 to 100 letters, digits, '.', '-' "
                + "and '_', the first of them no dot"
        }
        if let interval, interval < 1 { return "source \(name): the interval is \(interval) s; expected at least 1" }
        if backfill < 0 { return "source \(name): the back-fill is \(backfill) s; expected at least 0" }
        if longestWindow < 1 { return "source \(name): the longest window is \(longestWindow) s; expected at least 1" }
        return nil
    }
}
