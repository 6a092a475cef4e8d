// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import EngineSimulation
import Foundation
import TestSupport
import Testing

/// A sample a second, unless it is told to fail; remembers what it was asked.
private final class CountingSource: PolledSource {
    let name = "counting"
    let interval: Int64? = 60
    let backfill: Int64
    let longestWindow: Int64
    let asked = Monitor<[Range<Int64>]>([])
    let failure = Monitor<String?>(nil)

    init(backfill: Int64 = 0, longestWindow: Int64 = 100_000) {
        self.backfill = backfill
        self.longestWindow = longestWindow
    }

    func samples(from start: Int64, to end: Int64, shouldStop: @escaping @Sendable () -> Bool) throws
        -> [IncomingSample]
    {
        asked.withLock { $0.append(start..<end) }
        if let failure = failure.withLock({ $0 }) { throw EngineError(.failed, failure) }
        return (start..<end).map { IncomingSample(name: "m", sample: Sample(timestamp: $0, value: Double($0) / 8)) }
    }
}

/// Takes samples as a storer does, or is away.
private final class Engineer: Sendable {
    let isAway = Monitor(false)
    let stored = Monitor<[Int64]>([])
    let refusals = Monitor(0)
    let reports = Monitor<[String?]>([])

    var outlet: SourcePoller.Outlet {
        SourcePoller.Outlet(
            send: { [self] samples in
                if isAway.withLock({ $0 }) { throw EngineError(.storageUnavailable, "the engine is away") }
                var refused: [(index: Int, reason: SampleRefusal)] = []
                stored.withLock { stored in
                    for (index, item) in samples.enumerated() {
                        #expect(item.sample.value == Double(item.sample.timestamp) / 8)
                        if let last = stored.last, item.sample.timestamp <= last {
                            refused.append((index, .olderThanLast))
                        } else {
                            stored.append(item.sample.timestamp)
                        }
                    }
                }
                refusals.withLock { $0 += refused.count }
                return refused
            },
            report: { [self] _, message in reports.withLock { $0.append(message) } }
        )
    }
}

@Suite struct SourcePollerTests {
    private let directory: TemporaryDirectory
    private let engineer = Engineer()

    init() throws { directory = try TemporaryDirectory() }

    private func makePoller(_ source: CountingSource, now: Int64, gracePeriod: Int64 = 200) throws -> SourcePoller {
        SourcePoller(
            source,
            buffer: try SampleBuffer(directory: directory.path("counting")),
            interval: 1,
            gracePeriod: gracePeriod,
            outlet: engineer.outlet,
            logger: SilentLogger(),
            counters: EngineCounters(),
            now: now
        ) { false }
    }

    private var stored: [Int64] { engineer.stored.withLock { $0 } }

    @Test func asksForItsBackfillInPiecesAndThenOnTheBeat() throws {
        let source = CountingSource(backfill: 1000, longestWindow: 400)
        let poller = try makePoller(source, now: 10_000)
        #expect(poller.step(now: 10_000) == 10_060)
        #expect(source.asked.withLock { $0 } == [9000..<9400, 9400..<9800, 9800..<10_000])
        // Early: nothing. Late by 7 s: the next beat is not moved.
        #expect(poller.step(now: 10_030) == 10_060)
        #expect(poller.step(now: 10_067) == 10_120)
        #expect(source.asked.withLock { $0 }.last == 10_000..<10_067)
        #expect(stored == Array(9000..<10_067))
        #expect(poller.buffer.pending.isEmpty)
    }

    @Test func withoutBackfillItBeginsWithTheFirstStartEvenOfASourceThatIsAway() throws {
        let source = CountingSource()
        source.failure.withLock { $0 = "away" }
        _ = try makePoller(source, now: 1000).step(now: 1000)
        // Nothing lies between the start and the start.
        #expect(source.asked.withLock { $0 }.isEmpty)
        // Another process, before the source has ever answered.
        let poller = try makePoller(source, now: 1030)
        #expect(poller.step(now: 1030) == 1060)
        source.failure.withLock { $0 = nil }
        _ = poller.step(now: 1060)
        #expect(stored == Array(1000..<1060))
    }

