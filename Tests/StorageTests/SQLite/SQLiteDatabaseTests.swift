// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import Storage
import TestSupport
import Testing

@Suite struct SQLiteDatabaseTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.path("log.sqlite") }

    init() throws { directory = try TemporaryDirectory() }

    private func open(logLength: Int) throws -> SQLiteDatabase {
        var configuration = SQLiteDatabase.Configuration(path: path)
        configuration.logLength = logLength
        let database = try SQLiteDatabase(configuration)
        try database.migrate {
            try $0.executeScript("CREATE TABLE IF NOT EXISTS entry (key INTEGER PRIMARY KEY, text TEXT)")
        }
        return database
    }

    private func insert(_ key: Int, _ connection: any SQLConnection) throws {
        let text = String(repeating: "\(key) ", count: 200)
        try connection.execute("INSERT INTO entry VALUES (?, ?)", [.integer(Int64(key)), .text(text)])
    }

    private func count(_ database: SQLiteDatabase) throws -> Int64? {
        try database.read { try $0.first("SELECT COUNT(*) FROM entry", []) { $0.integer(0) } }
    }

    @Test func theLogIsCopiedWhileWritesGoOn() throws {
        let limit = 100
        let database = try open(logLength: limit)
        defer { database.close() }
        var longest = 0
        // A page or more each: without copies the log would come to more than 1,200 pages.
        for key in 0..<1200 {
            if key % 2 == 0 {
                try database.write { try insert(key, $0) }
            } else {
                try database.writeReproducible { try insert(key, $0) }
            }
            let size = try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int ?? 0
            longest = max(longest, size / 4096)
        }
        #expect(try count(database) == 1200)
        #expect(longest >= limit)
        #expect(longest < 6 * limit)
        #expect(database.pagesCopiedBeside > limit)
    }

    private func open(_ syncs: SyncControl, _ synchronous: SQLiteDatabase.Configuration.Synchronous = .full) throws
        -> SQLiteDatabase
    {
        var configuration = SQLiteDatabase.Configuration(path: path)
        configuration.synchronous = synchronous
        configuration.runSync = syncs.runSync
        let database = try SQLiteDatabase(configuration)
        try database.migrate {
            try $0.executeScript("CREATE TABLE IF NOT EXISTS entry (key INTEGER PRIMARY KEY, text TEXT)")
        }
        // The first is synced by SQLite itself.
        _ = try database.write { try $0.execute("DELETE FROM entry", []) }
        return database
    }

    /// Acknowledged means that a power cut loses nothing either; what can be computed again needn't wait for the disk.
    @Test(arguments: SQLiteDatabase.Configuration.Synchronous.allCases)
    func commitsSurviveAPowerCutUnlessToldOtherwise(synchronous: SQLiteDatabase.Configuration.Synchronous) throws {
        func level(_ connection: any SQLConnection) throws -> Int64? {
            try connection.first("PRAGMA synchronous", []) { $0.integer(0) }
        }
        let first = try open(logLength: 1000)
        #expect(try first.write(level) == 2)
        first.close()
        let syncs = SyncControl()
        let database = try open(syncs, synchronous)
        defer { database.close() }
        for key in 1...5 {
            try database.writeReproducible { try insert(-key, $0) }
            try database.write { try insert(key, $0) }
            #expect(syncs.state.withLock { $0.begun } == (synchronous == .full ? key : 0))
        }
        #expect(try count(database) == 10)
    }

    @Test func theWriterGoesOnWhileTheLogIsSynced() throws {
        let syncs = SyncControl()
        let database = try open(syncs)
        defer { database.close() }
        syncs.state.update { $0.isHeld = true }
        let acknowledged = Monitor<[Int]>([])
        func store(_ key: Int) -> ServiceThread {
            ServiceThread(name: "store") {
                #expect(throws: Never.self) { try database.write { try insert(key, $0) } }
                acknowledged.update { $0.append(key) }
            }
        }
        let first = store(1)
        syncs.state.wait { $0.begun == 1 ? true : nil }
        // Scores are committed meanwhile, and the sync of what comes later doesn't wait for the one that takes long.
        try database.writeReproducible { try insert(2, $0) }
        let second = store(3)
        syncs.state.wait { $0.begun == 2 ? true : nil }
        try database.writeReproducible { try insert(4, $0) }
        #expect(try count(database) == 4)
        #expect(acknowledged.withLock { $0 } == [])
        syncs.state.update { $0.isHeld = false }
        first.join()
        second.join()
        #expect(acknowledged.withLock { $0.sorted() } == [1, 3])
    }

    @Test func whoWaitsForTheCommitOnlyIsToldOfTheSyncLater() throws {
        let syncs = SyncControl()
        let database = try open(syncs)
        defer { database.close() }
        let told = Monitor<[String]>([])
        func store(_ key: Int) throws {
            try database.write(whenDurable: { error in
                told.update { $0.append("\(key) \(error.map { "\($0.code)" } ?? "durable")") }
            }) { try insert(key, $0) }
        }
        syncs.state.update { $0.isHeld = true }
        try store(1)
        try store(2)
        #expect(try count(database) == 2)
        // Of those that fail nothing is told but by the error.
        #expect(throws: EngineError.self) { try store(2) }
        #expect(told.withLock { $0 } == [])
        syncs.state.update { $0.isHeld = false }
        told.wait { $0.count == 2 ? true : nil }
        #expect(told.withLock { $0.sorted() } == ["1 durable", "2 durable"])
        syncs.state.update { $0.fails = true }
        try store(3)
        told.wait { $0.count == 3 ? true : nil }
        #expect(told.withLock { $0.last } == "3 storageUnavailable")
        #expect(throws: EngineError.self) { try store(4) }
        #expect(told.withLock { $0.count } == 3)
    }

    /// Where a commit is all that is asked for, and for the write that SQLite syncs itself.
    @Test(arguments: SQLiteDatabase.Configuration.Synchronous.allCases)
    func aCommitThatNeedsNoSyncOfOursIsToldAtOnce(synchronous: SQLiteDatabase.Configuration.Synchronous) throws {
        var configuration = SQLiteDatabase.Configuration(path: path)
        configuration.synchronous = synchronous
        configuration.runSync = { (_: () throws(SQLError) -> Void) throws(SQLError) in
            throw SQLError(kind: .connection, code: 1034, message: "not to be called")
        }
        let database = try SQLiteDatabase(configuration)
        defer { database.close() }
        try database.migrate { try $0.executeScript("CREATE TABLE entry (key INTEGER PRIMARY KEY, text TEXT)") }
        for key in 0..<(synchronous == .full ? 1 : 3) {
            let told = Monitor(0)
            try database.write(whenDurable: { error in told.update { $0 += error == nil ? 1 : 100 } }) {
                try insert(key, $0)
            }
            #expect(told.withLock { $0 } == 1)
        }
    }

    /// The system lets later syncs succeed though what an earlier one couldn't write is lost.
    @Test func nothingIsStoredAfterASyncThatFailed() throws {
        let syncs = SyncControl()
        var database = try open(syncs)
        try database.write { try insert(1, $0) }
        syncs.state.update { $0.fails = true }
        func expectRefusal(_ write: () throws -> Void) {
            let error = #expect(throws: EngineError.self) { try write() }
            #expect(error?.code == .storageUnavailable)
            #expect(error?.message.contains("the disk is gone") == true)
        }
        expectRefusal { try database.write { try insert(2, $0) } }
        syncs.state.update { $0.fails = false }
        expectRefusal { try database.write { try insert(3, $0) } }
        expectRefusal { try database.writeReproducible { try insert(4, $0) } }
        // What was committed but not synced can be read, and may be gone after a power cut; the later writes were never begun.
        #expect(try count(database) == 2)
        database.close()
        database = try open(logLength: 16_000)
        defer { database.close() }
        try database.write { try insert(5, $0) }
        #expect(try count(database) == 3)
    }

    @Test func aReaderThatStaysHoldsUpNobody() throws {
        let database = try open(logLength: 50)
        defer { database.close() }
        try database.write { try insert(0, $0) }
        try database.read { old in
            #expect(try old.first("SELECT COUNT(*) FROM entry", []) { $0.integer(0) } == 1)
            // The reader's snapshot keeps the log from starting anew: it grows, and writes go on.
            for key in 1...200 { try database.writeReproducible { try insert(key, $0) } }
            #expect(try old.first("SELECT COUNT(*) FROM entry", []) { $0.integer(0) } == 1)
        }
        for key in 201...400 { try database.write { try insert(key, $0) } }
        #expect(try count(database) == 401)
    }

    @Test func whatCanBeComputedAgainIsReadableAtOnce() throws {
        let database = try open(logLength: 16_000)
        defer { database.close() }
        for key in 0..<200 {
            try database.writeReproducible { try insert(key, $0) }
            #expect(try count(database) == Int64(key + 1))
        }
    }

    @Test func onlyTheWriteThatFailsIsUndone() throws {
        let database = try open(logLength: 16_000)
        defer { database.close() }
        try database.write { try insert(7, $0) }
        #expect(throws: EngineError.self) { try database.writeReproducible { try insert(7, $0) } }
        try database.writeReproducible { try insert(8, $0) }
        #expect(try count(database) == 2)
    }

    /// A commit with samples waits for the disk; scores that came together with them don't wait for it.
    @Test func whatCanBeComputedAgainGoesFirst() throws {
        let database = try open(logLength: 16_000)
        defer { database.close() }
        let order = Monitor<[String]>([])
        let isBusy = Monitor(false)
        let mayGoOn = Monitor(false)
        // Holds the writer until the two others stand in line.
        let first = ServiceThread(name: "first") {
            try? database.write { _ in
                isBusy.update { $0 = true }
                mayGoOn.wait { $0 ? true : nil }
            }
        }
        isBusy.wait { $0 ? true : nil }
        let samples = ServiceThread(name: "samples") {
            try? database.write { _ in order.update { $0.append("samples") } }
        }
        let scores = ServiceThread(name: "scores") {
            try? database.writeReproducible { _ in order.update { $0.append("scores") } }
        }
        while database.waitingWrites < 2 { usleep(1000) }
        mayGoOn.update { $0 = true }
        for thread in [first, samples, scores] { thread.join() }
        #expect(order.withLock { $0 } == ["scores", "samples"])
    }
}
