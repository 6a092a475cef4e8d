// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Reference outputs of NuPIC 1.0.5, which hold NAB's data and so aren't part of the repository.
///
/// Found through `HTMENGINE_GOLDEN`, else as `../shared/golden` beside the package. Tests that need them are skipped
/// where there are none.
enum GoldenData {
    static let directory: URL? = {
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let named = ProcessInfo.processInfo.environment["HTMENGINE_GOLDEN"].map { URL(fileURLWithPath: $0) }
        let candidate = named ?? package.deletingLastPathComponent().appendingPathComponent("shared/golden")
        return FileManager.default.fileExists(atPath: candidate.path) ? candidate : nil
    }()

    static var isPresent: Bool { directory != nil }

    /// Paths relative to the directory: `realKnownCause/nyc_taxi.csv` … of the whole-model files.
    static let seriesNames: [String] = {
        guard let directory, let folders = try? FileManager.default.contentsOfDirectory(atPath: directory.path) else {
            return []
        }
        return folders.filter { $0.hasPrefix("real") || $0.hasPrefix("art") }.flatMap { folder in
            names(in: folder)
        }.sorted()
    }()

    /// The CSV files of one folder, as `folder/name.csv`.
    static func names(in folder: String) -> [String] {
        guard let directory else { return [] }
        let path = directory.appendingPathComponent(folder).path
        let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return files.filter { $0.hasSuffix(".csv") }.sorted().map { "\(folder)/\($0)" }
    }

    /// Data lines split at commas, without the header.
    static func rows(_ name: String) throws -> [[Substring]] {
        let text = try String(contentsOf: directory!.appendingPathComponent(name), encoding: .utf8)
        return text.split(whereSeparator: \.isNewline).dropFirst().map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
    }

    /// Raw scores as the model gives them: the nearest 32-bit float, widened.
    ///
    /// The files print nine digits.
    static func rawScore(_ text: Substring) -> Double {
        Double(Float(text)!)
    }
}