    @Test func aFailingSourceIsAskedAfterHalfAPeriodMarkedAndRecovers() throws {
        let source = CountingSource(backfill: 10)
        let poller = try makePoller(source, now: 1000)
        _ = poller.step(now: 1000)
        // What an earlier process may have marked is unmarked with the first answer.
        #expect(engineer.reports.withLock { $0 } == [])
        source.failure.withLock { $0 = "out of order" }
        #expect(poller.step(now: 1060) == 1090)
        #expect(poller.step(now: 1090) == 1120)
        var now: Int64 = 1120
        while now <= 1240 { now = poller.step(now: now) }
        #expect(engineer.reports.withLock { $0 } == [])
        now = poller.step(now: 1270)
        let report = try #require(engineer.reports.withLock { $0 }.last ?? nil)
        #expect(report.contains("counting") && report.contains("out of order"))
        #expect(report.contains("1970-01-01 00:17:40"))
        _ = poller.step(now: now)
        #expect(engineer.reports.withLock { $0.count } == 1)
        source.failure.withLock { $0 = nil }
        _ = poller.step(now: 1400)
        #expect(engineer.reports.withLock { $0 } == [report, nil])
        #expect(source.asked.withLock { $0 }.last == 1000..<1400)
        #expect(stored == Array(990..<1400))
    }

    @Test func whatTheEngineHasNotTakenOutlivesTheProcess() throws {
        let source = CountingSource(backfill: 100)
        engineer.isAway.withLock { $0 = true }
        do {
            let poller = try makePoller(source, now: 1000)
            // Delivery is tried again soon, the source is asked on its own beat.
            #expect(poller.step(now: 1000) == 1001)
            var now: Int64 = 1001
            while now <= 1200 { now = poller.step(now: now) }
            #expect(poller.buffer.pending.count == 4)
        }
        #expect(stored.isEmpty)
        engineer.isAway.withLock { $0 = false }
        // Another process, much later: first what waited, then what came meanwhile, all of it once.
        let poller = try makePoller(source, now: 2000)
        _ = poller.step(now: 2000)
        #expect(stored == Array(900..<2000))
        #expect(engineer.refusals.withLock { $0 } == 0)
        #expect(poller.buffer.pending.isEmpty && poller.buffer.position == 2000)
        #expect(try makePoller(source, now: 2001).buffer.position == 2000)
    }

    @Test func aCrashBeforeTheAcknowledgementSendsTwiceAndStoresOnce() throws {
        let source = CountingSource(backfill: 100)
        engineer.isAway.withLock { $0 = true }
        _ = try makePoller(source, now: 1000).step(now: 1000)
        engineer.isAway.withLock { $0 = false }
        // The engine took them, and the process died before it could note that: the buffer's files are as before.
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path("counting"))
        let copy = directory.path("copy")
        try FileManager.default.copyItem(atPath: directory.path("counting"), toPath: copy)
        #expect(files.contains { $0.hasPrefix("0") })
        _ = try makePoller(source, now: 1001).step(now: 1001)
        try FileManager.default.removeItem(atPath: directory.path("counting"))
        try FileManager.default.moveItem(atPath: copy, toPath: directory.path("counting"))
        _ = try makePoller(source, now: 1002).step(now: 1002)
        #expect(stored == Array(900..<1002))
        #expect(engineer.refusals.withLock { $0 } > 0)
    }

    @Test func aDamagedBufferIsAskedForAgain() throws {
        let source = CountingSource(backfill: 100)
        engineer.isAway.withLock { $0 = true }
        _ = try makePoller(source, now: 1000).step(now: 1000)
        engineer.isAway.withLock { $0 = false }
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: directory.path("counting")).first { $0.hasPrefix("0") }
        )
        try Data("[[".utf8).write(to: URL(fileURLWithPath: directory.path("counting/\(name)")))
        _ = try makePoller(source, now: 1010).step(now: 1010)
        #expect(stored == Array(900..<1010))
    }

    @Test func wrongDescriptionsAreRefused() throws {
        struct Named: PolledSource {
            let name: String
            let interval: Int64?
            let backfill: Int64 = 0
            let longestWindow: Int64 = 1
            func samples(from: Int64, to: Int64, shouldStop: @escaping @Sendable () -> Bool) throws -> [IncomingSample]
            {
                []
            }
        }
        func make(_ sources: [Named]) throws {
            _ = try Collector(
                sources: sources,
                configuration: Collector.Configuration(directory: directory.path),
                logger: SilentLogger(),
                counters: EngineCounters(),
                send: { _ in [] },
                report: { _, _ in }
            )
        }
        for name in ["", "../x", ".x", "a b", "ü", String(repeating: "x", count: 101)] {
            let error = #expect(throws: EngineError.self) { try make([Named(name: name, interval: nil)]) }
            #expect(error?.code == .invalidArgument)
        }
        #expect(throws: EngineError.self) { try make([Named(name: "a", interval: 0)]) }
        #expect(throws: EngineError.self) {
            try make([Named(name: "a", interval: nil), Named(name: "a", interval: nil)])
        }
        try make([Named(name: "a", interval: nil), Named(name: "b", interval: 1)])
    }
}

