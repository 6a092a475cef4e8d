// SPDX-License-Identifier: Apache-2.0
// Writes all results as CSV: those there are already, then each as the engine gives it, until it is ended. None is left out or written
// twice, even when the engine is restarted meanwhile.

import Foundation
import HTMEngine

/// The file, and how far it has come.
struct Recording {
    let engine: EngineConnection
    let file: FileHandle
    /// The last row written, by the uid of its metric.
    var written: [String: Int] = [:]

    /// Writes rows of a metric that are scored and not written yet.
    mutating func write(_ rows: [ScoredSample], uid: String, sensor: String) {
        var lines = ""
        for row in rows where row.rowid > written[uid, default: 0] {
            guard let raw = row.rawAnomalyScore, let score = row.anomalyScore else { break }
            lines += "\(Int(row.time.timeIntervalSince1970)),\(sensor),\(row.value),\(raw),\(score)\n"
            written[uid] = row.rowid
        }
        file.write(Data(lines.utf8))
    }

    /// Writes what the engine has stored and the file lacks.
    mutating func catchUp() async throws {
        var page = try await engine.metrics()
        while let last = page.last {
            for metric in page {
                while metric.scoredRows > written[metric.uid, default: 0] {
                    let before = written[metric.uid, default: 0]
                    let rows = try await engine.samples(of: metric.uid, after: before)
                    write(rows, uid: metric.uid, sensor: metric.name)
                    // Its model was removed just now.
                    if written[metric.uid, default: 0] == before { break }
                }
            }
            page = try await engine.metrics(after: last.name)
        }
    }
}

guard CommandLine.arguments.count == 2, let file = FileHandle.creating(CommandLine.arguments[1]) else {
    FileHandle.standardError.write(Data("usage: record FILE    a file that can be written\n".utf8))
    exit(2)
}
do {
    file.write(Data("time,sensor,vehicles,raw_anomaly_score,anomaly_score\n".utf8))
    let engine = try EngineConnection(configuration: Configuration())
    var recording = Recording(engine: engine, file: file)
    var isBehind = false
    for try await event in engine.events() {
        if case .gap = event { isBehind = true }
        if isBehind {
            do {
                try await recording.catchUp()
                isBehind = false
            } catch let error as HTMEngineError where error.code == .engineUnavailable {
                continue  // it went away again: there will be another gap when it is back
            }
        }
        if case .results(let results) = event {
            recording.write(results.rows, uid: results.uid, sensor: results.metric)
        }
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
