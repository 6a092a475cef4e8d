// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// A database in memory that fails before or after a commit, and runs bodies twice as after a deadlock.
///
/// Sendable because a simulation has one thread.
final class SimulatedRepository: MetricRepository, @unchecked Sendable {
    /// All tables; a value, so that a transaction works on a copy.
    struct Tables {
        var metrics: [String: Metric] = [:]
        /// Row n at index n − 1: the simulation removes none.
        var rows: [String: [MetricRow]] = [:]
        var models: [String: ModelRecord] = [:]
        var settings: [String: String] = [:]
        /// Rules broken by what was written.
        var violations: [String] = []
    }

    private let faults: Faults
    private(set) var tables = Tables()
    /// What a power cut leaves.
    private var durableTables = Tables()
    private var commits = 0
    /// Commits whose sync is under way: what is told when it is done.
    private var unsynced: [@Sendable (EngineError?) -> Void] = []

    init(faults: Faults) { self.faults = faults }

    func read<Result>(_ body: (any MetricReading) throws -> Result) throws -> Result {
        if faults.strike() { throw EngineError(.storageUnavailable, "the simulated database doesn't answer") }
        return try body(SimulatedTransaction(tables))
    }

    func write<Result>(_ body: (any MetricTransaction) throws -> Result) throws -> Result {
        // A commit that syncs makes those before it durable too, also when its answer got lost; one that didn't come about doesn't.
        let before = commits
        defer { if commits > before { sync() } }
        return try writeReproducible(body)
    }

    func write<Result>(
        whenDurable: @escaping @Sendable (EngineError?) -> Void,
        _ body: (any MetricTransaction) throws -> Result
    ) throws -> Result {
        let result = try writeReproducible(body)
        unsynced.append(whenDurable)
        return result
    }

    /// Makes what is committed durable.
    func sync() {
        durableTables = tables
        let all = unsynced
        unsynced = []
        for tell in all { tell(nil) }
    }

    /// Everything since the last sync is gone.
    func cutPower() { tables = durableTables }

    /// The death of the process: nobody is left who could be told.
    func forgetUnsynced() { unsynced = [] }

    func writeReproducible<Result>(_ body: (any MetricTransaction) throws -> Result) throws -> Result {
        if faults.strike() { throw EngineError(.storageUnavailable, "the simulated database doesn't answer") }
        if faults.strike() { _ = try body(SimulatedTransaction(tables)) }
        let transaction = SimulatedTransaction(tables)
        let result = try body(transaction)
        tables = transaction.tables
        commits += 1
        if faults.strike() { throw EngineError(.storageUnavailable, "the connection broke during the commit") }
        return result
    }

    func migrate() throws -> [String] { [] }
    func integrityProblems() throws -> [String] { [] }
    func close() {}
}

/// The repository's operations on dictionaries.
final class SimulatedTransaction: MetricTransaction {
    var tables: SimulatedRepository.Tables

    init(_ tables: SimulatedRepository.Tables) { self.tables = tables }

    func metric(uid: String) throws -> Metric? { tables.metrics[uid] }

    func metric(named name: String) throws -> Metric? { tables.metrics.values.first { $0.name == name } }

    func metrics(_ query: MetricQuery) throws -> [Metric] {
        let found = tables.metrics.values.filter { $0.uid > query.after ?? "" }.sorted { $0.uid < $1.uid }
        return Array(found.prefix(query.limit ?? found.count))
    }

    func metricCount(_ query: MetricQuery) throws -> Int { tables.metrics.count }

    private func head(_ metric: Metric) -> MetricHead {
        MetricHead(
            uid: metric.uid,
            name: metric.name ?? "",
            status: metric.status,
            lastRowid: metric.lastRowid,
            lastTimestamp: metric.lastTimestamp,
            generation: tables.models[metric.uid]?.generation ?? 0,
            scoredRowid: tables.models[metric.uid]?.scoredRowid ?? 0
        )
    }

