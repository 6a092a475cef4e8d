// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Checkpoints as files below one directory, which several machines may share.
///
///     <root>/htmengine/<first two characters of the uid>/<uid>/<generation>-<rowid>.checkpoint
///
/// The subdirectory keeps ours apart from checkpoints of the original (`<root>/<uid>/…`), which are left alone. A file appears
/// under its name only when all of it is on disk: it is written under a temporary name and synced, renamed, and the directory is
/// synced. The contents follow from the name (a model is a function of its rows), so two writers of one name do no harm.
package final class FileCheckpointStore: CheckpointStore {
    /// The newest, and the one before it in case the newest turns out damaged.
    private static let kept = 2
    private static let suffix = ".checkpoint"
    private static let temporaryPrefix = ".writing-"
    /// The age, in seconds, from which a temporary file belongs to a process that died.
    private static let abandonedAfter: Int64 = 3600

    /// `<root>/htmengine`, without a slash at its end.
    package let directory: String
    private let files = DurableFiles("checkpoints")
    private let counter = Atomic<UInt64>(0)

    /// - Parameter root: An absolute path; created when something is saved.
    package init(root: String) {
        precondition(root.hasPrefix("/"), "the checkpoint root must be an absolute path, not \(root)")
        var trimmed = root
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        directory = (trimmed == "/" ? "" : trimmed) + "/htmengine"
    }

    @discardableResult
    package func save(_ checkpoint: Checkpoint) throws -> [CheckpointInfo] {
        let folder = folder(of: checkpoint.uid)
        var stored = try candidates(uid: checkpoint.uid)
        if let newest = stored.first, !Self.isNewer(checkpoint.info, than: newest) { return stored }
        try files.makeDirectories(folder)
        let bytes = CheckpointEnvelope.encode(checkpoint, .none)
        let number = counter.add(1, ordering: .relaxed).newValue
        let temporary = "\(folder)/\(Self.temporaryPrefix)\(getpid())-\(number)"
        let final = "\(folder)/\(Self.fileName(checkpoint.info))"
        do {
            try files.write(bytes, to: temporary)
            try files.rename(temporary, to: final)
        } catch {
            unlink(temporary)
            throw error
        }
        try files.syncDirectory(folder)
        var info = checkpoint.info
        info.storedBytes = bytes.count
        stored.insert(info, at: 0)
        for old in stored.dropFirst(Self.kept) { try remove(old) }
        return Array(stored.prefix(Self.kept))
    }

    package func candidates(uid: String) throws -> [CheckpointInfo] {
        let folder = folder(of: uid)
        var found: [CheckpointInfo] = []
        for name in try files.names(in: folder) {
            if name.hasPrefix(Self.temporaryPrefix) {
                removeIfAbandoned("\(folder)/\(name)")
            } else if var info = Self.info(fileName: name, uid: uid) {
                info.storedBytes = files.size(of: "\(folder)/\(name)") ?? 0
                found.append(info)
            }
        }
        return found.sorted { Self.isNewer($0, than: $1) }
    }

    package func load(_ info: CheckpointInfo) throws -> Checkpoint {
        let path = path(of: info)
        guard let bytes = try files.read(path) else {
            throw EngineError(.checkpointDamaged, "the checkpoint \(path) is gone", uid: info.uid)
        }
        let checkpoint: Checkpoint
        do {
            checkpoint = try CheckpointEnvelope.decode(bytes)
        } catch {
            throw EngineError(error.code, "\(path): \(error.message)", uid: info.uid)
        }
        guard checkpoint.uid == info.uid, checkpoint.generation == info.generation, checkpoint.rowid == info.rowid
        else {
            throw EngineError(
                .checkpointDamaged,
                "\(path) holds generation \(checkpoint.generation), row \(checkpoint.rowid) of model \(checkpoint.uid)",
                uid: info.uid
            )
        }
        return checkpoint
    }

    package func remove(_ info: CheckpointInfo) throws {
        try files.removeFile(path(of: info))
    }

    package func remove(uid: String, generationsBelow generation: Int64) throws {
        let folder = folder(of: uid)
        var left = 0
        for info in try candidates(uid: uid) {
            if info.generation < generation { try remove(info) } else { left += 1 }
        }
        // Fails, and rightly so, while another process has just put something there.
        if left == 0 { rmdir(folder) }
    }

    package func forEach(_ body: (CheckpointInfo) throws -> Bool) throws {
        for shard in try files.names(in: directory) {
            for folder in try files.names(in: "\(directory)/\(shard)") {
                guard let uid = Self.uid(folderName: folder) else { continue }
                for info in try candidates(uid: uid) where try !body(info) { return }
            }
        }
    }

    /// Where a checkpoint lies.
    package func path(of info: CheckpointInfo) -> String {
        "\(folder(of: info.uid))/\(Self.fileName(info))"
    }

    private func folder(of uid: String) -> String {
        let name = Self.folderName(uid: uid)
        return "\(directory)/\(name.prefix(2))/\(name)"
    }

    private func removeIfAbandoned(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        if Int64(time(nil)) - Int64(status.st_mtim.tv_sec) > Self.abandonedAfter { unlink(path) }
    }

    private static func isNewer(_ left: CheckpointInfo, than right: CheckpointInfo) -> Bool {
        (left.generation, left.rowid) > (right.generation, right.rowid)
    }

    private static func fileName(_ info: CheckpointInfo) -> String {
        "\(info.generation)-\(info.rowid)\(suffix)"
    }

    private static func info(fileName: String, uid: String) -> CheckpointInfo? {
        guard fileName.hasSuffix(suffix) else { return nil }
        let parts = fileName.dropLast(suffix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let generation = Int64(parts[0]), let rowid = Int64(parts[1]) else { return nil }
        return CheckpointInfo(uid: uid, generation: generation, rowid: rowid)
    }

    /// The uid itself when it is made of letters and digits, as all of ours are.
    ///
    /// Any other byte is written `=` and two
    /// hexadecimal digits, so that no uid of a taken-over database can leave the directory.
    private static func folderName(uid: String) -> String {
        var name = ""
        for byte in uid.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"):
                name.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                name += "=" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return name.isEmpty ? "=" : name
    }

    private static func uid(folderName: String) -> String? {
        if folderName == "=" { return "" }
        var bytes: [UInt8] = []
        var rest = Array(folderName.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
