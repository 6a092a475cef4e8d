// SPDX-License-Identifier: Apache-2.0

internal import CSQLite
internal import CSystem
import EngineCore
import Glibc

/// The embedded database: one file in WAL mode, one writer thread, several readers.
///
/// Group commit: all writes that wait when the writer becomes free share one transaction, each in a savepoint of its own, and are
/// told together when it is durable (those that can be computed again share another, before it). The log is synced beside the writer
/// (`WriteAheadLogSyncer`), which runs the next group meanwhile. Only what can be computed again waits for company, and only under load; it
/// doesn't wait for a sync either.
package final class SQLiteDatabase: SQLDatabase {
    package struct Configuration: Sendable {
        /// How a commit is made durable.
        package enum Synchronous: String, Sendable, CaseIterable {
            /// Survives a power cut; the default.
            case full = "FULL"
            /// Survives the death of the process only.
            case normal = "NORMAL"
        }

        /// The database file; its directory exists.
        package var path: String
        package var synchronous = Synchronous.full
        /// Most connections that read at the same time; further readers wait.
        ///
        /// 1…64.
        package var readers = 8
        /// The longest that a write that can be computed again waits for others to share its transaction: as long as the last
        /// transaction took, so that nothing waits where there is no load.
        ///
        /// Unit: milliseconds.
        package var longestGathering: UInt64 = 5
        /// Length of the write-ahead log from which on it is copied into the database.
        ///
        /// Unit: pages of 4 KiB.
        package var logLength = 16_000
        /// Page cache of the writer.
        ///
        /// Unit: KiB.
        package var writerCacheKiB = 32_768
        /// Page cache of each reader.
        ///
        /// Unit: KiB.
        package var readerCacheKiB = 3072
        /// Most writes in one transaction.
        ///
        /// 1…10,000.
        package var largestGroup = 256
        /// Largest size of the file, beyond which writes fail as on a full disk; nil for no limit. Unit: pages of 4 KiB.
        package var maximumPages: Int?
        /// Runs every sync of the log: tests hold it up or let it fail. Called by several threads at once.
        package var runSync: RunSync = { (sync: () throws(SQLError) -> Void) throws(SQLError) in try sync() }

        package typealias RunSync = @Sendable (_ sync: () throws(SQLError) -> Void) throws(SQLError) -> Void

        package init(path: String) { self.path = path }

        /// Lowers the page caches so that all of them together take at most `bytes`, but not to uselessly few pages.
        package mutating func limitCaches(to bytes: Int) {
            writerCacheKiB = min(writerCacheKiB, max(2048, bytes / 2048))
            readerCacheKiB = min(readerCacheKiB, max(512, bytes / 2048 / readers))
        }
    }

    private let configuration: Configuration
    private let lock: FileLock
    private let queue = Monitor(WriteQueue())
    private let readers = Monitor(ReaderPool())
    private let writer: WriterThread
    private let keeper: WriteAheadLogKeeper

    package var dialect: SQLDialect { .sqlite }

    /// Opens or creates the file and starts the writer.
    ///
    /// - Throws: `EngineError` with code `alreadyRunning` when another process has it open for writing, `storageUnavailable`
    ///   when it can't be opened, `storageCorrupt` when it is no SQLite database.
    package init(_ configuration: Configuration) throws {
        self.configuration = configuration
        try Self.checkWritable(directoryOf: configuration.path)
        lock = try FileLock(path: configuration.path + ".lock")
        let connection: SQLiteConnection
        do {
            connection = try Self.openWriter(configuration)
            keeper = WriteAheadLogKeeper(
                connection: try SQLiteConnection(path: configuration.path, writable: true),
                wantedLength: configuration.logLength
            )
        } catch let error as SQLError {
            throw error.engineError
        }
        writer = WriterThread(
            Writer(connection: connection, configuration, keeper: keeper),
            queue: queue,
            configuration
        )
    }

    /// The database needs to make files of its own beside it: asked first, because SQLite's words for it name neither the directory
    /// nor the reason.
    private static func checkWritable(directoryOf path: String) throws(EngineError) {
        let end = path.lastIndex(of: "/")
        let directory = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard access(directory, W_OK | X_OK) != 0 else { return }
        throw EngineError(
            .storageUnavailable,
            "can't write to the data directory \(directory): \(String(cString: strerror(errno))); "
                + "expected a directory that user \(geteuid()) may write to"
        )
    }

    private static func openWriter(_ configuration: Configuration) throws -> SQLiteConnection {
        let connection = try SQLiteConnection(path: configuration.path, writable: true)
        try connection.executeScript("PRAGMA journal_mode = WAL")
        let mode = try connection.first("PRAGMA journal_mode", []) { $0.text(0) }
        guard mode == "wal" else {
            throw SQLError(
                kind: .readOnly,
                code: 0,
                message: "the file system of \(configuration.path) doesn't support WAL mode"
            )
        }
        // Under load the log comes to somewhat more than the length at which it is copied. Cutting that off each time, and making the
        // file longer again, would hold commits up.
        try connection.executeScript(
            """
            PRAGMA synchronous = \(configuration.synchronous.rawValue);
            PRAGMA foreign_keys = ON;
            PRAGMA temp_store = MEMORY;
            PRAGMA cache_size = -\(configuration.writerCacheKiB);
            PRAGMA journal_size_limit = \(2 * 4096 * configuration.logLength);
            """
        )
        connection.watchLog()
        if let pages = configuration.maximumPages { try connection.executeScript("PRAGMA max_page_count = \(pages)") }
        return connection
    }

    package func read<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        do {
            let connection = try takeReader()
            defer { readers.update { $0.give(connection) } }
            try connection.execute("BEGIN", [])
            defer { if connection.isInTransaction { _ = try? connection.execute("ROLLBACK", []) } }
            return try body(connection)
        } catch let error as SQLError {
            throw error.engineError
        }
    }

    private func takeReader() throws -> SQLiteConnection {
        let limit = configuration.readers
        let found: ReaderPool.Found? = readers.wait { $0.take(limit: limit) }
        switch found {
        case .idle(let connection): return connection
        case .mayOpen:
            do {
                let connection = try SQLiteConnection(path: configuration.path, writable: false)
                try connection.executeScript(
                    """
                    PRAGMA query_only = ON;
                    PRAGMA temp_store = MEMORY;
                    PRAGMA cache_size = -\(configuration.readerCacheKiB);
                    """
                )
                return connection
            } catch {
                readers.update { $0.open -= 1 }
                throw error
            }
        case .closed, nil: throw EngineError(.stopping, "the database is closed")
        }
    }

    package func write<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        try submit(.durable, body)
    }

    package func write<Result>(
        whenDurable: @escaping @Sendable (EngineError?) -> Void,
        _ body: (any SQLConnection) throws -> Result
    ) throws -> Result {
        try submit(.durable, whenDurable: whenDurable, body)
    }

    package func writeReproducible<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        try submit(.reproducible, body)
    }

    package func migrate<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        try submit(.alone, body)
    }

    private func submit<Result>(
        _ need: WriteJob.Need,
        whenDurable: WriteJob.Listener? = nil,
        _ body: (any SQLConnection) throws -> Result
    ) throws -> Result {
        // The body runs on the writer's thread while this one is blocked, so it doesn't outlive the call.
        try withoutActuallyEscaping(body) { body in
            var result: Result?
            let job = WriteJob(need, whenDurable: whenDurable) { connection in result = try body(connection) }
            let accepted = queue.update { $0.add(job) }
            guard accepted else { throw EngineError(.stopping, "the database is closed") }
            let outcome: WriteJob.Outcome? = job.outcome.wait { $0 }
            job.releaseBody()
            if case .failed(let error) = outcome { throw (error as? SQLError)?.engineError ?? error }
            return result!
        }
    }

    package func integrityProblems() throws -> [String] {
        do {
            return try read { connection in
                var problems = try connection.all("PRAGMA integrity_check(100)", []) { $0.text(0) }
                    .filter { $0 != "ok" }
                problems += try connection.all("PRAGMA foreign_key_check", []) { row in
                    "row of \(row.text(0)) refers to a missing row of \(row.text(2))"
                }
                return problems
            }
        } catch let error as EngineError where error.code == .storageCorrupt {
            // Damaged so badly that even the check can't go on.
            return [error.message]
        }
    }

    /// Writes a consistent copy of the database to a new file while the engine runs.
    package func backup(to path: String) throws {
        guard access(path, F_OK) != 0 else { throw EngineError(.invalidArgument, "\(path) exists already") }
        do {
            let connection = try SQLiteConnection(path: configuration.path, writable: false)
            try connection.execute("VACUUM INTO ?", [.text(path)])
        } catch let error as SQLError {
            throw error.engineError
        }
    }

    /// How much of the write-ahead log was found copied each time its keeper was done with it, summed. Unit: pages.
    package var pagesCopiedBeside: Int { keeper.copiedPages }

    /// Writes standing in line.
    package var waitingWrites: Int { queue.withLock { $0.jobs.count } }

    package func close() {
        queue.update { $0.isClosed = true }
        writer.join()
        keeper.close()
        readers.update { $0.close() }
        lock.release()
    }
}

