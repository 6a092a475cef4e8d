// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A condition that didn't come true in time.
package struct PollingTimeout: Error, CustomStringConvertible {
    package let description: String
    package init(description: String) { self.description = description }
}

/// Waits until the body returns a value, trying again every few milliseconds.
///
/// - Parameter seconds: Generous: it only matters when the test fails.
@discardableResult
package func eventually<Value>(
    _ what: String,
    within seconds: Double = 60,
    _ body: () throws -> Value?
) throws -> Value {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while true {
        if let value = try body() { return value }
        guard Date() < deadline else { throw PollingTimeout(description: "not within \(seconds) s: \(what)") }
        usleep(10_000)
    }
}
