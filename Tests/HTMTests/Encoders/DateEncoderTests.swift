// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

@Suite struct DateEncoderTests {
    private func bits(_ encoder: DateEncoder, _ timestamp: Int64?) -> [Int] {
        var bits = InputBits(count: encoder.width)
        encoder.write(timestamp, into: &bits, at: 0)
        return bits.activeBits
    }

    @Test func timeOfDayEqualsTheOriginals() throws {
        let encoder = try DateEncoder(.init(timeOfDay: .init(activeBits: 21, radius: 9.49)))
        #expect(encoder.width == 54)
        let day: Int64 = 1_420_070_400
        #expect(bits(encoder, day) == Array(0...10) + Array(44...53))
        #expect(bits(encoder, day + 5 * 60) == Array(0...10) + Array(44...53))
        #expect(bits(encoder, day + 27 * 60) == Array(0...11) + Array(45...53))
        #expect(bits(encoder, day + 6 * 3600) == Array(3...23))
        #expect(bits(encoder, day + 12 * 3600 + 59) == Array(17...37))
        #expect(bits(encoder, day + 23 * 3600 + 59 * 60) == Array(0...9) + Array(43...53))
        #expect(bits(encoder, nil).isEmpty)
    }

    @Test func widthsOfThePartsEqualTheOriginals() throws {
        #expect(try DateEncoder(.init(weekend: .init(activeBits: 21))).width == 42)
        #expect(try DateEncoder(.init(dayOfWeek: .init(activeBits: 21))).width == 147)
        #expect(try DateEncoder(.init(dayOfWeek: .init(activeBits: 21, radius: 3))).width == 49)
        #expect(try DateEncoder(.init(season: .init(activeBits: 21))).width == 84)
        #expect(try DateEncoder(.init(timeOfDay: .init(activeBits: 21))).width == 126)
    }

    @Test func weekendBeginsOnFridayEvening() throws {
        let encoder = try DateEncoder(.init(weekend: .init(activeBits: 21)))
        let friday: Int64 = 1_420_156_800  // 2015-01-02
        #expect(bits(encoder, friday + 18 * 3600) == Array(0..<21))
        #expect(bits(encoder, friday + 18 * 3600 + 60) == Array(21..<42))
        #expect(bits(encoder, friday + 2 * 86_400) == Array(21..<42))
        #expect(bits(encoder, friday + 3 * 86_400) == Array(0..<21))
    }

    @Test func holidayRampsUpAndDown() throws {
        let encoder = try DateEncoder(.init(holiday: .init(activeBits: 21)))
        let christmas: Int64 = 1_419_465_600  // 2014-12-25
        #expect(bits(encoder, christmas + 3600) == Array(21..<42))
        #expect(bits(encoder, christmas - 2 * 86_400) == Array(0..<21))
        let half = try #require(bits(encoder, christmas - 43_200).first)
        #expect(half > 8 && half < 13)
        #expect(bits(encoder, christmas + 86_400 + 43_200).first == half)
    }

    @Test(
        arguments: [
            (0, 1970, 1, 1, 3, 0), (951_782_400, 2000, 2, 29, 1, 59), (-1, 1969, 12, 31, 2, 364),
            (1_483_142_400, 2016, 12, 31, 5, 365),
        ] as [(Int64, Int, Int, Int, Int, Int)]
    )
    func calendarFields(seconds: Int64, year: Int, month: Int, day: Int, weekday: Int, dayOfYear: Int) {
        let time = CivilTime(secondsSince1970: seconds)
        #expect([time.year, time.month, time.day] == [year, month, day])
        #expect(time.weekday == weekday)
        #expect(time.dayOfYear == dayOfYear)
    }
}
