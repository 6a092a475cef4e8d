// SPDX-License-Identifier: Apache-2.0

/// Numbers as people read them.
package enum FixedPoint {
    /// A number with a fixed count of decimals, without Foundation's formatting.
    package static func text(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return "\(value)" }
        let scale = (0..<decimals).reduce(1) { power, _ in power * 10 }
        let units = Int((abs(value) * Double(scale)).rounded())
        let fraction = String(units % scale)
        let sign = value < 0 && units > 0 ? "-" : ""
        let padding = String(repeating: "0", count: Swift.max(0, decimals - fraction.count))
        return decimals == 0 ? "\(sign)\(units)" : "\(sign)\(units / scale).\(padding)\(fraction)"
    }
}
