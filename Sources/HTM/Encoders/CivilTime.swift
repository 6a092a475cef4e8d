// SPDX-License-Identifier: Apache-2.0

/// Calendar fields of a time stamp, without a time zone: what the date encoder sees.
///
/// Proleptic Gregorian calendar; the day arithmetic follows Howard Hinnant, "chrono-compatible low-level date algorithms".
package struct CivilTime: Equatable, Sendable {
    package let year: Int
    /// Month, 1...12.
    package let month: Int
    /// Day of the month, 1...31.
    package let day: Int
    /// Monday = 0.
    package let weekday: Int
    /// January 1st = 0.
    package let dayOfYear: Int
    package let hour: Int
    package let minute: Int

    /// - Parameter seconds: Since 1970-01-01 00:00:00, leap seconds not counted.
    package init(secondsSince1970 seconds: Int64) {
        let secondOfDay = Int(((seconds % 86_400) + 86_400) % 86_400)
        let days = Int((seconds - Int64(secondOfDay)) / 86_400)
        hour = secondOfDay / 3_600
        minute = secondOfDay % 3_600 / 60
        weekday = ((days + 3) % 7 + 7) % 7

        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayFromMarch = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayFromMarch + 2) / 153
        day = dayFromMarch - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        dayOfYear = days - Self.days(year: year, month: 1, day: 1)
    }

    /// Days from 1970-01-01 to a date.
    package static func days(year: Int, month: Int, day: Int) -> Int {
        let marchYear = month <= 2 ? year - 1 : year
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayFromMarch = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayFromMarch
        return era * 146_097 + dayOfEra - 719_468
    }
}
