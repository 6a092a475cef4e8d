// SPDX-License-Identifier: Apache-2.0

/// Unix seconds and civil time, UTC only, proleptic Gregorian; without Foundation, because it is on every row's path.
package enum Timestamps {
    /// 0000-01-01 00:00:00 … 9999-12-31 23:59:59: what the text form with four digits of year can say.
    package static let representable: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    /// `YYYY-MM-DD HH:MM:SS`, as DATETIME columns hold it.
    ///
    /// Times outside `representable` are clamped to it.
    package static func sqlText(_ seconds: Int64) -> String {
        String(unsafeUninitializedCapacity: 19) { buffer in
            writeSQLText(seconds, into: buffer)
            return 19
        }
    }

    /// Writes the 19 bytes of `sqlText` at the start of `buffer`.
    package static func writeSQLText(_ seconds: Int64, into buffer: UnsafeMutableBufferPointer<UInt8>) {
        let clamped = min(max(seconds, representable.lowerBound), representable.upperBound)
        let days = floorDivide(clamped, 86_400)
        let second = Int(clamped - days * 86_400)
        let (year, month, day) = civil(fromDays: days)
        func two(_ value: Int, _ at: Int) {
            buffer[at] = UInt8(48 + value / 10)
            buffer[at + 1] = UInt8(48 + value % 10)
        }
        two(year / 100, 0)
        two(year % 100, 2)
        buffer[4] = 45
        two(month, 5)
        buffer[7] = 45
        two(day, 8)
        buffer[10] = 32
        two(second / 3600, 11)
        buffer[13] = 58
        two(second / 60 % 60, 14)
        buffer[16] = 58
        two(second % 60, 17)
    }

    /// Reads `YYYY-MM-DD HH:MM:SS`; a `T` between date and time, a fraction of a second (cut off) and a final `Z` are
    /// taken too.
    ///
    /// Nil when it is anything else or no such date exists.
    package static func parseSQLText(_ text: String) -> Int64? {
        var text = text
        return text.withUTF8 { parseSQLText($0) }
    }

    /// As above, from bytes.
    package static func parseSQLText(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard bytes.count >= 19, bytes[4] == 45, bytes[7] == 45, bytes[10] == 32 || bytes[10] == 84, bytes[13] == 58,
            bytes[16] == 58
        else { return nil }
        var valid = true
        func number(_ at: Int, _ count: Int) -> Int {
            var value = 0
            for index in at..<(at + count) {
                let digit = Int(bytes[index]) - 48
                if digit < 0 || digit > 9 { valid = false }
                value = value * 10 + digit
            }
            return value
        }
        let (year, month, day) = (number(0, 4), number(5, 2), number(8, 2))
        let (hour, minute, second) = (number(11, 2), number(14, 2), number(17, 2))
        guard valid, (1...12).contains(month), day >= 1, hour < 24, minute < 60, second < 60 else { return nil }
        var rest = 19
        if rest < bytes.count, bytes[rest] == 46 {
            rest += 1
            let fraction = rest
            while rest < bytes.count, bytes[rest] >= 48, bytes[rest] <= 57 { rest += 1 }
            guard rest > fraction else { return nil }
        }
        if rest < bytes.count, bytes[rest] == 90 { rest += 1 }
        guard rest == bytes.count else { return nil }
        let days = self.days(year: year, month: month, day: day)
        guard civil(fromDays: days) == (year, month, day) else { return nil }
        return days * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    /// Days since 1970-01-01 of a civil date.
    package static func days(year: Int, month: Int, day: Int) -> Int64 {
        let shifted = Int64(month <= 2 ? year - 1 : year)
        let era = floorDivide(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = Int64((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1)
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The civil date of a day number since 1970-01-01.
    ///
    /// Source: H. Hinnant, "chrono-compatible low-level date algorithms".
    package static func civil(fromDays days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = Int(dayOfYear - (153 * monthIndex + 2) / 5 + 1)
        let month = Int(monthIndex < 10 ? monthIndex + 3 : monthIndex - 9)
        return (Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0), month, day)
    }

    private static func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
        let quotient = value / by
        return value % by < 0 ? quotient - 1 : quotient
    }
}