/// One write waiting for its turn.
///
/// Sendable because the writer alone touches `body` until it has set `outcome`, and the submitter alone after.
private final class WriteJob: @unchecked Sendable {
    enum Outcome {
        case done
        case failed(any Error)
    }

    enum Need {
        case durable
        /// Can be computed again after a power cut.
        case reproducible
        /// Not to be mixed with others, and outside any transaction.
        case alone
    }

    typealias Listener = @Sendable (EngineError?) -> Void

    let need: Need
    /// Told when the write is durable, where its submitter only waits for the commit.
    let whenDurable: Listener?
    private(set) var body: ((SQLiteConnection) throws -> Void)?
    let outcome = Monitor<Outcome?>(nil)

    init(_ need: Need, whenDurable: Listener?, _ body: @escaping (SQLiteConnection) throws -> Void) {
        self.need = need
        self.whenDurable = whenDurable
        self.body = body
    }

    func finish(_ result: Outcome) { outcome.update { $0 = result } }
    func releaseBody() { body = nil }
}

private struct WriteQueue {
    var jobs: [WriteJob] = []
    var isClosed = false

    mutating func add(_ job: WriteJob) -> Bool {
        guard !isClosed else { return false }
        jobs.append(job)
        return true
    }

    /// The next group, oldest first; empty when closed and done, nil when there is nothing yet.
    mutating func take(limit: Int) -> [WriteJob]? {
        guard let first = jobs.first else { return isClosed ? [] : nil }
        if first.need == .alone { return [jobs.removeFirst()] }
        let count = min(limit, jobs.firstIndex { $0.need == .alone } ?? jobs.count)
        defer { jobs.removeFirst(count) }
        return Array(jobs[..<count])
    }

