// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Reads the timestamps that files of series have.
package enum SeriesTimestamp {
    /// Seconds since 1970-01-01 00:00:00 UTC; times without a zone are UTC, fractions of a second are cut off.
    ///
    /// Taken are ISO 8601 (`2015-01-01`, `2015-01-01T00:05`, `2015-01-01T00:05:00.25Z`, `…+02:00`), the same with a blank
    /// instead of the T, and Unix seconds.
    ///
    /// - Returns: nil for anything else, for dates that don't exist and for years outside 0000...9999.
    package static func seconds(_ text: [UInt8]) -> Int64? {
        let seconds = unixSeconds(text) ?? calendarSeconds(text)
        return seconds.flatMap { Timestamps.representable.contains($0) ? $0 : nil }
    }

    private static func unixSeconds(_ text: [UInt8]) -> Int64? {
        let digits = text.first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }),
            let seconds = Double(String(decoding: text, as: UTF8.self)), seconds.magnitude < 1e15
        else {
            return nil
        }
        return Int64(seconds.rounded(.down))
    }

    private static func calendarSeconds(_ text: [UInt8]) -> Int64? {
        var scanner = Scanner(text: text)
        guard let year = scanner.digits(4), scanner.take("-"), let month = scanner.digits(2), scanner.take("-"),
            let day = scanner.digits(2), (1...12).contains(month), (1...31).contains(day)
        else {
            return nil
        }
        let days = Timestamps.days(year: year, month: month, day: day)
        guard Timestamps.civil(fromDays: days) == (year, month, day) else { return nil }
        guard !scanner.isAtEnd else { return days * 86_400 }

        guard scanner.take("T") || scanner.take("t") || scanner.take(" "), let hour = scanner.digits(2),
            scanner.take(":"), let minute = scanner.digits(2), hour < 24, minute < 60
        else {
            return nil
        }
        var second = 0
        if scanner.take(":") {
            guard let read = scanner.digits(2), read < 60 else { return nil }
            second = read
            if scanner.take(".") || scanner.take(",") {
                guard scanner.skipDigits() else { return nil }
            }
        }
        guard let offset = scanner.zoneOffset(), scanner.isAtEnd else { return nil }
        return days * 86_400 + Int64(hour * 3600 + minute * 60 + second - offset)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private struct Scanner {
        let text: [UInt8]
        var index = 0

        init(text: [UInt8]) {
            self.text = text
        }

        var isAtEnd: Bool { index == text.count }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard index < text.count, text[index] == UInt8(ascii: character) else { return false }
            index += 1
            return true
        }

        /// A number of exactly this many digits.
        mutating func digits(_ count: Int) -> Int? {
            guard index + count <= text.count else { return nil }
            var number = 0
            for byte in text[index..<index + count] {
                guard SeriesTimestamp.isDigit(byte) else { return nil }
                number = number * 10 + Int(byte - 48)
            }
            index += count
            return number
        }

        /// Passes over at least one digit.
        mutating func skipDigits() -> Bool {
            let start = index
            while index < text.count, SeriesTimestamp.isDigit(text[index]) {
                index += 1
            }
            return index > start
        }

        /// Seconds east of UTC: nothing, `Z`, `±hh`, `±hhmm` or `±hh:mm`, after an optional blank.
        mutating func zoneOffset() -> Int? {
            _ = take(" ")
            if isAtEnd || take("Z") || take("z") { return 0 }
            let sign: Int
            if take("+") {
                sign = 1
            } else if take("-") {
                sign = -1
            } else {
                return nil
            }
            guard let hours = digits(2), hours < 24 else { return nil }
            var minutes = 0
            if !isAtEnd {
                _ = take(":")
                guard let read = digits(2), read < 60 else { return nil }
                minutes = read
            }
            return sign * (hours * 3600 + minutes * 60)
        }
    }
}
