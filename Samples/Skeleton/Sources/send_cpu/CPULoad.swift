// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The share of time in which the processors worked, all of them together, from /proc/stat.
struct CPULoad {
    private var last = CPULoad.ticks()

    /// In percent, with one decimal, since the last call or the start.
    mutating func percentSinceLastCall() -> Double {
        let now = Self.ticks()
        let total = now.total - last.total
        let busy = total - (now.idle - last.idle)
        last = now
        return total > 0 ? (1000 * busy / total).rounded() / 10 : 0
    }

    /// Clock ticks since the machine started; waiting for a disk counts as idle.
    private static func ticks() -> (idle: Double, total: Double) {
        guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
            let line = text.split(separator: "\n").first
        else { return (0, 0) }
        // user nice system idle iowait irq softirq steal; guest times are part of user.
        let numbers = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        guard numbers.count >= 5 else { return (0, 0) }
        return (numbers[3] + numbers[4], numbers.reduce(0, +))
    }
}
