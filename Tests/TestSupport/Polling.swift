// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A condition that didn't come true in time.
package struct PollingTimeout: Error, CustomStringConvertible {
    package let description: String
    package init(description: String) { self.description = description }
}

/// Waits until the body returns a value, trying again every few milliseconds.
///
/// - Parameters:
///   - what: Made up only when the test fails, so that a log in it is the whole log.
///   - seconds: Generous: it only matters when the test fails.
@discardableResult
package func eventually<Value>(
    _ what: @autoclosure () -> String,
    within seconds: Double = 120,
    _ body: () throws -> Value?
) throws -> Value {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        if let value = try body() { return value }
        guard ContinuousClock.now < deadline else {
            throw PollingTimeout(description: "not within \(seconds) s: \(what())")
        }
        usleep(10_000)
    }
}
