// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTM
import Storage
import TestSupport
import Testing

/// The engine starts on what any of its versions has left, and goes on as if nothing had happened.
@Suite(.serialized) struct KeptFormatsTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private static let databases = KeptFormats.names(".sqlite.gz")
    private static let checkpoints = KeptFormats.names(".checkpoint")

    @Test func everyVersionHasItsFile() {
        for case .ours(let version) in SQLMigration.all(.sqlite).map(\.revision) {
            let name = "schema-\(version).sqlite.gz"
            #expect(Self.databases.contains(name), "\(name) is missing: run Tests/Formats/keep")
        }
        let newest = "\(CheckpointEnvelope.version).\(AnomalyModel.stateVersion).checkpoint"
        #expect(Self.checkpoints.contains(newest), "\(newest) is missing: run Tests/Formats/keep")
    }

    /// Every database with the newest checkpoint, and the newest database with every checkpoint.
    @Test(
        arguments: databases.map { ($0, checkpoints.last ?? "") }
            + checkpoints.dropLast().map { (databases.last ?? "", $0) }
    )
    func theEngineGoesOnFromIt(_ database: String, _ checkpoint: String) throws {
        let rows = try KeptFormats.rows()
        let data = directory.path("data")
        let header = try KeptFormats.header(ofCheckpoint: checkpoint)
        let folder = "\(data)/checkpoints/htmengine/\(header.uid.prefix(2))/\(header.uid)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try KeptFormats.unpack(database, to: data + "/htmengine.sqlite")
        try FileManager.default.copyItem(
            atPath: KeptFormats.path(checkpoint),
            toPath: "\(folder)/\(header.generation)-\(header.rowid).checkpoint"
        )
        let engine = try RunningEngine(dataDirectory: data)
        #expect(try engine.curl("/kept").output.split(separator: "\n") == Array(rows.prefix(KeptFormats.rowCount)))
        // Lines are `/kept value time score`; what is posted is `value time`.
        let following = rows.dropFirst(KeptFormats.rowCount).map { row in
            row.split(separator: " ")[1...2].joined(separator: " ")
        }
        let posted = try engine.curl("/kept", "--data-binary", "@-", input: following.joined(separator: "\n"))
        #expect(posted.output.hasPrefix("Saved /kept"))
        let all = try eventually("all rows are scored") {
            let found = try engine.curl("/kept").output
            return found.contains("None") ? nil : found.split(separator: "\n")
        }
        #expect(all == rows)
        let counters = try engine.curl("/metrics").output
        #expect(counters.contains("htmengine_models_loaded_total 1\n"), "\(counters)")
        // The checkpoint was taken: nothing had to be replayed.
        let replayed = counters.split(separator: "\n").first { $0.hasPrefix("htmengine_rows_replayed_total ") }
        #expect(replayed == nil || replayed == "htmengine_rows_replayed_total 0")
        #expect(engine.stop() == 0, "\(engine.log)")
        let verified = try engine.command("verify")
        #expect(verified.status == 0, "\(verified.output)")
    }
}
