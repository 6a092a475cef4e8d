// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// What became of a group of submissions.
struct StoreResult {
    /// Per submission.
    var refusals: [[(index: Int, reason: SampleRefusal)]]
    /// Per submission.
    var errors: [EngineError?]
    var hints: [ModelHint] = []
    var storedSamples = 0
    var createdMetrics = 0

    init(submissionCount: Int) {
        refusals = Array(repeating: [], count: submissionCount)
        errors = Array(repeating: nil, count: submissionCount)
    }

    init(failing submissions: [[IncomingSample]], with error: EngineError) {
        self.init(submissionCount: submissions.count)
        errors = Array(repeating: error, count: submissions.count)
    }
}

/// Writes groups of submissions in one transaction.
///
/// Sendable because one thread at a time uses it: the storer's, or the simulation's.
final class StoreWriter: @unchecked Sendable {
    /// The samples of one metric in the order they came.
    private struct Group {
        let name: String
        var samples: [(submission: Int, index: Int, sample: Sample)] = []
    }

    /// What one transaction did; the body may run twice, so it gathers here and nothing else changes.
    private struct Transaction {
        var result: StoreResult
        var uids: [String: String] = [:]
        var metricCount: Int
    }

    private let repository: any MetricRepository
    private let configuration: Storer.Configuration
    /// Uids of names, only a short cut: what it says is checked in the transaction.
    private var knownUIDs: [String: String] = [:]
    /// Metrics in the database as far as known; nil before the first look.
    private var metricCount: Int?

    init(repository: any MetricRepository, configuration: Storer.Configuration) {
        self.repository = repository
        self.configuration = configuration
    }

    /// - Parameters:
    ///   - waitsForSync: Returns when all is durable, else when it is committed.
    ///   - whenDurable: As `MetricRepository.write(whenDurable:_:)` has it.
    /// - Throws: What the repository throws when the whole can't be stored.
    func store(
        _ submissions: [[IncomingSample]],
        now: Int64,
        waitsForSync: Bool,
        whenDurable: @escaping @Sendable (EngineError?) -> Void
    ) throws -> StoreResult {
        let groups = grouped(submissions)
        do {
            return try storeTogether(groups, submissionCount: submissions.count, now: now) { body in
                guard waitsForSync else { return try repository.write(whenDurable: whenDurable, body) }
                let done = try repository.write(body)
                whenDurable(nil)
                return done
            }
        } catch let error as EngineError where error.code == .failed && groups.count > 1 {
            // One metric's rows are refused by the database for a reason of their own: the others mustn't suffer.
            let result = try storeOneByOne(groups, submissionCount: submissions.count, now: now)
            whenDurable(nil)
            return result
        }
    }

    private func storeOneByOne(_ groups: [Group], submissionCount: Int, now: Int64) throws -> StoreResult {
        var total = StoreResult(submissionCount: submissionCount)
        for group in groups {
            do {
                let part = try storeTogether([group], submissionCount: submissionCount, now: now) { body in
                    try repository.write(body)
                }
                for index in 0..<submissionCount { total.refusals[index] += part.refusals[index] }
                total.hints += part.hints
                total.storedSamples += part.storedSamples
                total.createdMetrics += part.createdMetrics
            } catch let error as EngineError where error.code == .failed {
                for item in group.samples { total.errors[item.submission] = error }
            }
        }
        for index in 0..<submissionCount { total.refusals[index].sort { $0.index < $1.index } }
        return total
    }

