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

    /// Acknowledged means that a power cut loses nothing either; what can be computed again needn't wait for the disk.
    @Test func commitsSurviveAPowerCutUnlessToldOtherwise() throws {
        func level(_ connection: any SQLConnection) throws -> Int64? {
            try connection.first("PRAGMA synchronous", []) { $0.integer(0) }
        }
        var database = try open(logLength: 1000)
        #expect(try database.write(level) == 2)
        #expect(try database.writeReproducible(level) == 1)
        #expect(try database.write(level) == 2)
        database.close()
        var configuration = SQLiteDatabase.Configuration(path: path)
        configuration.synchronous = .normal
        database = try SQLiteDatabase(configuration)
        defer { database.close() }
        #expect(try database.write(level) == 1)
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
