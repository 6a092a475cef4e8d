// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What happens to a made-up series at a known record.
package enum Fault: String, CaseIterable, Sendable {
    /// Nothing: every alarm is false.
    case none
    /// Three records far off.
    case spike
    /// The level moves and stays.
    case levelShift
    /// The level starts to drift.
    case trendChange
    /// The noise grows fivefold for a while.
    case varianceChange
    /// Half a day without records.
    case missingPeriod
    /// The day's shape moves by six hours for two days.
    case changedSeason
    /// The value stays the same for half a day.
    case flatLine
}

/// What a made-up series looks like without a fault.
package enum BaseShape: String, CaseIterable, Sendable {
    /// A smooth day with noise, such as a temperature.
    case daily
    /// Busy working hours, quiet nights and weekends, such as logins.
    case weekly
    /// Wandering without a season, pulled back to its mean, such as memory in use.
    case wandering
    /// Counts with bursts, heavy-tailed, such as messages a minute.
    case bursty
    /// Two load levels that take turns irregularly, such as a machine with batch jobs.
    case switching
}

/// Makes series with known faults, for checking that what helps on a benchmark helps in general.
///
/// The same seed gives the same series everywhere.
package struct FaultSeries: Sendable {
    package let shape: BaseShape
    package let fault: Fault
    package let seed: UInt64

    /// Records before the fault is put in: five minutes apart.
    package static let length = 4032
    /// Records from the fault's first on that count as its window.
    package static let window = 200

    private static let day = 288

    package init(shape: BaseShape, fault: Fault, seed: UInt64) {
        self.shape = shape
        self.fault = fault
        self.seed = seed
    }

    package var name: String { "\(fault.rawValue)/\(shape.rawValue)_\(seed).csv" }

    /// The series and its window.
    package func file() -> NABFile {
        var random = SplitMix(
            seed: seed &* 1_000_003 &+ UInt64(shape.rawValue.utf8.reduce(7) { ($0 * 31 + Int($1)) % 65_521 })
        )
        let onset = Self.length * 55 / 100 + random.below(Self.length * 30 / 100)
        var values = (0..<Self.length).map { base(record: $0, onset: onset) }
        values = addNoise(values, onset: onset, random: &random)
        var records = Array(0..<Self.length)
        apply(to: &values, records: &records, onset: onset, random: &random)
        let start = 1_704_067_200.0  // 2024-01-01, a Monday
        let times = records.map { start + Double($0) * 300 }
        let series = LabelledSeries(
            name: name,
            timestampTexts: times.map(CivilTime.text),
            timestamps: times,
            values: values
        )
        let last = min(onset + Self.window, series.count) - 1
        return NABFile(series: series, windows: fault == .none ? [] : [onset...last])
    }

    private func base(record: Int, onset: Int) -> Double {
        var clock = record
        if fault == .changedSeason, (onset..<(onset + 2 * Self.day)).contains(record) { clock += Self.day / 4 }
        let timeOfDay = Double(clock % Self.day) / Double(Self.day)
        let weekday = clock / Self.day % 7
        switch shape {
        case .daily: return 60 - 15 * cos(2 * .pi * timeOfDay) + 4 * sin(4 * .pi * timeOfDay)
        case .weekly:
            let busy = (0.33..<0.75).contains(timeOfDay) && weekday < 5
            return busy ? 200 + 80 * sin(.pi * (timeOfDay - 0.33) / 0.42) : 40
        case .wandering: return 500
        case .bursty: return 8 + 5 * sin(2 * .pi * timeOfDay)
        case .switching: return 20
        }
    }

    private func addNoise(_ base: [Double], onset: Int, random: inout SplitMix) -> [Double] {
        var state = 0.0
        var isHigh = false
        let loud = onset..<(onset + Self.day)
        return base.enumerated().map { record, value in
            let scale = fault == .varianceChange && loud.contains(record) ? 5.0 : 1
            switch shape {
            case .daily: return value + scale * 1.5 * random.gaussian()
            case .weekly: return max(0, value * (1 + scale * 0.06 * random.gaussian()))
            case .wandering:
                state = 0.98 * state + scale * 4 * random.gaussian()
                return value + state
            case .bursty:
                let burst = random.unit() < 0.01 ? 10 / max(random.unit(), 0.02).squareRoot() : 0
                return (max(0, value + scale * 2 * random.gaussian()) + burst * scale).rounded()
            case .switching:
                if random.unit() < 0.02 { isHigh.toggle() }
                return value + (isHigh ? 50 : 0) + scale * 1.5 * random.gaussian()
            }
        }
    }

    private func apply(to values: inout [Double], records: inout [Int], onset: Int, random: inout SplitMix) {
        let mean = values.reduce(0, +) / Double(values.count)
        let spread = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
        let sign = random.unit() < 0.5 ? -1.0 : 1
        switch fault {
        case .none, .varianceChange, .changedSeason: break
        case .spike: for record in onset..<(onset + 3) { values[record] += sign * 5 * spread }
        case .levelShift: for record in onset..<values.count { values[record] += sign * 2.5 * spread }
        case .trendChange:
            for record in onset..<values.count {
                values[record] += sign * 3 * spread * Double(record - onset) / Double(Self.day)
            }
        case .missingPeriod:
            values.removeSubrange(onset..<(onset + Self.day / 2))
            records.removeSubrange(onset..<(onset + Self.day / 2))
        case .flatLine: for record in onset..<(onset + Self.day / 2) { values[record] = values[onset] }
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same numbers on every machine.
private struct SplitMix {
    private var state: UInt64
    private var spare: Double?

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Uniform in [0, 1).
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func below(_ bound: Int) -> Int { Int(unit() * Double(bound)) }

    /// Standard normal, by Box and Muller.
    mutating func gaussian() -> Double {
        if let value = spare {
            spare = nil
            return value
        }
        let radius = (-2 * log(1 - unit())).squareRoot()
        let angle = 2 * Double.pi * unit()
        spare = radius * sin(angle)
        return radius * cos(angle)
    }
}