    func heads(uids: [String]) throws -> [MetricHead] { uids.compactMap { tables.metrics[$0].map(head) } }
    func lockedHeads(uids: [String]) throws -> [MetricHead] { try heads(uids: uids) }
    func heads(names: [String]) throws -> [MetricHead] { try names.compactMap { try metric(named: $0).map(head) } }

    func rows(_ query: RowQuery) throws -> [MetricRow] {
        var rows = tables.rows[query.uid] ?? []
        if let rowids = query.rowids { rows = rows.filter { rowids.contains($0.rowid) } }
        if let times = query.times { rows = rows.filter { times.contains($0.timestamp) } }
        if let score = query.minimumAnomalyScore { rows = rows.filter { $0.anomalyScore.map { $0 >= score } ?? false } }
        if query.newestFirst { rows.reverse() }
        return Array(rows.prefix(query.limit ?? rows.count))
    }

    func forEachRow(_ query: RowQuery, _ body: (MetricRow) throws -> Bool) throws {
        for row in try rows(query) where try !body(row) { return }
    }

    func rowCount(uid: String) throws -> Int64 { Int64(tables.rows[uid]?.count ?? 0) }
    func firstRowid(uid: String) throws -> Int64? { tables.rows[uid]?.first?.rowid }

    func valueRange(uid: String) throws -> ClosedRange<Double>? {
        guard let values = tables.rows[uid]?.map(\.value), let low = values.min(), let high = values.max() else {
            return nil
        }
        return low...high
    }

    func unscoredRowCount() throws -> Int64 { 0 }
    func modelRecord(uid: String) throws -> ModelRecord? { tables.models[uid] }

    func metricsWithWork(after uid: String, limit: Int, firstRows: Int64, now: Int64) throws -> [MetricHead] {
        let found = tables.metrics.values.filter { metric in
            guard metric.uid > uid else { return false }
            guard let model = tables.models[metric.uid] else { return metric.status != .unmonitored }
            if model.seenStatus != metric.status { return true }
            switch metric.status {
            case .unmonitored: return false
            case .createPending: return true
            case .active: return model.scoredRowid < metric.lastRowid
            case .pendingData: return metric.lastRowid >= firstRows
            case .error: return model.isRetryDue(at: now)
            }
        }
        return found.sorted { $0.uid < $1.uid }.prefix(limit).map(head)
    }

    func unpublishedModels(after uid: String, limit: Int) throws -> [UnpublishedModel] {
        let all = tables.metrics.values.compactMap { metric -> UnpublishedModel? in
            guard metric.uid > uid, metric.status == .active, let model = tables.models[metric.uid],
                model.publishedRowid < model.scoredRowid
            else { return nil }
            return UnpublishedModel(
                uid: metric.uid,
                generation: model.generation,
                publishedRowid: model.publishedRowid,
                scoredRowid: model.scoredRowid
            )
        }
        return Array(all.sorted { $0.uid < $1.uid }.prefix(limit))
    }

    func setting(_ name: String) throws -> String? { tables.settings[name] }

    func createMetric(_ metric: Metric) throws -> (uid: String, isNew: Bool) {
        if let known = try self.metric(named: metric.name ?? "") { return (known.uid, false) }
        tables.metrics[metric.uid] = metric
        return (metric.uid, true)
    }

    func insertRows(_ batches: [RowBatch]) throws {
        for batch in batches {
            guard let metric = tables.metrics[batch.uid], let last = batch.samples.last else { continue }
            if batch.firstRowid != metric.lastRowid + 1 {
                tables.violations.append("row \(batch.firstRowid) after \(metric.lastRowid)")
            }
            for (index, sample) in batch.samples.enumerated() {
                let row = MetricRow(
                    rowid: batch.firstRowid + Int64(index),
                    timestamp: sample.timestamp,
                    value: sample.value
                )
                tables.rows[batch.uid, default: []].append(row)
            }
            tables.metrics[batch.uid]?.lastRowid = batch.firstRowid + Int64(batch.samples.count) - 1
            tables.metrics[batch.uid]?.lastTimestamp = last.timestamp
        }
    }

    func insertScoredRows(uid: String, _ rows: [MetricRow]) throws {
        tables.rows[uid, default: []] += rows
    }

