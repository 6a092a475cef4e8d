// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation

/// The forms of `from` and `until` that Graphite's render API takes.
///
/// `now`, Unix seconds, `-1h`, `now-2d`, `14:30_20261123`, `20261123`, `noon yesterday`, `11/23/26`, `nov23`, `monday` … Blanks, commas,
/// underscores and letter case don't count. Source: Graphite's documentation of the render URL API, "from / until".
package enum GraphiteTime {
    /// Reads a time.
    /// - Parameters:
    ///   - now: Unix seconds that `now` and everything relative stand for.
    ///   - zone: The zone of times of day and dates; UTC by default.
    /// - Returns: Unix seconds.
    /// - Throws: `EngineError` with code `invalidArgument`.
    package static func parse(_ text: String, now: Int64, zone: TimeZone = .gmt) throws -> Int64 {
        let plain = text.lowercased().filter { !"_, \t".contains($0) }
        if let epoch = epoch(plain) { return epoch }
        let split = plain.firstIndex(of: "+") ?? plain.firstIndex(of: "-") ?? plain.endIndex
        let reference = try parseReference(String(plain[..<split]), written: text, now: now, zone: zone)
        return reference + (try parseOffset(String(plain[split...])))
    }

    /// Digits only are Unix seconds, unless eight of them make a date.
    private static func epoch(_ text: String) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }), text.utf8.count <= 12,
            let number = Int64(text)
        else { return nil }
        let isDate = text.utf8.count == 8 && number / 10_000 > 1900 && number / 100 % 100 < 13 && number % 100 < 32
        return isDate ? nil : number
    }

    /// Reads a span: a sign, then numbers with units (`-1h30min`, `+2d`, `10minutes`).
    ///
    /// A month counts 30 days and a year 365. Empty is 0.
    /// - Returns: Seconds.
    package static func parseOffset(_ text: String) throws -> Int64 {
        var rest = Substring(text)
        guard let first = rest.first else { return 0 }
        let sign: Int64 = first == "-" ? -1 : 1
        if first == "-" || first == "+" { rest = rest.dropFirst() }
        guard !rest.isEmpty else { throw wrong(text, "a number and a unit after the sign") }
        var total: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard digits.count <= 10, let number = Int64(digits), let seconds = seconds(inUnit: unit) else {
                throw wrong(text, "numbers with units s, min, h, d, w, mon or y, such as -1h30min")
            }
            total += number * seconds
        }
        return sign * total
    }

    private static func seconds(inUnit unit: Substring) -> Int64? {
        if unit.hasPrefix("s") { return 1 }
        if unit.hasPrefix("min") { return 60 }
        if unit.hasPrefix("h") { return 3600 }
        if unit.hasPrefix("d") { return 86_400 }
        if unit.hasPrefix("w") { return 7 * 86_400 }
        if unit.hasPrefix("mon") { return 30 * 86_400 }
        if unit.hasPrefix("y") { return 365 * 86_400 }
        return nil
    }

    private static func wrong(_ text: String, _ expected: String) -> EngineError {
        EngineError(.invalidArgument, "'\(text)' is not a time; expected \(expected)")
    }
}

// MARK: - Times of day and days

extension GraphiteTime {
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    private static let weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    private static func parseReference(
        _ text: String,
        written: String,
        now: Int64,
        zone: TimeZone
    ) throws -> Int64 {
        if text.isEmpty || text == "now" { return now }
        var rest = Substring(text)
        let (hour, minute) = try parseTimeOfDay(&rest, written: written)
        let localNow = now + Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(now))))
        let today = Int64((Double(localNow) / 86_400).rounded(.down))
        let day = try parseDay(String(rest), today: today, written: written)
        let local = day * 86_400 + Int64(hour * 3600 + minute * 60)
        // The zone's offset at that local time: asked twice, because the first answer is the one of a time some hours away.
        var seconds = local
        for _ in 0..<2 {
            seconds = local - Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds))))
        }
        return seconds
    }

    /// Takes `14:30`, `2:30pm`, `6am`, `noon`, `midnight` or `teatime` from the front; midnight when there is none.
    private static func parseTimeOfDay(_ rest: inout Substring, written: String) throws -> (hour: Int, minute: Int) {
        for (word, hour) in [("noon", 12), ("midnight", 0), ("teatime", 16)] where rest.hasPrefix(word) {
            rest = rest.dropFirst(word.count)
            return (hour, 0)
        }
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard (1...2).contains(digits.count), var hour = Int(digits) else { return (0, 0) }
        var after = rest.dropFirst(digits.count)
        var minute = 0
        if after.first == ":" {
            let minutes = after.dropFirst().prefix(2)
            guard minutes.count == 2, let number = Int(minutes) else { throw wrong(written, "HH:MM") }
            minute = number
            after = after.dropFirst(3)
        } else if !after.hasPrefix("am") && !after.hasPrefix("pm") {
            return (0, 0)
        }
        if after.hasPrefix("am") {
            after = after.dropFirst(2)
        } else if after.hasPrefix("pm") {
            hour = (hour + 12) % 24
            after = after.dropFirst(2)
        }
        guard hour < 24, minute < 60 else { throw wrong(written, "a time of day up to 23:59") }
        rest = after
        return (hour, minute)
    }

    /// - Returns: Days since 1970-01-01.
    private static func parseDay(_ text: String, today: Int64, written: String) throws -> Int64 {
        switch text {
        case "", "today": return today
        case "yesterday": return today - 1
        case "tomorrow": return today + 1
        default: break
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 3, let month = Int(parts[0]), let day = Int(parts[1]), var year = Int(parts[2]) {
            if year < 1900 { year += 1900 }
            if year < 1970 { year += 100 }
            return try date(year, month, day, written)
        }
        if text.utf8.count == 8, let number = Int(text) {
            return try date(number / 10_000, number / 100 % 100, number % 100, written)
        }
        if let month = months.firstIndex(of: String(text.prefix(3))) {
            let digits = String(text.suffix(2).filter { $0.isASCII && $0.isNumber })
            guard let day = Int(digits) else { throw wrong(written, "the day of the month after its name") }
            return try date(Timestamps.civil(fromDays: today).year, month + 1, day, written)
        }
        if let weekday = weekdays.firstIndex(of: String(text.prefix(3))) {
            // 1970-01-01 was a Thursday, number 4 from Sunday.
            let todayNumber = Int(((today + 4) % 7 + 7) % 7)
            return today - Int64((todayNumber - weekday + 7) % 7)
        }
        throw wrong(written, "now, Unix seconds, -1h, HH:MM_YYYYMMDD, today, yesterday, noon …")
    }

    private static func date(_ year: Int, _ month: Int, _ day: Int, _ written: String) throws -> Int64 {
        guard (1...12).contains(month), (1...31).contains(day), (1...9999).contains(year) else {
            throw wrong(written, "a date that exists")
        }
        let days = Timestamps.days(year: year, month: month, day: day)
        guard Timestamps.civil(fromDays: days) == (year, month, day) else {
            throw wrong(written, "a date that exists")
        }
        return days
    }
}