    private func grouped(_ submissions: [[IncomingSample]]) -> [Group] {
        var positions: [String: Int] = [:]
        var names: [String] = []
        /// How many samples of each metric there are.
        var counts: [Int] = []
        /// The metric whose sample followed each metric's last: senders name their metrics in the same order again and again, and
        /// most of them are found without a hash.
        var followers: [Int] = []
        /// Of each sample.
        var places: [Int] = []
        places.reserveCapacity(submissions.reduce(0) { $0 + $1.count })
        var last = -1
        for samples in submissions {
            for incoming in samples {
                var place = last < 0 ? -1 : followers[last]
                if place < 0 || names[place] != incoming.name {
                    if let known = positions[incoming.name] {
                        place = known
                    } else {
                        place = names.count
                        positions[incoming.name] = place
                        names.append(incoming.name)
                        counts.append(0)
                        followers.append(place)
                    }
                    if last >= 0 { followers[last] = place }
                }
                counts[place] += 1
                places.append(place)
                last = place
            }
        }
        var groups = zip(names, counts).map { name, count in
            var group = Group(name: name)
            group.samples.reserveCapacity(count)
            return group
        }
        var number = 0
        for (submission, samples) in submissions.enumerated() {
            for (index, incoming) in samples.enumerated() {
                // SQLite keeps no negative zero, and a model must see the same live as after a restart.
                let value = incoming.sample.value == 0 ? 0 : incoming.sample.value
                groups[places[number]].samples.append(
                    (submission, index, Sample(timestamp: incoming.sample.timestamp, value: value))
                )
                number += 1
            }
        }
        return groups
    }

    private func storeTogether(
        _ groups: [Group],
        submissionCount: Int,
        now: Int64,
        write: ((any MetricTransaction) throws -> Transaction) throws -> Transaction
    ) throws -> StoreResult {
        let counted = try metricCount ?? repository.read { try $0.metricCount(MetricQuery()) }
        let done = try write { transaction in
            var done = Transaction(result: StoreResult(submissionCount: submissionCount), metricCount: counted)
            let heads = try self.heads(of: groups, transaction)
            var batches: [RowBatch] = []
            for group in groups {
                let head = try heads[group.name] ?? create(group, now: now, transaction, &done)
                guard let head else {
                    for item in group.samples {
                        done.result.refusals[item.submission].append((item.index, .tooManyMetrics))
                    }
                    continue
                }
                if !head.uid.isEmpty, knownUIDs[group.name] != head.uid { done.uids[group.name] = head.uid }
                let kept = scrub(group, after: head.lastTimestamp, now: now, &done.result)
                guard !kept.isEmpty else { continue }
                batches.append(RowBatch(uid: head.uid, firstRowid: head.lastRowid + 1, samples: kept))
                if let promoted = try promote(head, kept.count, transaction) {
                    done.result.hints.append(promoted)
                } else if let hint = hint(for: head, kept) {
                    done.result.hints.append(hint)
                }
                done.result.storedSamples += kept.count
            }
            try transaction.insertRows(batches)
            return done
        }
        metricCount = done.metricCount
        if knownUIDs.count + done.uids.count > configuration.knownNamesLimit { knownUIDs.removeAll() }
        knownUIDs.merge(done.uids) { _, new in new }
        return done.result
    }

    /// The heads of the groups' metrics as far as they exist, by name.
    private func heads(of groups: [Group], _ transaction: any MetricTransaction) throws -> [String: MetricHead] {
        var byName: [String: MetricHead] = [:]
        var wanted = groups.compactMap { knownUIDs[$0.name] }
        for head in try transaction.lockedHeads(uids: wanted) { byName[head.name] = head }
        let missing = groups.map(\.name).filter { byName[$0] == nil }
        guard !missing.isEmpty else { return byName }
        wanted = try transaction.heads(names: missing).map(\.uid)
        for head in try transaction.lockedHeads(uids: wanted) { byName[head.name] = head }
        return byName
    }

    /// Creates the metric of a group on first sight.
    ///
    /// - Returns: Its head; nil when there are too many metrics.
    private func create(
        _ group: Group,
        now: Int64,
        _ transaction: any MetricTransaction,
        _ done: inout Transaction
    ) throws -> MetricHead? {
        // A metric is only made for a sample that can be kept.
        guard group.samples.contains(where: { refusal($0.sample, now: now) == nil }) else {
            return MetricHead(
                uid: "",
                name: group.name,
                status: .unmonitored,
                lastRowid: 0,
                lastTimestamp: nil,
                generation: 0,
                scoredRowid: 0
            )
        }
        guard done.metricCount < configuration.maximumMetrics else { return nil }
        let metric = Metric.custom(name: group.name)
        let created = try transaction.createMetric(metric)
        guard created.isNew else { return try transaction.lockedHeads(uids: [created.uid]).first }
        done.metricCount += 1
        done.result.createdMetrics += 1
        var head = MetricHead(
            uid: created.uid,
            name: group.name,
            status: .unmonitored,
            lastRowid: 0,
            lastTimestamp: nil,
            generation: 0,
            scoredRowid: 0
        )
        if configuration.autoMonitor.contains(where: { NamePattern($0).matches(group.name) }) {
            head.status = try Monitoring.begin(
                ModelSpec(metric: group.name).settingDefault(mode: configuration.defaultMode),
                metric: metric,
                automatic: true,
                firstRows: configuration.firstRows,
                transaction
            )
            head.generation = 1
        }
        return head
    }

