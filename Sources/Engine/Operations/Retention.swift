// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Removes old rows nobody needs any more.
///
/// A row may go when it is older than the limit and the model can do without it: rows up to the older of its two checkpoints. A
/// metric that waits for data keeps the rows its range will be estimated from.
package struct Retention: Sendable {
    private let repository: any MetricRepository
    private let logger: any Logger
    private let counters: EngineCounters
    private let firstRows: Int64
    /// Rows in one transaction, so that writers never wait for long.
    private let batchSize = 5000

    package init(
        repository: any MetricRepository,
        logger: any Logger,
        counters: EngineCounters,
        firstRows: Int64 = 288
    ) {
        self.repository = repository
        self.logger = logger
        self.counters = counters
        self.firstRows = firstRows
    }

    /// Removes rows older than a time.
    ///
    /// - Parameters:
    ///   - timestamp: Unix seconds; rows before it may go.
    ///   - shouldStop: Asked between transactions.
    /// - Returns: How many rows were removed.
    @discardableResult
    package func removeRows(olderThan timestamp: Int64, shouldStop: () -> Bool = { false }) throws -> Int64 {
        var removed: Int64 = 0
        var offset = ""
        while !shouldStop() {
            let page = try uids(after: offset)
            guard let last = page.last else { break }
            for uid in page {
                while !shouldStop() {
                    let count = try removeBatch(uid: uid, olderThan: timestamp)
                    removed += Int64(count)
                    if count < batchSize { break }
                }
            }
            offset = last
        }
        counters.add("htmengine_rows_removed_total", removed)
        if removed > 0 { logger.info("retention", "\(removed) rows before \(Timestamps.sqlText(timestamp)) removed") }
        return removed
    }

    private func uids(after uid: String) throws -> [String] {
        try repository.read { reading in
            var query = MetricQuery()
            query.order = .uid
            query.after = uid
            query.limit = 1000
            return try reading.metrics(query).map(\.uid)
        }
    }

    private func removeBatch(uid: String, olderThan timestamp: Int64) throws -> Int {
        try repository.write { transaction in
            guard let head = try transaction.lockedHeads(uids: [uid]).first else { return 0 }
            let dispensable: Int64
            switch head.status {
            case .unmonitored: dispensable = head.lastRowid
            case .pendingData: dispensable = head.lastRowid - firstRows
            case .active, .createPending, .error:
                guard let record = try transaction.modelRecord(uid: uid) else { return 0 }
                dispensable = min(record.previousCheckpointRowid, record.scoredRowid)
            }
            guard dispensable > 0 else { return 0 }
            return try transaction.deleteRows(
                uid: uid,
                upTo: dispensable,
                olderThan: timestamp,
                limit: batchSize
            )
        }
    }
}
