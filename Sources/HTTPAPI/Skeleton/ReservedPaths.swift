// SPDX-License-Identifier: Apache-2.0

/// Paths that are no metrics on HTTP. A metric of such a name is reached through the Graphite port and the commands.
package enum ReservedPaths {
    /// For messages.
    static let rule =
        "/, /metrics, /metrics/…, /render, /favicon.ico and everything beginning with /_ are reserved; a metric of that name "
        + "is reached through the Graphite port and the command line"

    /// - Parameter path: Decoded.
    package static func contains(_ path: String) -> Bool {
        switch path {
        case "/", "/metrics", "/render", "/favicon.ico": true
        default: path.hasPrefix("/_") || path.hasPrefix("/metrics/")
        }
    }
}