/// What the marks of a failing source and the rules of promotion do to metrics.
@Suite struct CollectedMetricTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test func aMarkedMetricScoresEverythingOnceItsSourceAnswersAgain() throws {
        let engine = try EngineFixture(directory)
        let uid = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: .init(min: 0, max: 9)))
        try engine.send("plain", makeSamples(2))
        try engine.send("m", makeSamples(40))
        #expect(try engine.allScored("m", count: 40))
        try engine.operations.setCollectorError("no answer", metrics: ["m", "plain", "gone"])
        var metric = try engine.operations.metric(uid)
        #expect(metric.status == .error)
        #expect(metric.message == "no answer" && metric.collectorError == "no answer")
        let plain = try engine.operations.metric("plain")
        #expect(plain.status == .unmonitored && plain.collectorError == "no answer")
        // Samples from elsewhere are kept all the same.
        try engine.send("m", makeSamples(10, from: 40))
        try engine.operations.setCollectorError(nil, metrics: ["m", "plain", "gone"])
        #expect(try engine.allScored("m", count: 50))
        metric = try engine.operations.metric(uid)
        #expect(metric.status == .active && metric.message == nil && metric.collectorError == nil)
        let expected = FakeModel.scores(of: makeSamples(50))
        #expect(try engine.rows("m").map(\.rawAnomalyScore) == expected.map(\.rawAnomalyScore))
        #expect(try engine.operations.metric("plain").collectorError == nil)
    }

    @Test func aModelsOwnErrorStaysWhenASourceAnswers() throws {
        let engine = try EngineFixture(directory)
        engine.factory.failing.withLock { $0 = true }
        try engine.operations.monitor(ModelSpec(metric: "m", modelParams: .init(min: 0, max: 9)))
        #expect(try engine.eventually { try engine.status("m") == .error })
        try engine.operations.setCollectorError(nil, metrics: ["m"])
        let metric = try engine.operations.metric("m")
        #expect(metric.status == .error && metric.message?.contains("out of order") == true)
    }

    @Test func metricsWithRowsEnoughAreMonitoredByThemselves() throws {
        let engine = try EngineFixture(directory, storer: { $0.promoteAfter = 25 })
        try engine.send("m", makeSamples(24))
        #expect(try engine.status("m") == .unmonitored)
        try engine.send("m", makeSamples(1, from: 24))
        #expect(try engine.allScored("m", count: 25))
        #expect(try engine.status("m") == .active)
        // Somebody doesn't want it: it isn't forced on them.
        let uid = try engine.operations.metric("m").uid
        try engine.operations.unmonitor(uid: uid)
        try engine.send("m", makeSamples(30, from: 25))
        #expect(try engine.status("m") == .unmonitored)
        // At once with many rows, and fewer than a range is estimated from.
        try engine.send("n", makeSamples(100))
        #expect(try engine.allScored("n", count: 100))
    }

    @Test func promotionBeforeTheFirstRowsWaitsForThem() throws {
        let engine = try EngineFixture(directory, storer: { $0.promoteAfter = 5 })
        try engine.send("m", makeSamples(5))
        #expect(try engine.status("m") == .pendingData)
        try engine.send("m", makeSamples(15, from: 5))
        #expect(try engine.allScored("m", count: 20))
    }
}
