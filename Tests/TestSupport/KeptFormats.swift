// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The files of `Tests/Formats/Kept`: a database of every version of the schema, a checkpoint of every version of its format.
///
/// `Tests/Formats/keep` says what is in them and adds those of a new version.
package enum KeptFormats {
    package static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Formats/Kept").path

    /// Rows in the databases, and seen by the checkpoints.
    package static let rowCount = 400

    package static func path(_ name: String) -> String { folder + "/" + name }

    /// Names of the files with an ending, in order.
    package static func names(_ ending: String) -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return all.filter { $0.hasSuffix(ending) }.sorted()
    }

    /// The rows of an uninterrupted run, as `GET /kept` prints them.
    package static func rows() throws -> [Substring] {
        try String(contentsOfFile: path("rows.txt"), encoding: .utf8).split(separator: "\n")
    }

    /// Unpacks a database.
    package static func unpack(_ name: String, to path: String) throws {
        let finished = try run(["sh", "-c", #"gzip -dc "$1" > "$2""#, "sh", self.path(name), path])
        guard finished.status == 0 else { throw PollingTimeout(description: "\(name): \(finished.errorOutput)") }
    }

    /// The uid, generation and row a checkpoint is of, from its header.
    package static func header(ofCheckpoint name: String) throws -> (uid: String, generation: Int64, rowid: Int64) {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
        func number(_ offset: Int, _ count: Int) -> Int64 {
            bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int64($1) }
        }
        let uid = String(decoding: bytes[52..<52 + Int(number(48, 4))], as: UTF8.self)
        return (uid, number(16, 8), number(24, 8))
    }
}
