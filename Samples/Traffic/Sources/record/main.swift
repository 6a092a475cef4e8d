// SPDX-License-Identifier: Apache-2.0
// Writes results as CSV, as the engine gives them, until it is ended.

import Foundation
import HTMEngine

guard CommandLine.arguments.count == 2, let file = FileHandle.creating(CommandLine.arguments[1]) else {
    FileHandle.standardError.write(Data("usage: record FILE    a file that can be written\n".utf8))
    exit(2)
}
do {
    file.write(Data("time,sensor,vehicles,raw_anomaly_score,anomaly_score\n".utf8))
    let engine = try EngineConnection(configuration: Configuration())
    for try await event in engine.events() {
        guard case .results(let results) = event else { continue }
        let lines = results.rows.map { row in
            "\(Int(row.time.timeIntervalSince1970)),\(results.metric),\(row.value)"
                + ",\(row.rawAnomalyScore ?? 0),\(row.anomalyScore ?? 0)\n"
        }
        file.write(Data(lines.joined().utf8))
    }
} catch {
    FileHandle.standardError.write(Data("record: \(error)\n".utf8))
    exit(1)
}

extension FileHandle {
    /// A new file, in place of what is there.
    static func creating(_ path: String) -> FileHandle? {
        FileManager.default.createFile(atPath: path, contents: nil) ? FileHandle(forWritingAtPath: path) : nil
    }
}