    /// Whether somebody waits who mustn't wait for company.
    var isUrgent: Bool { isClosed || jobs.contains { $0.need != .reproducible } }
}

private struct ReaderPool {
    enum Found {
        case idle(SQLiteConnection)
        case mayOpen
        case closed
    }

    var idle: [SQLiteConnection] = []
    var open = 0
    var isClosed = false

    mutating func take(limit: Int) -> Found? {
        if isClosed { return .closed }
        if let connection = idle.popLast() { return .idle(connection) }
        guard open < limit else { return nil }
        open += 1
        return .mayOpen
    }

    mutating func give(_ connection: SQLiteConnection) {
        if isClosed { open -= 1 } else { idle.append(connection) }
    }

    mutating func close() {
        isClosed = true
        open -= idle.count
        idle = []
    }
}

/// Runs groups of writes.
private final class WriterThread: Sendable {
    private let thread: ServiceThread

    init(_ writer: Writer, queue: Monitor<WriteQueue>, _ configuration: SQLiteDatabase.Configuration) {
        let clock = SystemClock()
        thread = ServiceThread(name: "sqlite-writer") {
            // When the next of what can wait is due, on the monotonic clock.
            var due: UInt64 = 0
            while true {
                queue.wait { $0.jobs.isEmpty && !$0.isClosed ? nil : true }
                let now = clock.monotonicNanoseconds()
                if now + 1_000_000 <= due {
                    queue.wait(timeoutMilliseconds: Int((due - now) / 1_000_000)) { $0.isUrgent ? true : nil }
                }
                guard let group = queue.wait({ $0.take(limit: configuration.largestGroup) }), !group.isEmpty else {
                    return writer.close()
                }
                let began = clock.monotonicNanoseconds()
                writer.run(group)
                let end = clock.monotonicNanoseconds()
                due = end + min(end - began, configuration.longestGathering * 1_000_000)
            }
        }
    }

    func join() { thread.join() }
}

/// Sendable because only the writer's thread uses it.
private final class Writer: @unchecked Sendable {
    private let connection: SQLiteConnection
    private let configuration: SQLiteDatabase.Configuration
    private let keeper: WriteAheadLogKeeper
    /// What the connection is set to.
    private var current: SQLiteDatabase.Configuration.Synchronous
    /// From the first durable write on.
    private var syncer: WriteAheadLogSyncer?

    init(
        connection: SQLiteConnection,
        _ configuration: SQLiteDatabase.Configuration,
        keeper: WriteAheadLogKeeper
    ) {
        self.connection = connection
        self.keeper = keeper
        self.configuration = configuration
        current = configuration.synchronous
    }

    func run(_ group: [WriteJob]) {
        // What can be computed again first, and by itself, so that a score is readable before the samples that came with it are stored.
        for part in [group.filter { $0.need == .reproducible }, group.filter { $0.need != .reproducible }]
        where !part.isEmpty {
            do {
                if let failure = syncer?.failure { throw failure }
                // The first durable write is synced by SQLite, and the log's directory with it. Should the log not open, all are.
                let isSyncedBeside = part[0].need == .reproducible || (part[0].need == .durable && syncer != nil)
                try setSynchronous(isSyncedBeside ? .normal : configuration.synchronous)
            } catch {
                for job in part { job.finish(.failed(error)) }
                continue
            }
            let outcomes = part.count == 1 ? [runAlone(part[0])] : runTogether(part)
            settle(part, outcomes)
        }
        keeper.afterCommit(connection)
    }