    /// Begins to monitor a metric that now has rows enough, unless somebody has had or refused a model of it before.
    ///
    /// - Returns: What tells the runner; nil when nothing was begun.
    private func promote(
        _ head: MetricHead,
        _ count: Int,
        _ transaction: any MetricTransaction
    ) throws -> ModelHint? {
        guard let limit = configuration.promoteAfter, head.status == .unmonitored, head.generation == 0,
            head.lastRowid + Int64(count) >= limit, let metric = try transaction.metric(uid: head.uid),
            metric.datasource == "custom"
        else { return nil }
        try Monitoring.begin(
            ModelSpec(metric: head.name),
            metric: metric,
            automatic: true,
            firstRows: configuration.firstRows,
            transaction
        )
        return ModelHint(uid: head.uid, generation: 1)
    }

    /// Keeps the samples whose times rise, and notes why the others go.
    private func scrub(
        _ group: Group,
        after last: Int64?,
        now: Int64,
        _ result: inout StoreResult
    ) -> [Sample] {
        var last = last
        var kept: [Sample] = []
        kept.reserveCapacity(group.samples.count)
        for item in group.samples {
            let time = item.sample.timestamp
            var refusal = refusal(item.sample, now: now)
            if refusal == nil, let last, time <= last { refusal = time == last ? .duplicate : .olderThanLast }
            if let refusal {
                result.refusals[item.submission].append((item.index, refusal))
            } else {
                kept.append(item.sample)
                last = time
            }
        }
        return kept
    }

    /// Why a sample can't be kept whatever came before it; nil when it can.
    private func refusal(_ sample: Sample, now: Int64) -> SampleRefusal? {
        if !sample.value.isFinite { return .notFinite }
        if !Timestamps.representable.contains(sample.timestamp) { return .badTimestamp }
        return sample.timestamp > now + configuration.longestLead ? .tooFarInFuture : nil
    }

    private func hint(for head: MetricHead, _ samples: [Sample]) -> ModelHint? {
        let end = head.lastRowid + Int64(samples.count)
        switch head.status {
        case .unmonitored, .error: return nil
        case .pendingData:
            return end >= configuration.firstRows ? ModelHint(uid: head.uid, generation: head.generation) : nil
        case .createPending, .active:
            return ModelHint(
                uid: head.uid,
                generation: head.generation,
                firstRowid: head.lastRowid + 1,
                samples: samples
            )
        }
    }
}

/// A pattern for metric names: `*` stands for any run of characters, `?` for one.
package struct NamePattern: Sendable, Hashable {
    private let pattern: [Character]

    package init(_ text: String) { pattern = Array(text) }

    /// Whether the whole name fits. Time: O(pattern · name).
    package func matches(_ name: String) -> Bool {
        let name = Array(name)
        var position = 0
        var patternPosition = 0
        // Where to go on when what follows the last star doesn't fit: the star takes one character more.
        var star: (pattern: Int, name: Int)?
        while position < name.count {
            if patternPosition < pattern.count, pattern[patternPosition] == "*" {
                star = (patternPosition, position)
                patternPosition += 1
            } else if patternPosition < pattern.count,
                pattern[patternPosition] == "?" || pattern[patternPosition] == name[position]
            {
                patternPosition += 1
                position += 1
            } else if let last = star {
                star = (last.pattern, last.name + 1)
                patternPosition = last.pattern + 1
                position = last.name + 1
            } else {
                return false
            }
        }
        return pattern[patternPosition...].allSatisfy { $0 == "*" }
    }
}
