// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Checkpoints in the SQL database (`[storage] root = sql:`), for runners on several machines without a shared directory.
///
/// Table `htmengine_checkpoint`: the bytes of a checkpoint file in parts below the server's largest packet, written in one
/// transaction.
package final class SQLCheckpointStore: CheckpointStore {
    /// The newest, and the one before it in case the newest turns out damaged.
    private static let kept = 2
    /// Bytes of one part; servers refuse statements above `max_allowed_packet`, 16 MB by default.
    private static let partBytes = 4 << 20

    private let database: any SQLDatabase

    /// - Parameter database: A migrated database on a MySQL or MariaDB server.
    package init(database: any SQLDatabase) {
        precondition(database.dialect == .mysql, "an embedded engine keeps its checkpoints as files")
        self.database = database
    }

    @discardableResult
    package func save(_ checkpoint: Checkpoint) throws -> [CheckpointInfo] {
        let bytes = CheckpointEnvelope.encode(checkpoint, .zstandard)
        return try database.write { connection in
            // Serialises two owners of one model; without a metric there is nothing to save for.
            let known = try connection.first("SELECT uid FROM metric WHERE uid = ? FOR UPDATE", [.text(checkpoint.uid)])
            {
                _ in true
            }
            var stored = try Self.candidates(checkpoint.uid, connection)
            guard known == true else { return stored }
            if let newest = stored.first,
                (newest.generation, newest.rowid) >= (checkpoint.generation, checkpoint.rowid)
            {
                return stored
            }
            var part: Int64 = 0
            for start in stride(from: 0, to: bytes.count, by: Self.partBytes) {
                try connection.execute(
                    """
                    INSERT INTO htmengine_checkpoint (uid, generation, checkpoint_rowid, part, content)
                    VALUES (?, ?, ?, ?, ?)
                    """,
                    [
                        .text(checkpoint.uid), .integer(checkpoint.generation), .integer(checkpoint.rowid),
                        .integer(part),
                        .blob(Array(bytes[start..<min(start + Self.partBytes, bytes.count)])),
                    ]
                )
                part += 1
            }
            var info = checkpoint.info
            info.storedBytes = bytes.count
            stored.insert(info, at: 0)
            for old in stored.dropFirst(Self.kept) { try Self.remove(old, connection) }
            return Array(stored.prefix(Self.kept))
        }
    }

    package func candidates(uid: String) throws -> [CheckpointInfo] {
        try database.read { try Self.candidates(uid, $0) }
    }

    private static func candidates(_ uid: String, _ connection: any SQLConnection) throws -> [CheckpointInfo] {
        try connection.all(
            """
            SELECT generation, checkpoint_rowid, SUM(LENGTH(content)) FROM htmengine_checkpoint WHERE uid = ?
            GROUP BY generation, checkpoint_rowid ORDER BY generation DESC, checkpoint_rowid DESC
            """,
            [.text(uid)]
        ) { row in
            CheckpointInfo(
                uid: uid,
                generation: row.integer(0),
                rowid: row.integer(1),
                storedBytes: Int(row.integer(2))
            )
        }
    }

    package func load(_ info: CheckpointInfo) throws -> Checkpoint {
        let bytes = try database.read { connection in
            try connection.all(
                """
                SELECT content FROM htmengine_checkpoint WHERE uid = ? AND generation = ? AND checkpoint_rowid = ?
                ORDER BY part
                """,
                [.text(info.uid), .integer(info.generation), .integer(info.rowid)]
            ) { $0.blob(0) }.flatMap { $0 }
        }
        let name = "checkpoint of model \(info.uid) at row \(info.rowid)"
        guard !bytes.isEmpty else { throw EngineError(.checkpointDamaged, "the \(name) is gone", uid: info.uid) }
        let checkpoint: Checkpoint
        do {
            checkpoint = try CheckpointEnvelope.decode(bytes)
        } catch {
            throw EngineError(error.code, "\(name): \(error.message)", uid: info.uid)
        }
        guard checkpoint.uid == info.uid, checkpoint.generation == info.generation, checkpoint.rowid == info.rowid
        else { throw EngineError(.checkpointDamaged, "the \(name) holds another one", uid: info.uid) }
        return checkpoint
    }

    package func remove(_ info: CheckpointInfo) throws {
        try database.write { try Self.remove(info, $0) }
    }

    private static func remove(_ info: CheckpointInfo, _ connection: any SQLConnection) throws {
        try connection.execute(
            "DELETE FROM htmengine_checkpoint WHERE uid = ? AND generation = ? AND checkpoint_rowid = ?",
            [.text(info.uid), .integer(info.generation), .integer(info.rowid)]
        )
    }

    package func remove(uid: String, generationsBelow generation: Int64) throws {
        _ = try database.write { connection in
            try connection.execute(
                "DELETE FROM htmengine_checkpoint WHERE uid = ? AND generation < ?",
                [.text(uid), .integer(generation)]
            )
        }
    }

    package func forEach(_ body: (CheckpointInfo) throws -> Bool) throws {
        let all = try database.read { connection in
            try connection.all(
                """
                SELECT uid, generation, checkpoint_rowid, SUM(LENGTH(content)) FROM htmengine_checkpoint
                GROUP BY uid, generation, checkpoint_rowid
                """,
                []
            ) { row in
                CheckpointInfo(
                    uid: row.text(0),
                    generation: row.integer(1),
                    rowid: row.integer(2),
                    storedBytes: Int(row.integer(3))
                )
            }
        }
        for info in all where try !body(info) { return }
    }
}
