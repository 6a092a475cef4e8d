// SPDX-License-Identifier: Apache-2.0

import EngineCore

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Reads the numbers of sample lines straight from bytes, by the grammar of spec engine.md 2.1.
package enum SampleText {
    /// The first second of the year 10000 (spec engine.md 2.1).
    static let firstTimeTooLate: Int64 = 253_402_300_800
    /// The first second of the year 1, the earliest time a date column holds.
    static let earliestTime: Int64 = -62_135_596_800
    private static let longestNumber = 512

    /// A decimal number: digits with an optional sign, point and exponent. No hexadecimal, no underscores.
    ///
    /// - Returns: The nearest double.
    /// - Throws: `notFinite` for nan, infinity and numbers too large for a double; `notANumber` for all else.
    package static func value(_ text: UnsafeRawBufferPointer) throws(SampleRefusal) -> Double {
        if let quick = shortDecimal(text) { return quick }
        let value = try decimal(text)
        guard value.isFinite else { throw .notFinite }
        return value
    }

    /// A Unix time in seconds; a fraction is cut off.
    ///
    /// - Parameter wholeOnly: Whether a fraction or an exponent is refused.
    /// - Throws: `badTimestamp` when it isn't a number or lies outside the years 1 to 9999.
    package static func time(
        _ text: UnsafeRawBufferPointer,
        wholeOnly: Bool = false
    ) throws(SampleRefusal) -> Int64 {
        if let whole = wholeNumber(text) {
            guard whole >= earliestTime, whole < firstTimeTooLate else { throw .badTimestamp }
            return whole
        }
        guard !wholeOnly else { throw .badTimestamp }
        let seconds: Double
        do { seconds = try decimal(text).rounded(.down) } catch { throw .badTimestamp }
        guard seconds >= Double(earliestTime), seconds < Double(firstTimeTooLate) else { throw .badTimestamp }
        return Int64(seconds)
    }

    /// At most 18 digits with an optional sign.
    private static func wholeNumber(_ text: UnsafeRawBufferPointer) -> Int64? {
        var index = 0
        let negative = text.first == UInt8(ascii: "-")
        if negative || text.first == UInt8(ascii: "+") { index = 1 }
        guard text.count > index, text.count - index <= 18 else { return nil }
        var number: Int64 = 0
        while index < text.count {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            number = number &* 10 &+ Int64(digit)
            index += 1
        }
        return negative ? -number : number
    }

    /// Numbers of at most 15 digits without exponent: digits and power of ten are exact doubles, so that one division rounds
    /// correctly (Clinger, "How to read floating point numbers accurately", 1990).
    private static func shortDecimal(_ text: UnsafeRawBufferPointer) -> Double? {
        var index = 0
        let negative = text.first == UInt8(ascii: "-")
        if negative || text.first == UInt8(ascii: "+") { index = 1 }
        guard text.count > index, text.count - index <= 16 else { return nil }
        var number: Int64 = 0
        var digits = 0
        var decimals: Int?
        while index < text.count {
            let byte = text[index]
            index += 1
            if byte == UInt8(ascii: "."), decimals == nil {
                decimals = 0
                continue
            }
            let digit = byte &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            number = number &* 10 &+ Int64(digit)
            digits += 1
            if let before = decimals { decimals = before + 1 }
        }
        guard digits > 0, digits <= 15 else { return nil }
        let magnitude = Double(number) / powersOfTen[decimals ?? 0]
        return negative ? -magnitude : magnitude
    }

    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    /// Any decimal number by the C library, which may be infinite; nan and infinity by name are `notFinite`.
    private static func decimal(_ text: UnsafeRawBufferPointer) throws(SampleRefusal) -> Double {
        guard !text.isEmpty, text.count <= longestNumber else { throw .notANumber }
        guard isDecimal(text) else { throw isNotFiniteWord(text) ? .notFinite : .notANumber }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { copy in
            UnsafeMutableRawBufferPointer(copy).copyMemory(from: text)
            copy[text.count] = 0
            return strtod(copy.baseAddress!, nil)
        }
    }

    private static func isDecimal(_ text: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        func digits() -> Int {
            let start = index
            while index < text.count, text[index] &- UInt8(ascii: "0") <= 9 { index += 1 }
            return index - start
        }
        func sign() {
            if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") { index += 1 }
        }
        sign()
        var count = digits()
        if index < text.count, text[index] == UInt8(ascii: ".") {
            index += 1
            count += digits()
        }
        guard count > 0 else { return false }
        if index < text.count, text[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            sign()
            guard digits() > 0 else { return false }
        }
        return index == text.count
    }

    private static func isNotFiniteWord(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count <= 10 else { return false }
        var word = String(decoding: text, as: UTF8.self).lowercased()
        if let first = word.first, first == "-" || first == "+" { word.removeFirst() }
        return word == "nan" || word == "inf" || word == "infinity"
    }
}
