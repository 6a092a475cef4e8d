// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Reads CSV files of one metric: a header line with column names, then a record a line.
///
/// Two more header lines, as the original's test data carry them (`datetime,float,float` and `T,,`), are passed over. Fields hold no
/// quotes or separators in any corpus we know, so none are understood.
package enum SeriesFile {
    /// Reads a series.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - name: The name the series gets.
    ///   - valueColumn: Name of the value's column; `nil` takes the second.
    ///   - labelColumn: Name of the column with labels, a number each, 0 or empty meaning normal; `nil` reads none.
    /// - Throws: ``EvaluationError`` naming file and line.
    package static func read(
        path: String,
        name: String,
        valueColumn: String? = nil,
        labelColumn: String? = nil
    ) throws -> LabelledSeries {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw EvaluationError("\(path): can't be read as UTF-8 text")
        }
        let lines = text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline)
        guard let header = lines.first else { throw EvaluationError("\(path): is empty, expected a header line") }
        let columns = header.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let value = try index(of: valueColumn, in: columns, default: 1, path: path)
        let label = try labelColumn.map { try index(of: $0, in: columns, default: 2, path: path) }

        var series = LabelledSeries(name: name, timestampTexts: [], timestamps: [], values: [])
        for (number, line) in lines.enumerated().dropFirst() {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            guard fields.count > max(value, label ?? 0) else {
                throw EvaluationError("\(path):\(number + 1): has \(fields.count) fields, expected \(columns.count)")
            }
            guard let seconds = CivilTime.seconds(fields[0]) ?? Double(fields[0]) else {
                if number <= 2 { continue }
                throw EvaluationError("\(path):\(number + 1): \"\(fields[0])\" is no timestamp")
            }
            guard let reading = Double(fields[value]) else {
                throw EvaluationError("\(path):\(number + 1): \"\(fields[value])\" is no number")
            }
            series.timestampTexts.append(String(fields[0]))
            series.timestamps.append(seconds)
            series.values.append(reading)
            if let label {
                let field = fields[label]
                guard let mark = field.isEmpty ? 0 : Double(field) else {
                    throw EvaluationError("\(path):\(number + 1): label \"\(field)\" is no number")
                }
                series.labels.append(mark)
            }
        }
        guard series.count > 0 else { throw EvaluationError("\(path): holds no records") }
        return series
    }

    package static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }

    private static func index(of name: String?, in columns: [String], default: Int, path: String) throws -> Int {
        guard let name else {
            guard columns.count > `default` else {
                throw EvaluationError("\(path): the header names \(columns.count) columns, expected timestamp,value")
            }
            return `default`
        }
        guard let index = columns.firstIndex(of: name) else {
            throw EvaluationError("\(path): no column \"\(name)\"; there are \(columns.joined(separator: ", "))")
        }
        return index
    }
}
