// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Foundation

/// A program's way to an engine that runs elsewhere: in another process, or as services on servers.
///
///     let engine = try EngineConnection(configuration: Configuration())
///     try await engine.send([MetricSample(metric: "cpu_percent", value: 7.4)])
///     for try await event in engine.events() { print(event) }
///
/// An embedded engine is reached through the unix socket in its data directory, an engine on servers through its database and its
/// broker. All verbs throw ``HTMEngineError``.
public struct EngineConnection: Sendable {
    let access: any EngineAccess

    init(access: any EngineAccess) { self.access = access }

    /// The verbs that make and remove metrics and models.
    /// - Parameter datasource: `custom`.
    /// - Throws: `unsupportedDatasource` for any other.
    public func createDatasourceAdapter(_ datasource: String) throws -> DatasourceAdapter {
        guard DatasourceAdapter.datasourceNames.contains(datasource) else {
            let known = DatasourceAdapter.datasourceNames.joined(separator: ", ")
            throw HTMEngineError(
                .unsupportedDatasource,
                "there is no datasource \"\(datasource)\"; expected one of \(known)"
            )
        }
        return DatasourceAdapter(access: access)
    }

    /// Sends samples and waits until they are safe: stored, or on servers in the durable queue of the storer.
    /// - Returns: Those that were refused, with the reason in words.
    @discardableResult
    public func send(_ samples: [MetricSample]) async throws -> [(sample: MetricSample, reason: String)] {
        var incoming: [IncomingSample] = []
        var positions: [Int] = []
        var refused: [(sample: MetricSample, reason: String)] = []
        for (index, sample) in samples.enumerated() {
            do {
                incoming.append(try sample.incoming())
                positions.append(index)
            } catch let refusal as SampleRefusal {
                refused.append((sample, refusal.reason))
            }
        }
        let (access, batch) = (access, incoming)
        guard !batch.isEmpty else { return refused }
        let refusals = try await BlockingWork.run { try access.send(batch) }
        return refused + refusals.map { (samples[positions[$0.index]], $0.reason.reason) }
    }

    /// The metric of exactly this name; nil when there is none.
    public func metric(named name: String) async throws -> MetricInfo? {
        try await BlockingWork.run { [access] in try access.metric(named: name).map(MetricInfo.init) }
    }

    /// The metric of this uid; nil when there is none.
    public func metric(uid: String) async throws -> MetricInfo? {
        try await BlockingWork.run { [access] in try access.metric(uid: uid).map(MetricInfo.init) }
    }

    /// Metrics in the order of their names, a page at a time.
    /// - Parameters:
    ///   - pattern: For the whole name: `*` stands for any run, `?` for one character; nil for all.
    ///   - after: The last name of the page before.
    ///   - limit: Most metrics in the page; 1…10,000.
    public func metrics(
        matching pattern: String? = nil,
        after: String? = nil,
        limit: Int = 1000
    ) async throws -> [MetricInfo] {
        try await BlockingWork.run { [access] in
            try access.metrics(pattern: pattern, after: after, limit: limit).map(MetricInfo.init)
        }
    }

    /// Stored samples with their scores, oldest first, a page at a time.
    /// - Parameters:
    ///   - uid: The metric.
    ///   - after: Only rows behind this one.
    ///   - limit: Most rows in the page; 1…100,000.
    public func samples(
        of uid: String,
        after rowid: Int = 0,
        limit: Int = 10_000
    ) async throws -> [ScoredSample] {
        try await BlockingWork.run { [access] in
            try access.rows(uid: uid, after: Int64(rowid), limit: limit).map(ScoredSample.init)
        }
    }

    /// Results and model events as they come.
    /// - Parameter queue: On servers, the name of a durable queue of the application's own: what came while nobody read is
    ///   delivered later. nil, and an embedded engine: from now on.
    public func events(queue: String? = nil) -> EngineEvents {
        EngineEvents { [access] in try access.subscribe(queue: queue) }
    }
}
