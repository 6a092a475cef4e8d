// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import HTMEngine

/// `htmengine sample`: something to try the engine with.
enum SampleCommand {
    private static let step: Int64 = 300
    private static let rowsPerDay = 288
    /// 2026-01-05, a Monday.
    private static let start: Int64 = 1_767_571_200

    static let command = Command(
        "sample",
        summary: "Prints a CSV with one known anomaly, to try the engine with.",
        discussion: """
            Requests per second of an imaginary shop: a daily rhythm with noise, one value every 5 minutes. On the last day
            but one, from 14:00 to 15:30 UTC, a part of the requests gets lost. The same seed gives the same file.
            """,
        options: [
            Option("--days", "N", "Length in days, from 3 to 365 (default: 14)."),
            Option("--seed", "N", "Of the noise (default: 1)."),
        ],
        body: run
    )

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let days = try arguments.integer("--days", in: 3...365) ?? 14
        var noise = Noise(state: UInt64(try arguments.integer("--seed") ?? 1))
        let anomaly = (days - 2) * rowsPerDay + 168..<(days - 2) * rowsPerDay + 186
        var text = "timestamp,value\n"
        for row in 0..<days * rowsPerDay {
            let hour = Double(row % rowsPerDay) / 12
            // Quiet at four in the morning, busiest in the afternoon and again in the evening.
            let rhythm = 60 - 38 * cos((hour - 4) / 24 * 2 * .pi) + 9 * sin((hour - 10) / 6 * .pi)
            let share = anomaly.contains(row) ? 0.35 : 1
            let value = max(0, (rhythm + 4 * noise.next()) * share)
            let rounded = (value * 10).rounded() / 10
            text += "\(Timestamps.sqlText(start + Int64(row) * step)),\(NumberFormat.twelveDigits(rounded))\n"
        }
        context.output(text)
        return .success
    }

    /// Numbers spread about zero with variance 1: the sum of twelve uniform ones less six (Irwin–Hall), from SplitMix64.
    private struct Noise {
        var state: UInt64

        mutating func next() -> Double {
            (0..<12).reduce(-6.0) { sum, _ in sum + uniform() }
        }

        private mutating func uniform() -> Double {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return Double((mixed ^ (mixed >> 31)) >> 11) * 0x1p-53
        }
    }
}