    /// Tells those whose writes are as durable as they are to be, and leaves the others to the sync.
    private func settle(_ jobs: [WriteJob], _ outcomes: [WriteJob.Outcome]) {
        var unsynced: [@Sendable (SQLError?) -> Void] = []
        for (job, outcome) in zip(jobs, outcomes) {
            guard case .done = outcome else {
                job.finish(outcome)
                continue
            }
            let needsSync = job.need == .durable && syncer != nil
            if let whenDurable = job.whenDurable {
                if needsSync { unsynced.append { whenDurable($0?.engineError) } } else { whenDurable(nil) }
                job.finish(.done)
            } else if needsSync {
                unsynced.append { error in job.finish(error.map { .failed($0) } ?? .done) }
            } else {
                job.finish(.done)
            }
        }
        if !unsynced.isEmpty { syncer?.add(unsynced) }
        if syncer == nil, configuration.synchronous == .full, jobs[0].need == .durable {
            syncer = WriteAheadLogSyncer(path: configuration.path + "-wal", run: configuration.runSync)
        }
    }

    /// A commit that syncs makes those before it durable too: the log is written in order.
    private func setSynchronous(_ wanted: SQLiteDatabase.Configuration.Synchronous) throws {
        guard wanted != current else { return }
        try connection.executeScript("PRAGMA synchronous = \(wanted.rawValue)")
        current = wanted
    }

    private func runTogether(_ group: [WriteJob]) -> [WriteJob.Outcome] {
        do {
            try connection.execute("BEGIN IMMEDIATE", [])
            let outcomes = try group.map(runInSavepoint)
            try connection.execute("COMMIT", [])
            return outcomes
        } catch {
            // The transaction as a whole failed: nothing of it is stored. Each write gets a transaction of its own, so that
            // one that can't be done doesn't take the others with it.
            rollBack()
            return group.map(runAlone)
        }
    }

    /// - Throws: When the transaction can't go on.
    private func runInSavepoint(_ job: WriteJob) throws -> WriteJob.Outcome {
        try connection.execute("SAVEPOINT w", [])
        do {
            try job.body!(connection)
            try connection.execute("RELEASE w", [])
            return .done
        } catch {
            guard connection.isInTransaction else { throw error }
            try connection.execute("ROLLBACK TO w", [])
            try connection.execute("RELEASE w", [])
            return .failed(error)
        }
    }

    private func runAlone(_ job: WriteJob) -> WriteJob.Outcome {
        do {
            if job.need == .alone {
                try job.body!(connection)
            } else {
                try connection.execute("BEGIN IMMEDIATE", [])
                try job.body!(connection)
                try connection.execute("COMMIT", [])
            }
            return .done
        } catch {
            rollBack()
            return .failed(error)
        }
    }

    /// Ends the syncs, on the writer's thread.
    func close() { syncer?.close() }

    private func rollBack() {
        if connection.isInTransaction { _ = try? connection.execute("ROLLBACK", []) }
    }
}

/// An exclusive lock on a file, held until released or until the process dies.
package final class FileLock: Sendable {
    private let descriptor: Monitor<Int32>

    /// - Throws: `EngineError` with code `alreadyRunning` when another holds it.
    package init(path: String) throws {
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard opened >= 0 else {
            throw EngineError(.storageUnavailable, "can't open \(path): \(String(cString: strerror(errno)))")
        }
        let status = cs_lock_file(opened)
        guard status == 0 else {
            var holder = [UInt8](repeating: 0, count: 20)
            let count = read(opened, &holder, holder.count)
            Glibc.close(opened)
            let pid = String(decoding: holder.prefix(max(0, count)), as: UTF8.self)
                .prefix { $0.isNumber }
            let who = pid.isEmpty ? "another process" : "process \(pid)"
            throw EngineError(
                .alreadyRunning,
                "the data directory is in use by \(who) (lock \(path)): only one engine may use it"
            )
        }
        ftruncate(opened, 0)
        let text = Array("\(getpid())\n".utf8)
        _ = pwrite(opened, text, text.count, 0)
        descriptor = Monitor(opened)
    }

    package func release() {
        descriptor.withLock { descriptor in
            if descriptor >= 0 { Glibc.close(descriptor) }
            descriptor = -1
        }
    }

    deinit { release() }
}
