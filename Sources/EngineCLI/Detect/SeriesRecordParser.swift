// SPDX-License-Identifier: Apache-2.0

/// One usable line of a series.
package struct SeriesRecord: Equatable, Sendable {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    package var timestamp: Int64
    /// As it stands in the file.
    package var timestampText: String
    /// nil when missing.
    package var value: Double?
    /// As it stands in the file; empty when missing.
    package var valueText: String
}

/// Turns records of a CSV file into samples: knows which columns hold time and value.
///
/// The first record is a header when it names a `timestamp` or `value` column, or when it can't be data at all. Without
/// a header, and where a header doesn't name them, time is the first column and value the second.
package struct SeriesRecordParser: Sendable {
    /// What came of a record.
    package enum Outcome: Equatable, Sendable {
        case record(SeriesRecord)
        case header
        case bad(String)
    }

    private var timestampColumn = 0
    private var valueColumn = 1
    private var isFirst = true

    private static let timestampNames: Set<String> = ["timestamp", "time", "date", "datetime", "ts"]
    private static let valueNames: Set<String> = ["value", "values"]

    package init() {}

    /// What the next record of the file holds.
    package mutating func parse(_ content: DelimitedRecord.Content) -> Outcome {
        switch content {
        case .problem(let reason):
            return .bad(reason)
        case .fields(let fields):
            if isFirst {
                isFirst = false
                if isHeader(fields) {
                    takeColumns(from: fields)
                    return .header
                }
            }
            return sample(fields)
        }
    }

    // MARK: Header

    private func isHeader(_ fields: [[UInt8]]) -> Bool {
        let names = fields.map(Self.name)
        if names.contains("timestamp") || names.contains("value") { return true }
        let isTime = SeriesTimestamp.seconds(fields[0]) != nil
        let isValue = fields.count > 1 && Self.value(fields[1]) != .unreadable
        return !isTime && !isValue
    }

    private static func name(_ field: [UInt8]) -> String {
        String(decoding: field, as: UTF8.self).lowercased()
    }

    private mutating func takeColumns(from fields: [[UInt8]]) {
        let names = fields.map(Self.name)
        let named = (
            time: names.firstIndex(of: "timestamp") ?? names.firstIndex { Self.timestampNames.contains($0) },
            value: names.firstIndex(of: "value") ?? names.firstIndex { Self.valueNames.contains($0) }
        )
        // Where only one is named, the other is the first column left.
        timestampColumn = named.time ?? (named.value == 0 ? 1 : 0)
        valueColumn = named.value ?? (timestampColumn == 0 ? 1 : 0)
    }

    // MARK: Data

    private func sample(_ fields: [[UInt8]]) -> Outcome {
        let needed = max(timestampColumn, valueColumn) + 1
        guard fields.count >= needed else {
            return .bad("\(fields.count) field\(fields.count == 1 ? "" : "s"), expected at least \(needed)")
        }
        let time = fields[timestampColumn]
        guard let timestamp = SeriesTimestamp.seconds(time) else {
            return .bad(
                "timestamp '\(Self.shown(time))' is not ISO 8601, YYYY-MM-DD HH:MM:SS or Unix seconds of years 0 to 9999"
            )
        }
        let text = fields[valueColumn]
        let timestampText = String(decoding: time, as: UTF8.self)
        switch Self.value(text) {
        case .missing:
            return .record(
                SeriesRecord(timestamp: timestamp, timestampText: timestampText, value: nil, valueText: "")
            )
        case .number(let value):
            let valueText = String(decoding: text, as: UTF8.self)
            return .record(
                SeriesRecord(timestamp: timestamp, timestampText: timestampText, value: value, valueText: valueText)
            )
        case .infinite:
            return .bad("value '\(Self.shown(text))' is not finite")
        case .unreadable:
            return .bad("value '\(Self.shown(text))' is not a number")
        }
    }

    private enum Value: Equatable {
        case number(Double)
        case missing
        case infinite
        case unreadable
    }

    private static func value(_ field: [UInt8]) -> Value {
        let text = String(decoding: field, as: UTF8.self)
        if text.isEmpty || text.lowercased() == "nan" { return .missing }
        // Swift reads hexadecimal numbers too, which are none to anybody else.
        guard !field.contains(where: { $0 == UInt8(ascii: "x") || $0 == UInt8(ascii: "X") }), let value = Double(text)
        else {
            return .unreadable
        }
        if value.isNaN { return .missing }
        return value.isFinite ? .number(value) : .infinite
    }

    /// A field as messages quote it: short, without control characters.
    private static func shown(_ field: [UInt8]) -> String {
        let text = String(decoding: field.prefix(60), as: UTF8.self)
        let printable = String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 ? "?" : $0 }))
        return field.count > 60 ? printable + "…" : printable
    }
}
