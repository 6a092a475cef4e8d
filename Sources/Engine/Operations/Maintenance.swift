// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The slow work on the whole data directory: removing old rows by the clock, backups, checks. One at a time.
package final class Maintenance: Sendable {
    package struct Configuration: Sendable {
        /// `[retention] days`: rows older than this may go; nil keeps all. At least 1.
        package var retentionDays: Int?
        /// Between two rounds of retention. Unit: seconds.
        package var retentionInterval: Int64 = 3600
        /// Rows a metric without a given range waits for.
        package var firstRows: Int64 = 288

        package init() {}
    }

    private struct State {
        var isStopping = false
        var isBusy = false
    }

    private let repository: any MetricRepository
    private let checkpoints: any CheckpointStore
    private let clock: any EngineClock
    private let logger: any Logger
    private let retention: Retention
    private let configuration: Configuration
    private let state = Monitor(State())
    private let thread = Monitor<ServiceThread?>(nil)

    package init(
        repository: any MetricRepository,
        checkpoints: any CheckpointStore,
        clock: any EngineClock = SystemClock(),
        logger: any Logger,
        counters: EngineCounters,
        configuration: Configuration = Configuration()
    ) {
        self.repository = repository
        self.checkpoints = checkpoints
        self.clock = clock
        self.logger = logger
        self.configuration = configuration
        retention = Retention(
            repository: repository,
            logger: logger,
            counters: counters,
            firstRows: configuration.firstRows
        )
    }

    /// Starts the thread that removes old rows, when `retentionDays` is set.
    package func start() {
        guard let days = configuration.retentionDays else { return }
        thread.withLock { thread in
            precondition(thread == nil, "maintenance runs already")
            thread = ServiceThread(name: "retention") { [self] in
                while true {
                    do {
                        try removeRows(olderThanDays: days)
                    } catch {
                        logger.warning("retention", "old rows can't be removed now: \(error)")
                    }
                    let pause = Int(configuration.retentionInterval) * 1000
                    if state.wait(timeoutMilliseconds: pause, { $0.isStopping ? true : nil }) == true { return }
                }
            }
        }
    }

    /// Ends the thread, within one transaction.
    package func stop() {
        state.update { $0.isStopping = true }
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    /// Removes rows nobody needs that are older than `days` days.
    /// - Returns: How many.
    @discardableResult
    package func removeRows(olderThanDays days: Int) throws -> Int64 {
        guard days >= 1 else { throw EngineError(.invalidArgument, "\(days) days; expected 1 or more") }
        return try alone {
            try retention.removeRows(olderThan: clock.wallSeconds() - Int64(days) * 86_400) {
                state.withLock { $0.isStopping }
            }
        }
    }

    /// Checks everything.
    package func verify(progress: (_ done: Int64, _ total: Int64) -> Void = { _, _ in }) throws -> Verification.Report {
        try Verification(repository: repository, checkpoints: checkpoints).run(progress: progress)
    }

    /// Copies checkpoints and database while the engine runs, so that starting on the copy goes on from there.
    ///
    /// The checkpoints come first: then none is ahead of the copied database, whatever is scored meanwhile. No rows are removed
    /// until both are copied, so the copied models find the rows they miss.
    ///
    /// - Parameters:
    ///   - target: An empty store beside the database's copy.
    ///   - copyDatabase: Writes a consistent copy of the database.
    /// - Returns: How many checkpoints were copied, and how many were left out because they are damaged.
    @discardableResult
    package func backup(
        to target: any CheckpointStore,
        copyDatabase: () throws -> Void
    ) throws -> (copied: Int, damaged: Int) {
        try alone {
            var copied = 0
            var damaged = 0
            var models: Set<String> = []
            try checkpoints.forEach { info in
                models.insert(info.uid)
                return true
            }
            for uid in models.sorted() {
                // Oldest first, since a store takes only newer ones.
                for info in try checkpoints.candidates(uid: uid).reversed() {
                    do {
                        try target.save(try checkpoints.load(info))
                        copied += 1
                    } catch let error as EngineError where error.code == .checkpointDamaged {
                        damaged += 1
                        logger.warning("backup", "checkpoint \(uid) row \(info.rowid) is left out: \(error)")
                    }
                }
            }
            try copyDatabase()
            return (copied, damaged)
        }
    }

    private func alone<Result>(_ body: () throws -> Result) throws -> Result {
        state.wait { state -> Bool? in
            guard !state.isBusy else { return nil }
            state.isBusy = true
            return true
        }
        defer { state.update { $0.isBusy = false } }
        return try body()
    }
}
