// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import Storage
import Testing

@Suite struct FileCheckpointStoreTests {
    private let root: String

    init() {
        root = NSTemporaryDirectory() + "htmengine-checkpoints-" + UUID().uuidString
    }

    private func checkpoint(_ uid: String = "abcdef0123", generation: Int64 = 1, rowid: Int64) -> Checkpoint {
        let state = (0..<5000).map { UInt8(truncatingIfNeeded: Int($0) / 7 + Int(rowid)) }
        return Checkpoint(uid: uid, generation: generation, rowid: rowid, model: state)
    }

    private func cleanUp() { try? FileManager.default.removeItem(atPath: root) }

    @Test func whatIsSavedIsLoadedAgain() throws {
        defer { cleanUp() }
        let store = FileCheckpointStore(root: root)
        let saved = checkpoint(rowid: 500)
        let infos = try store.save(saved)
        #expect(infos.map(\.rowid) == [500])
        #expect(try infos[0].storedBytes == Data(contentsOf: URL(fileURLWithPath: store.path(of: infos[0]))).count)
        #expect(try FileCheckpointStore(root: root).load(infos[0]) == saved)
    }

    @Test func theTwoNewestAreKept() throws {
        defer { cleanUp() }
        let store = FileCheckpointStore(root: root)
        for rowid in [100, 200, 300] as [Int64] { try store.save(checkpoint(rowid: rowid)) }
        #expect(try store.candidates(uid: "abcdef0123").map(\.rowid) == [300, 200])
    }

    @Test func anOlderOneDoesNotReplaceANewer() throws {
        defer { cleanUp() }
        let store = FileCheckpointStore(root: root)
        try store.save(checkpoint(generation: 2, rowid: 10))
        try store.save(checkpoint(generation: 1, rowid: 900))
        try store.save(checkpoint(generation: 2, rowid: 9))
        let candidates = try store.candidates(uid: "abcdef0123")
        #expect(candidates.map(\.generation) == [2])
        #expect(candidates.map(\.rowid) == [10])
    }

    @Test(arguments: [0, 7, 9, 20, 47, 49, 60, 100, -2, -1])
    func oneDamagedByteIsNoticed(position: Int) throws {
        defer { cleanUp() }
        let store = FileCheckpointStore(root: root)
        let info = try store.save(checkpoint(rowid: 1))[0]
        let path = store.path(of: info)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[position < 0 ? bytes.count + position : position] ^= 0x20
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect {
            try store.load(info)
        } throws: { error in
            (error as? EngineError)?.code == .checkpointDamaged && "\(error)".contains(path)
        }
    }

    @Test(arguments: [CheckpointEnvelope.Compression.none, .zstandard])
    func everyTruncationIsNoticed(compression: CheckpointEnvelope.Compression) throws {
        let bytes = CheckpointEnvelope.encode(checkpoint(rowid: 3), compression)
        for length in 0..<bytes.count {
            #expect(throws: EngineError.self) { try CheckpointEnvelope.decode(Array(bytes[..<length])) }
        }
        #expect(try CheckpointEnvelope.decode(bytes) == checkpoint(rowid: 3))
    }

    @Test func aFileUnderAnothersNameIsRefused() throws {
        defer { cleanUp() }
        let store = FileCheckpointStore(root: root)
        let first = try store.save(checkpoint("aa11", rowid: 5))[0]
        let second = try store.save(checkpoint("aa22", rowid: 5))[0]
        try FileManager.default.removeItem(atPath: store.path(of: second))
        try FileManager.default.copyItem(atPath: store.path(of: first), toPath: store.path(of: second))
        #expect(throws: EngineError.self) { try store.load(second) }
    }

    @Test func checkpointsOfTheOriginalAreLeftAlone() throws {
        defer { cleanUp() }
        let original = root + "/abcdef0123/checkpoint_store_1389761327.552464"
        try FileManager.default.createDirectory(atPath: original, withIntermediateDirectories: true)
        try "2.0".write(toFile: root + "/abcdef0123/version.txt", atomically: true, encoding: .utf8)
        let store = FileCheckpointStore(root: root)
        try store.save(checkpoint(rowid: 1))
        try store.remove(uid: "abcdef0123", generationsBelow: .max)
        #expect(FileManager.default.fileExists(atPath: root + "/abcdef0123/version.txt"))
        #expect(FileManager.default.fileExists(atPath: original))
        #expect(try store.candidates(uid: "abcdef0123").isEmpty)
    }

    @Test func strangeUidsStayInsideTheDirectory() throws {
        defer { cleanUp() }
        let store = FileCheckpointStore(root: root)
        let uids = ["../../escape", "a/b", "=2f", "", "ü"]
        for uid in uids { try store.save(checkpoint(uid, rowid: 1)) }
        var seen: Set<String> = []
        try store.forEach {
            seen.insert($0.uid)
            #expect(store.path(of: $0).hasPrefix(store.directory + "/"))
            #expect(!store.path(of: $0).contains(".."))
            return true
        }
        #expect(seen == Set(uids))
        #expect(try FileManager.default.contentsOfDirectory(atPath: root) == ["htmengine"])
    }

    @Test func aDirectoryThatCanNotBeWrittenIsSaidSo() throws {
        defer { cleanUp() }
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        // A file stands where the directory should be: refused for root too.
        try "".write(toFile: root + "/htmengine", atomically: true, encoding: .utf8)
        let store = FileCheckpointStore(root: root)
        #expect {
            try store.save(checkpoint(rowid: 1))
        } throws: { error in
            (error as? EngineError)?.code == .storageUnavailable
        }
    }

    @Test func aStoreThatVanishedIsMadeAgain() throws {
        defer { cleanUp() }
        let store = FileCheckpointStore(root: root)
        let info = try store.save(checkpoint(rowid: 1))[0]
        try FileManager.default.removeItem(atPath: root)
        #expect(throws: EngineError.self) { try store.load(info) }
        try store.save(checkpoint(rowid: 2))
        #expect(try store.candidates(uid: "abcdef0123").map(\.rowid) == [2])
    }
}
