// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTM
import Testing

/// Series without a fault of every period, size and kind that metrics have: alarms must stay few, and none comes on the first day.
@Suite("Robustness of mode evidence")
struct EvidenceRobustnessTests {
    /// What a fault-free series looks like.
    enum Shape: String, CaseIterable, Sendable {
        /// Busy working hours, quiet nights and weekends.
        case business
        case smooth
        /// Counts with few values.
        case poisson
        case binary
        case rareOnes
        case constant
        case heavyTail
        case randomWalk
        case counter
        case growing
        case sawtooth
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var shape: Shape
        /// Seconds between samples.
        var period: Int64 = 300
        var count = 4032
        var factor = 1.0
        var offset = 0.0
        /// Share of samples that aren't there, or have no value.
        var missing = 0.0
        var jitter = false
        var hasTimes = true
        /// Most alarms.
        var most: Int

        var testDescription: String {
            "\(shape.rawValue) every \(period) s, × \(factor) + \(offset), missing \(missing), jitter \(jitter)"
        }
    }

    static let cases: [Case] =
        Shape.allCases.map { Case(shape: $0, most: 15) }
        // Seconds to days. A day of seconds would take long: the first hours are what is hard.
        + [1, 10, 60, 900, 3600, 86_400].flatMap { period in
            [Shape.business, .smooth].map { Case(shape: $0, period: period, count: 6000, most: 12) }
        }
        + [1e-12, 1e15].flatMap { factor in
            [Shape.business, .smooth, .constant].map { Case(shape: $0, factor: factor, most: 8) }
        }
        + [
            Case(shape: .business, offset: 1e9, most: 8), Case(shape: .smooth, factor: -1, most: 8),
            Case(shape: .business, missing: 0.2, most: 8), Case(shape: .smooth, missing: 0.2, jitter: true, most: 8),
            Case(shape: .business, jitter: true, most: 8), Case(shape: .smooth, hasTimes: false, most: 8),
        ]

    /// Linear congruential (Knuth, MMIX): the same numbers everywhere.
    private struct Random {
        var state: UInt64 = 1

        mutating func unit() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (Double(state >> 33) + 0.5) / Double(1 << 31)
        }

        mutating func gaussian() -> Double { sqrt(-2 * log(unit())) * cos(2 * .pi * unit()) }
    }

    private func value(
        _ shape: Shape,
        record: Int,
        time: Int64,
        level: inout Double,
        _ random: inout Random
    ) -> Double {
        let timeOfDay = Double(time % 86_400) / 86_400
        let smooth = 60 - 15 * cos(2 * .pi * timeOfDay) + 1.5 * random.gaussian()
        switch shape {
        case .business:
            let isBusy = (0.33..<0.75).contains(timeOfDay) && time / 86_400 % 7 < 5
            let usual = isBusy ? 200 + 80 * sin(.pi * (timeOfDay - 0.33) / 0.42) : 40
            return max(0, usual * (1 + 0.08 * random.gaussian()))
        case .smooth: return smooth
        case .poisson:
            var (count, product) = (0.0, random.unit())
            while product > exp(-2) { (count, product) = (count + 1, product * random.unit()) }
            return count
        case .binary: return random.unit() < 0.1 ? 1 : 0
        case .rareOnes: return random.unit() < 0.002 ? 1 : 0
        case .constant: return 5
        case .heavyTail: return exp(1.5 * random.gaussian())
        case .randomWalk:
            level += random.gaussian()
            return level
        case .counter:
            level += 30 + (5 * random.gaussian()).rounded()
            return level
        case .growing: return smooth * (1 + Double(record) / 2000)
        case .sawtooth: return Double(record % 500) + random.gaussian()
        }
    }

    @Test(arguments: cases) func alarmsAreFewAndNoneOnTheFirstDay(_ series: Case) throws {
        var detector = try EvidenceDetector(factory: ModelFactory())
        var random = Random()
        var level = 0.0
        var time: Int64 = 0
        let start: Int64 = 1_704_067_200  // 2024-01-01, a Monday
        var alarms: [(record: Int, time: Int64)] = []
        for record in 0..<series.count {
            let step = Double(series.period) * (series.jitter ? 0.2 + 1.6 * random.unit() : 1)
            time += Int64(step)
            let made = value(series.shape, record: record, time: time, level: &level, &random)
            let isMissing = random.unit() < series.missing
            // Every other missing sample doesn't come, the others come without a value.
            if isMissing, record % 2 == 0 { continue }
            let output = detector.process(
                ModelInput(
                    timestamp: series.hasTimes ? start + time : nil,
                    value: isMissing ? nil : made * series.factor + series.offset
                )
            )
            #expect(output.rarity >= 0 && output.rarity.isFinite && output.likelihood <= 1)
            if output.rarity >= EvidenceParameters.alarm { alarms.append((record, time)) }
        }
        #expect(alarms.count <= series.most, "alarms at records \(alarms.map(\.record))")
        let tooEarly = alarms.filter { $0.record < (series.hasTimes && $0.time >= 86_400 ? 144 : 288) }
        #expect(tooEarly.isEmpty, "alarms at records \(tooEarly.map(\.record))")
    }

    /// A level or a scale that changes for good is one event, not an endless one.
    @Test(arguments: [(1.0, 60.0), (20.0, 0.0), (1.0, -1000.0)]) func aChangeForGoodIsSoonUsual(
        factor: Double,
        offset: Double
    ) throws {
        var detector = try EvidenceDetector(factory: ModelFactory())
        var random = Random()
        var level = 0.0
        var alarms: [Int] = []
        for record in 0..<4600 {
            let time = Int64(record) * 300
            let made = value(.smooth, record: record, time: time, level: &level, &random)
            let input = ModelInput(timestamp: time, value: record < 2300 ? made : made * factor + offset)
            if detector.process(input).rarity >= EvidenceParameters.alarm { alarms.append(record) }
        }
        #expect(alarms.contains(2300), "alarms at records \(alarms)")
        #expect(alarms.count { $0 > 2300 } <= 8, "alarms at records \(alarms)")
        #expect(alarms.count { $0 >= 3400 } <= 3, "alarms at records \(alarms)")
    }

    /// With a range given there are models at once, but they know nothing: no alarm either.
    @Test func noAlarmOnTheFirstDayWithAGivenRange() throws {
        let parameters = try EvidenceParameters(minimum: 0, maximum: 110)
        var detector = try EvidenceDetector(parameters: parameters, factory: ModelFactory())
        var random = Random()
        var level = 0.0
        for record in 0..<288 {
            let made = value(.heavyTail, record: record, time: Int64(record) * 300, level: &level, &random)
            let output = detector.process(ModelInput(timestamp: Int64(record) * 300, value: made))
            #expect(output.rarity < EvidenceParameters.alarm, "record \(record)")
        }
    }
}
