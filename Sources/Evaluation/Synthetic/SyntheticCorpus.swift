// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Every fault on every shape of series, as a corpus like NAB's.
package enum SyntheticCorpus {
    /// One file for each seed, fault and shape.
    package static func files(seeds: some Sequence<UInt64>) -> [NABFile] {
        seeds.flatMap { seed in
            Fault.allCases.flatMap { fault in
                BaseShape.allCases.map { FaultSeries(shape: $0, fault: fault, seed: seed).file() }
            }
        }
        .sorted { $0.series.name < $1.series.name }
    }

    /// Writes the files in NAB's layout, so that other detectors can be tried on them too.
    ///
    /// - Throws: What the file system says.
    package static func write(_ files: [NABFile], to directory: String) throws {
        let root = URL(fileURLWithPath: directory)
        var windows: [String: [[String]]] = [:]
        for file in files {
            let path = root.appendingPathComponent("data/\(file.series.name)")
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            var text = "timestamp,value\n"
            for record in 0..<file.series.count {
                text += "\(file.series.timestampTexts[record]),\(file.series.values[record])\n"
            }
            try Data(text.utf8).write(to: path)
            windows[file.series.name] = file.windows.map {
                [file.series.timestampTexts[$0.lowerBound], file.series.timestampTexts[$0.upperBound]]
            }
        }
        let labels = root.appendingPathComponent("labels")
        try FileManager.default.createDirectory(at: labels, withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(windows).write(to: labels.appendingPathComponent("combined_windows.json"))
    }
}
