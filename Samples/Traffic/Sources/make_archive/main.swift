// SPDX-License-Identifier: Apache-2.0
// Prints an archive of traffic counts as CSV: so many sensors (200 unless told otherwise), four weeks, a count every hour. The same
// archive every time. In the fourth week each tenth sensor has an incident of five hours, in which hardly a vehicle passes.

import Foundation

/// Numbers that look random and are the same in every run (SplitMix64).
struct Noise {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// The next one, 0…1.
    mutating func next() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((bits ^ (bits >> 31)) >> 11) / 9_007_199_254_740_992
    }
}

/// How much of a day's traffic there is at an hour: two rush hours on working days, one flat hill on weekends.
func share(hour: Int, isWeekend: Bool) -> Double {
    func hill(at peak: Double, width: Double) -> Double { exp(-pow((Double(hour) - peak) / width, 2)) }
    return isWeekend
        ? 0.05 + 0.45 * hill(at: 14, width: 5)
        : 0.05 + 0.85 * hill(at: 8, width: 2) + 0.9 * hill(at: 17, width: 2.5) + 0.35 * hill(at: 12.5, width: 4)
}

guard let sensors = Int(CommandLine.arguments.dropFirst().first ?? "200"), (1...10_000).contains(sensors) else {
    FileHandle.standardError.write(Data("usage: make_archive [SENSORS]    1 to 10000 of them\n".utf8))
    exit(2)
}
let start = 1_704_067_200  // Monday, 2024-01-01 00:00 UTC
var noises = (0..<sensors).map { Noise(seed: UInt64($0)) }
let lanes = noises.indices.map { noises[$0].next() * 3 + 1 }
// A working day of the fourth week, from a time between 9 and 13 o'clock.
let incidents = noises.indices.map { sensor in
    sensor % 10 == 3 ? (21 + Int(noises[sensor].next() * 5)) * 24 + 9 + Int(noises[sensor].next() * 5) : nil
}

print("time,sensor,vehicles")
for hour in 0..<28 * 24 {
    for sensor in 0..<sensors {
        var vehicles = 900 * lanes[sensor] * share(hour: hour % 24, isWeekend: hour / 24 % 7 >= 5)
        vehicles *= 0.95 + 0.1 * noises[sensor].next()
        if let incident = incidents[sensor], (incident..<incident + 5).contains(hour) { vehicles *= 0.02 }
        print("\(start + hour * 3600),road.\(1000 + sensor),\(Int(vehicles))")
    }
}
