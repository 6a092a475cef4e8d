// SPDX-License-Identifier: Apache-2.0

/// Encodes parts of a time stamp, each by a scalar encoder of its own, one after the other in a fixed order: season, day of
/// week, weekend, custom days, holiday, time of day.
///
/// Time stamps are taken as they are, without a time zone. Seconds are ignored.
public struct DateEncoder: Sendable, Equatable {
    /// Width and radius of one part.
    public struct Part: Sendable, Equatable {
        /// Bits on (w); odd.
        public var activeBits: Int
        /// Values farther apart share no bits; in the part's unit, `nil` for the part's default.
        public var radius: Double?

        /// - Parameters:
        ///   - activeBits: Bits on; odd.
        ///   - radius: In the part's unit; `nil` for its default.
        public init(activeBits: Int, radius: Double? = nil) {
            self.activeBits = activeBits
            self.radius = radius
        }
    }

    /// A day that comes every year, or once.
    public struct Holiday: Sendable, Equatable {
        /// `nil`: every year.
        public var year: Int?
        /// Month, 1...12.
        public var month: Int
        /// Day of the month, 1...31.
        public var day: Int

        /// - Parameters:
        ///   - year: `nil` for every year.
        ///   - month: 1...12
        ///   - day: 1...31
        public init(year: Int? = nil, month: Int, day: Int) {
            self.year = year
            self.month = month
            self.day = day
        }
    }

    /// Which parts are encoded, and how.
    public struct Parameters: Sendable, Equatable {
        /// Day of the year; default radius 91.5 days.
        public var season: Part?
        /// Day of the week with its fraction; default radius 1 day.
        public var dayOfWeek: Part?
        /// Saturday, Sunday, and Friday after 18:00; default radius 1.
        public var weekend: Part?
        /// One of `customDayList`; default radius 1.
        public var customDays: Part?
        /// Weekdays (Monday = 0) that count as custom days.
        public var customDayList: [Int]
        /// A holiday, with a ramp over the 24 hours before and after; default radius 1.
        public var holiday: Part?
        /// The days that count as holidays.
        public var holidays: [Holiday]
        /// Hours; default radius 4 hours.
        public var timeOfDay: Part?

        /// No part unless given.
        public init(
            season: Part? = nil,
            dayOfWeek: Part? = nil,
            weekend: Part? = nil,
            customDays: Part? = nil,
            customDayList: [Int] = [],
            holiday: Part? = nil,
            holidays: [Holiday] = [Holiday(month: 12, day: 25)],
            timeOfDay: Part? = nil
        ) {
            self.season = season
            self.dayOfWeek = dayOfWeek
            self.weekend = weekend
            self.customDays = customDays
            self.customDayList = customDayList
            self.holiday = holiday
            self.holidays = holidays
            self.timeOfDay = timeOfDay
        }
    }

    private enum Field: Equatable {
        case season, dayOfWeek, weekend, customDays, holiday, timeOfDay
    }

    private struct Component: Equatable {
        let field: Field
        let encoder: ScalarEncoder
        let offset: Int
    }

    /// The parameters the encoder was made from.
    public let parameters: Parameters
    /// Bits of all parts together.
    public let width: Int
    private let components: [Component]

    /// Lays the parts out one after the other.
    ///
    /// - Throws: `ParameterError` when a part's numbers don't fit, or when there is none.
    public init(_ parameters: Parameters) throws(ParameterError) {
        self.parameters = parameters
        let layout: [(Field, Part?, maximum: Double, periodic: Bool, radius: Double)] = [
            (.season, parameters.season, 366, true, 91.5),
            (.dayOfWeek, parameters.dayOfWeek, 7, true, 1),
            (.weekend, parameters.weekend, 1, false, 1),
            (.customDays, parameters.customDays, 1, false, 1),
            (.holiday, parameters.holiday, 1, false, 1),
            (.timeOfDay, parameters.timeOfDay, 24, true, 4),
        ]
        var components: [Component] = []
        var offset = 0
        for (field, part, maximum, periodic, defaultRadius) in layout {
            guard let part else {
                continue
            }
            let encoder = try ScalarEncoder(
                ScalarEncoder.Parameters(
                    activeBits: part.activeBits,
                    minimum: 0,
                    maximum: maximum,
                    periodic: periodic,
                    division: .radius(part.radius ?? defaultRadius)
                )
            )
            components.append(Component(field: field, encoder: encoder, offset: offset))
            offset += encoder.width
        }
        try require(
            !components.isEmpty,
            "date encoder has no part, expected at least one of season, dayOfWeek, weekend, …"
        )
        for day in parameters.customDayList {
            try require((0...6).contains(day), "custom day is \(day), expected 0 (Monday) to 6 (Sunday)")
        }
        for holiday in parameters.holidays {
            try require(
                (1...12).contains(holiday.month) && (1...31).contains(holiday.day),
                "holiday is month \(holiday.month) day \(holiday.day), expected a date"
            )
        }
        self.components = components
        width = offset
    }

    /// Writes the bits of a time; a missing one sets none.
    ///
    /// - Parameter timestamp: Seconds since 1970-01-01 00:00:00.
    package func write(_ timestamp: Int64?, into bits: inout InputBits, at offset: Int) {
        guard let timestamp else {
            return
        }
        let time = CivilTime(secondsSince1970: timestamp)
        for component in components {
            let value = value(of: component.field, at: time, timestamp: timestamp)
            _ = component.encoder.write(value, into: &bits, at: offset + component.offset)
        }
    }

    private func value(of field: Field, at time: CivilTime, timestamp: Int64) -> Double {
        let timeOfDay = Double(time.hour) + Double(time.minute) / 60
        switch field {
        case .season:
            return Double(time.dayOfYear)
        case .dayOfWeek:
            return Double(time.weekday) + timeOfDay / 24
        case .weekend:
            return time.weekday >= 5 || (time.weekday == 4 && timeOfDay > 18) ? 1 : 0
        case .customDays:
            return parameters.customDayList.contains(time.weekday) ? 1 : 0
        case .holiday:
            return holidayValue(at: time, timestamp: timestamp)
        case .timeOfDay:
            return timeOfDay
        }
    }

    /// 1 on a holiday, falling linearly to 0 over the 24 hours before its start and after its end.
    private func holidayValue(at time: CivilTime, timestamp: Int64) -> Double {
        var value = 0.0
        for holiday in parameters.holidays {
            // Around New Year the nearest occurrence may lie in the neighbouring year.
            for year in holiday.year.map({ $0...$0 }) ?? time.year - 1...time.year + 1 {
                let start = Int64(CivilTime.days(year: year, month: holiday.month, day: holiday.day)) * 86_400
                let sinceStart = timestamp - start
                switch sinceStart {
                case 0..<86_400:
                    value = 1
                case 86_400..<172_800:
                    value = max(value, 1 - Double(sinceStart - 86_400) / 86_400)
                case -86_400..<0:
                    value = max(value, 1 - Double(-sinceStart) / 86_400)
                default:
                    break
                }
            }
        }
        return value
    }
}