    func storeScores(_ batches: [ScoreBatch]) throws -> [Bool] {
        batches.map { batch in
            guard tables.metrics[batch.uid]?.status == .active, let model = tables.models[batch.uid],
                model.generation == batch.generation
            else { return false }
            for score in batch.rows { store(score, batch.uid) }
            tables.models[batch.uid]?.scoredRowid = max(model.scoredRowid, batch.rows.last?.rowid ?? 0)
            if batch.rows[0].rowid > model.scoredRowid + 1 {
                tables.violations.append("scores of row \(batch.rows[0].rowid) after row \(model.scoredRowid)")
            }
            return true
        }
    }

    private func store(_ score: ScoredRow, _ uid: String) {
        let index = Int(score.rowid) - 1
        guard var row = tables.rows[uid]?[index] else { return }
        if let known = row.rawAnomalyScore, known != score.rawAnomalyScore || row.anomalyScore != score.anomalyScore {
            tables.violations.append("the score of \(uid) row \(score.rowid) changed")
        }
        row.rawAnomalyScore = score.rawAnomalyScore
        row.anomalyScore = score.anomalyScore
        row.displayValue = score.displayValue
        row.predictions = score.predictions
        row.reason = score.reason
        tables.rows[uid]?[index] = row
    }

    func setStatus(uid: String, _ status: MetricStatus, message: String?) throws {
        tables.metrics[uid]?.status = status
        tables.metrics[uid]?.message = message
        tables.models[uid]?.seenStatus = status
    }

    func setDefinition(uid: String, parameters: String?, modelParams: String?, server: String?) throws {
        if let parameters { tables.metrics[uid]?.parameters = parameters }
        if let modelParams { tables.metrics[uid]?.modelParams = modelParams }
        if let server { tables.metrics[uid]?.server = server }
    }

    func setModelRecord(_ record: ModelRecord) throws {
        if let known = tables.models[record.uid], record.generation < known.generation {
            tables.violations.append("generation of \(record.uid) fell to \(record.generation)")
        }
        tables.models[record.uid] = record
    }

    func noteCheckpoints(_ notes: [CheckpointNote]) throws {
        for note in notes {
            guard let model = tables.models[note.uid], model.generation == note.generation,
                model.checkpointRowid < note.rowid
            else { continue }
            tables.models[note.uid]?.checkpointRowid = note.rowid
            tables.models[note.uid]?.previousCheckpointRowid = note.previousRowid
        }
    }

    func notePublished(_ notes: [PublishedNote]) throws {
        for note in notes where tables.models[note.uid]?.generation == note.generation {
            let known = tables.models[note.uid]?.publishedRowid ?? 0
            tables.models[note.uid]?.publishedRowid = max(known, note.rowid)
        }
    }

    func setCollectorError(uid: String, _ message: String?) throws {
        tables.metrics[uid]?.collectorError = message
    }

    func clearModel(uid: String) throws {
        tables.metrics[uid]?.parameters = nil
        tables.metrics[uid]?.modelParams = nil
        tables.metrics[uid]?.message = nil
        tables.metrics[uid]?.status = .unmonitored
        tables.models[uid]?.seenStatus = .unmonitored
        try clearScores(uid: uid)
    }

    func clearScores(uid: String) throws {
        tables.rows[uid] = tables.rows[uid]?.map {
            MetricRow(rowid: $0.rowid, timestamp: $0.timestamp, value: $0.value)
        }
    }

    func deleteMetric(uid: String) throws -> Bool {
        tables.rows[uid] = nil
        tables.models[uid] = nil
        return tables.metrics.removeValue(forKey: uid) != nil
    }

    func deleteRows(uid: String, upTo rowid: Int64, olderThan timestamp: Int64, limit: Int) throws -> Int { 0 }
    func setSetting(_ name: String, _ value: String) throws { tables.settings[name] = value }

    func settingOrInsert(_ name: String, _ value: String) throws -> String {
        if let known = tables.settings[name] { return known }
        tables.settings[name] = value
        return value
    }
}
