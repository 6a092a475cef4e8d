// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Foundation

/// A datasource of an application's own: something that is asked for samples on a schedule.
///
/// The engine keeps each answer on disk until its samples are stored, and sends them again after an outage or a crash; what was sent
/// twice is stored once. A source that throws is asked again after half a period, for everything since its last answer. When it has
/// failed for `[metric_collector] metric_error_grace_period`, its metrics go to status `error` with its message, and come back by
/// themselves with its next answer.
///
/// Hand sources to ``Engine/init(configuration:services:datasources:)``, or run them in a process of their own with
/// ``EngineConnection/collect(from:configuration:)``.
public protocol PolledDatasource: Sendable {
    /// Names the source in messages, and its buffer on disk: 1 to 100 letters, digits, `.`, `-` and `_`, no dot in front.
    var name: String { get }

    /// When it is asked, and for how much at once.
    var schedule: PollSchedule { get }

    /// The samples measured from `start` on and before `end`, of any metrics, times of one metric rising.
    ///
    /// Each call goes on where the last one that returned ended. What it leaves out isn't asked for again: where values come late, leave
    /// the newest out by throwing, or look back from `start` by as much. The task is cancelled when the engine stops or the schedule's
    /// time limit is over.
    /// - Throws: Anything; its description becomes the message of the metrics.
    func samples(from start: Date, to end: Date) async throws -> [MetricSample]
}

/// When a ``PolledDatasource`` is asked, and for how much at once. Whole seconds count.
public struct PollSchedule: Sendable, Hashable {
    /// Between two questions, at least a second; nil for `[metric_collector] poll_interval` (60 s unless configured).
    public var interval: Duration?
    /// How far back the very first question reaches: history to learn from.
    public var backfill: Duration
    /// The longest time one question spans; a longer gap is asked for in pieces, at least a second.
    public var longestWindow: Duration
    /// How long an answer may take.
    public var timeLimit: Duration

    /// Describes a schedule.
    public init(
        interval: Duration? = nil,
        backfill: Duration = .zero,
        longestWindow: Duration = .seconds(86_400),
        timeLimit: Duration = .seconds(60)
    ) {
        self.interval = interval
        self.backfill = backfill
        self.longestWindow = longestWindow
        self.timeLimit = timeLimit
    }
}

/// A public source as the collector wants it: blocking, with names checked.
struct PolledSourceAdapter: PolledSource {
    private static let pollMilliseconds = 100
    let datasource: any PolledDatasource

    var name: String { datasource.name }
    var interval: Int64? { datasource.schedule.interval?.components.seconds }
    var backfill: Int64 { datasource.schedule.backfill.components.seconds }
    var longestWindow: Int64 { datasource.schedule.longestWindow.components.seconds }

    func samples(
        from start: Int64,
        to end: Int64,
        shouldStop: @escaping @Sendable () -> Bool
    ) throws -> [IncomingSample] {
        let (first, last) = (Date(timeIntervalSince1970: Double(start)), Date(timeIntervalSince1970: Double(end)))
        let answer = Monitor<Result<[MetricSample], any Error>?>(nil)
        let task = Task { [datasource] in
            let result: Result<[MetricSample], any Error>
            do {
                result = .success(try await datasource.samples(from: first, to: last))
            } catch {
                result = .failure(error)
            }
            answer.update { $0 = result }
        }
        let clock = ContinuousClock()
        let deadline = clock.now + datasource.schedule.timeLimit
        while true {
            if let result = answer.wait(timeoutMilliseconds: Self.pollMilliseconds, { $0 }) {
                return try result.get().map(incoming)
            }
            guard shouldStop() || clock.now > deadline else { continue }
            // Whatever it still answers, nobody listens: it is asked for the same again.
            task.cancel()
            throw EngineError(.failed, "no answer within \(datasource.schedule.timeLimit.components.seconds) s")
        }
    }

    private func incoming(_ sample: MetricSample) throws -> IncomingSample {
        do {
            return try sample.incoming()
        } catch let refusal as SampleRefusal {
            throw EngineError(
                .invalidArgument,
                "a sample of \(String(sample.metric.prefix(60)).debugDescription) can't be taken: \(refusal.reason)"
            )
        }
    }
}

extension MetricSample {
    /// As the storer takes it.
    /// - Throws: `SampleRefusal`.
    func incoming() throws -> IncomingSample {
        guard value.isFinite else { throw SampleRefusal.notFinite }
        let name = try MetricName.check(metric.utf8)
        let seconds = time.timeIntervalSince1970.rounded(.down)
        guard let timestamp = Int64(exactly: seconds), Timestamps.representable.contains(timestamp) else {
            throw SampleRefusal.badTimestamp
        }
        return IncomingSample(name: name, sample: Sample(timestamp: timestamp, value: value))
    }
}

extension EngineConnection {
    /// Asks polled sources in this process and hands their samples to the engine, until the task is cancelled.
    ///
    /// The engine may be away for a while, or not yet be started: samples wait on disk, in `collector/` below the data directory.
    /// - Parameters:
    ///   - datasources: Any number, with names of their own.
    ///   - configuration: `[metric_collector]` and the data directory count.
    /// - Throws: ``HTMEngineError`` with code `invalidArgument` when a name or schedule is wrong.
    public func collect(from datasources: [any PolledDatasource], configuration: Configuration) async throws {
        let collector: Collector
        do {
            collector = try configuration.makeCollector(
                datasources,
                access: access,
                logger: configuration.makeLogger(),
                counters: EngineCounters()
            )
        } catch {
            throw HTMEngineError(error)
        }
        collector.start()
        await waitForCancellation()
        _ = try? await BlockingWork.run { collector.stop() }
    }
}

extension Configuration {
    /// What asks polled sources, as `[metric_collector]` says.
    func makeCollector(
        _ datasources: [any PolledDatasource],
        access: any EngineAccess,
        logger: any Logger,
        counters: EngineCounters
    ) throws -> Collector {
        var collecting = Collector.Configuration(directory: dataDirectory + "/collector")
        collecting.interval = Int64(settings.integer(.pollInterval))
        collecting.gracePeriod = Int64(settings.integer(.metricErrorGracePeriod))
        return try Collector(
            sources: datasources.map(PolledSourceAdapter.init),
            configuration: collecting,
            logger: logger,
            counters: counters,
            send: { try access.send($0) },
            report: { try access.setCollectorError($1, metrics: $0) }
        )
    }
}
