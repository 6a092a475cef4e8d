// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One file of the benchmark: the series and its anomaly windows.
package struct NABFile: Sendable {
    package let series: LabelledSeries
    /// Record ranges of the anomaly windows, both ends inside, in the order of the label file.
    package let windows: [ClosedRange<Int>]

    package init(series: LabelledSeries, windows: [ClosedRange<Int>]) {
        self.series = series
        self.windows = windows
    }

    /// The first part of the file, in which a detector learns and nothing counts: 15 %, at most 750 records.
    package var probation: Int { min(Int(0.15 * Double(series.count)), 750) }

    /// The folder of the file: NAB's category.
    package var category: String { String(series.name.split(separator: "/").first ?? "") }
}

/// A directory in NAB's layout: `data/<category>/<file>.csv` and `labels/combined_windows.json`.
package struct NABCorpus: Sendable {
    /// Sorted by name.
    package let files: [NABFile]

    /// A corpus of files made or chosen by the caller.
    package init(files: [NABFile]) {
        self.files = files
    }

    /// Reads a corpus; a file of the labels that isn't there is left out, so that any subset of NAB works.
    ///
    /// - Throws: ``EvaluationError`` when the labels can't be read, no file is there, or a window holds no record.
    package init(directory: String) throws {
        let labelPath = directory + "/labels/combined_windows.json"
        guard let labels = FileManager.default.contents(atPath: labelPath) else {
            throw EvaluationError("\(labelPath): can't be read; expected a directory in NAB's layout")
        }
        let windows: [String: [[String]]]
        do {
            windows = try JSONDecoder().decode([String: [[String]]].self, from: labels)
        } catch {
            throw EvaluationError("\(labelPath): expected an object of file name to [[start, end], …]: \(error)")
        }
        var files: [NABFile] = []
        for (name, ranges) in windows.sorted(by: { $0.key < $1.key }) {
            let path = "\(directory)/data/\(name)"
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let series = try SeriesFile.read(path: path, name: name)
            files.append(NABFile(series: series, windows: try ranges.map { try Self.records(of: $0, in: series) }))
        }
        guard !files.isEmpty else { throw EvaluationError("\(directory)/data: holds none of the labelled files") }
        self.files = files
    }

    private static func records(of range: [String], in series: LabelledSeries) throws -> ClosedRange<Int> {
        guard range.count == 2, let start = CivilTime.seconds(range[0]), let end = CivilTime.seconds(range[1]) else {
            throw EvaluationError("\(series.name): window \(range) isn't a pair of timestamps")
        }
        guard let first = series.timestamps.firstIndex(where: { $0 >= start && $0 <= end }),
            let last = series.timestamps.lastIndex(where: { $0 >= start && $0 <= end })
        else { throw EvaluationError("\(series.name): no record lies in the window \(range)") }
        return first...last
    }
}
