// SPDX-License-Identifier: Apache-2.0

/// The usual level of a metric at each hour of the day, from the days before.
///
/// An hour's level is the mean of its values, averaged over days with weight 1/n at first and 1/10 later. The running hour counts once
/// it is over, so that an anomaly isn't held against itself. Hours are those of the metric's own naive time.
struct DailyProfile: Sendable, Hashable {
    private static let hours = 24
    private static let weight = 0.1

    private var levels = [Double](repeating: 0, count: hours)
    private var days = [Int](repeating: 0, count: hours)
    /// Hours since 1970 of the values being summed.
    private var hour: Int?
    private var sum = 0.0
    private var summed = 0

    /// The level at a time; `nil` on the first day.
    func level(at timestamp: Int64) -> Double? {
        let slot = Self.slot(Self.hour(timestamp))
        // Closing the running hour may change this very slot, a day later.
        if let hour, hour != Self.hour(timestamp), Self.slot(hour) == slot, summed > 0 { return closedLevel(slot) }
        return days[slot] > 0 ? levels[slot] : nil
    }

    mutating func add(_ value: Double, at timestamp: Int64) {
        let now = Self.hour(timestamp)
        if hour != now {
            close()
            hour = now
        }
        sum += value
        summed += 1
    }

    private mutating func close() {
        guard let hour, summed > 0 else { return }
        let slot = Self.slot(hour)
        levels[slot] = closedLevel(slot)
        days[slot] += 1
        sum = 0
        summed = 0
    }

    private func closedLevel(_ slot: Int) -> Double {
        let weight = max(Self.weight, 1 / Double(days[slot] + 1))
        return levels[slot] + weight * (sum / Double(summed) - levels[slot])
    }

    private static func hour(_ timestamp: Int64) -> Int {
        Int(timestamp) / 3600 - (timestamp % 3600 < 0 ? 1 : 0)
    }

    private static func slot(_ hour: Int) -> Int {
        let slot = hour % hours
        return slot < 0 ? slot + hours : slot
    }
}

extension DailyProfile: StateCodable {
    func encode(into encoder: inout StateEncoder) {
        encoder.encode(levels)
        for count in days { encoder.encodeVarint(count) }
        encoder.encode(hour != nil)
        encoder.encode(hour ?? 0)
        encoder.encode(sum)
        encoder.encodeVarint(summed)
    }

    init(from decoder: inout StateDecoder) throws(CheckpointError) {
        levels = try decoder.decodeDoubles("levels of the day")
        guard levels.count == Self.hours else {
            throw .damaged("\(levels.count) levels of the day, expected \(Self.hours)")
        }
        for slot in 0..<Self.hours { days[slot] = try decoder.decodeVarint(atMost: Int.max - 1, "days") }
        let isRunning = try decoder.decodeBool()
        let hour = try decoder.decodeInt()
        self.hour = isRunning ? hour : nil
        sum = try decoder.decodeDouble()
        summed = try decoder.decodeVarint(atMost: Int.max, "values of the hour")
    }
}
