// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Storage
import TestSupport
import Testing

@Suite struct StorerTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test func refusesOldDoubleAndFutureSamplesAndKeepsTheOthers() throws {
        let engine = try EngineFixture(directory)
        let now = SystemClock().wallSeconds()
        let times = [10, 9, 10, 11, 11, 13, now + 90_000, now]
        let refusals = try engine.send("m", times.map { Sample(timestamp: Int64($0), value: 1) })
        #expect(refusals.map(\.index) == [1, 2, 4, 6])
        #expect(refusals.map(\.reason) == [.olderThanLast, .duplicate, .duplicate, .tooFarInFuture])
        #expect(try engine.rows("m").map(\.timestamp) == [10, 11, 13, now])
        #expect(try engine.rows("m").map(\.rowid) == [1, 2, 3, 4])
        #expect(try engine.send("m", [Sample(timestamp: now, value: 2)]).map(\.reason) == [.duplicate])
        #expect(engine.counters["htmengine_samples_refused_total{reason=\"duplicate_timestamp\"}"] == 3)
        #expect(engine.counters["htmengine_samples_stored_total"] == 4)
    }

    @Test func manySendersLoseNothing() throws {
        let engine = try EngineFixture(directory)
        let refused = Monitor(0)
        let threads = (0..<8).map { sender in
            ServiceThread(name: "sender") { [storer = engine.storer] in
                for round in 0..<20 {
                    let samples = (0..<10).map { metric in
                        IncomingSample(
                            name: "s\(sender).m\(metric)",
                            sample: Sample(timestamp: Int64(1000 + round), value: Double(round))
                        )
                    }
                    let refusals = (try? storer.store(samples))?.count ?? 10
                    refused.withLock { $0 += refusals }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(refused.withLock { $0 } == 0)
        let query = MetricQuery()
        let uids = try engine.repository.read { try $0.metrics(query).map(\.uid) }
        #expect(uids.count == 80)
        for uid in uids {
            let rows = try engine.repository.read { try $0.rows(RowQuery(uid: uid)) }
            #expect(rows.map(\.value) == (0..<20).map(Double.init))
        }
    }

    /// Scores and later samples don't wait for a slow disk, acknowledgements do.
    @Test func storesAndScoresOnWhileTheDiskTakesLong() throws {
        let syncs = SyncControl()
        let engine = try EngineFixture(directory, runSync: syncs.runSync)
        _ = try engine.send("m", [Sample(timestamp: 1, value: 1)])
        _ = try engine.operations.monitor(ModelSpec(metric: "m", modelParams: .init(min: 0, max: 100)))
        #expect(try engine.allScored("m", count: 1))
        syncs.state.update { $0.isHeld = true }
        let acknowledged = Monitor<[Int64]>([])
        for time in Int64(2)...6 {
            let sample = IncomingSample(name: "m", sample: Sample(timestamp: time, value: 2))
            try engine.storer.submit([sample]) { outcome in
                #expect(outcome.error == nil)
                acknowledged.update { $0.append(time) }
            }
            // Each is a transaction of its own, and scored.
            #expect(try engine.allScored("m", count: Int(time)))
        }
        #expect(acknowledged.withLock { $0 } == [])
        #expect(engine.counters["htmengine_samples_stored_total"] == 1)
        syncs.state.update { $0.isHeld = false }
        engine.storer.drain()
        #expect(acknowledged.withLock { $0 } == [2, 3, 4, 5, 6])
        #expect(engine.counters["htmengine_samples_stored_total"] == 6)
    }

    @Test func sendersAreToldOfASyncThatFailed() throws {
        let syncs = SyncControl()
        let engine = try EngineFixture(directory, storer: { $0.patience = 0 }, runSync: syncs.runSync)
        _ = try engine.send("m", [Sample(timestamp: 1, value: 1)])
        _ = try engine.send("m", [Sample(timestamp: 2, value: 1)])
        syncs.state.update { $0.fails = true }
        for time in Int64(3)...4 {
            let error = #expect(throws: EngineError.self) {
                try engine.send("m", [Sample(timestamp: time, value: 1)])
            }
            #expect(error?.code == .storageUnavailable)
            #expect(error?.message.contains("the disk is gone") == true)
        }
        #expect(engine.counters["htmengine_samples_stored_total"] == 2)
        #expect(engine.counters["htmengine_store_errors_total"] == 2)
        #expect(engine.counters["htmengine_storage_available"] == 0)
    }

    /// What isn't durable yet is bounded, and the storer stops once all are told.
    @Test func takesNoMoreThanTheDiskIsBehind() throws {
        let syncs = SyncControl()
        let engine = try EngineFixture(directory, storer: { $0.queueLimit = 3 }, runSync: syncs.runSync)
        _ = try engine.send("m", [Sample(timestamp: 1, value: 1)])
        syncs.state.update { $0.isHeld = true }
        let acknowledged = Monitor(0)
        for time in Int64(2)...7 {
            let sample = IncomingSample(name: "m", sample: Sample(timestamp: time, value: 2))
            try engine.storer.submit([sample]) { _ in acknowledged.update { $0 += 1 } }
            if time <= 4 {
                #expect(try engine.eventually { try engine.rows("m").count == Int(time) })
            }
        }
        // Three in the database without a sync, three in line.
        #expect(engine.storer.waitingSamples == 3)
        #expect(try engine.rows("m").count == 4)
        #expect(acknowledged.withLock { $0 } == 0)
        let stopping = ServiceThread(name: "stop") { [storer = engine.storer] in storer.stop() }
        syncs.state.update { $0.isHeld = false }
        stopping.join()
        #expect(acknowledged.withLock { $0 } == 6)
        #expect(try engine.rows("m").count == 7)
    }

    /// Metrics are found by who followed whom before: orders that change mustn't mix them up.
    @Test func rowsComeToTheirMetricInWhateverOrderTheyAreSent() throws {
        let engine = try EngineFixture(directory)
        let names = ["a", "b", "c", "d"]
        let orders = [[0, 1, 2, 3], [0, 1, 2, 3], [3, 1, 0, 2], [2, 2, 0, 1], [0, 1, 2, 3], [1, 3, 1, 1]]
        var expected: [String: [Double]] = [:]
        var samples: [IncomingSample] = []
        for (number, place) in orders.joined().enumerated() {
            let value = Double(number)
            samples.append(
                IncomingSample(name: names[place], sample: Sample(timestamp: Int64(number), value: value))
            )
            expected[names[place], default: []].append(value)
        }
        #expect(try engine.storer.store(samples).isEmpty)
        for name in names { #expect(try engine.rows(name).map(\.value) == expected[name]) }
    }

    @Test func newMetricsEndAtTheLimit() throws {
        let engine = try EngineFixture(directory, storer: { $0.maximumMetrics = 2 })
        let samples = ["a", "b", "c"].map { IncomingSample(name: $0, sample: Sample(timestamp: 5, value: 1)) }
        let refusals = try engine.storer.store(samples)
        #expect(refusals.map(\.index) == [2])
        #expect(refusals.map(\.reason) == [.tooManyMetrics])
        #expect(try engine.send("a", [Sample(timestamp: 6, value: 1)]).isEmpty)
    }

    @Test func metricsThatFitAPatternAreMonitored() throws {
        let engine = try EngineFixture(directory, storer: { $0.autoMonitor = ["cpu.*"] })
        try engine.send("cpu.load", makeSamples(30))
        try engine.send("memory", makeSamples(30))
        #expect(try engine.allScored("cpu.load", count: 30))
        #expect(try engine.status("memory") == .unmonitored)
        // A person's own wish replaces the rule.
        let uid = try engine.operations.monitor(ModelSpec(metric: "cpu.load", modelParams: .init(min: 0, max: 9)))
        #expect(try engine.repository.read { try $0.modelRecord(uid: uid)?.isAutomatic } == false)
        #expect(throws: EngineError.self) { try engine.operations.monitor(ModelSpec(metric: "cpu.load")) }
    }

    @Test func aDeletedMetricStartsAgainFromRowOne() throws {
        let engine = try EngineFixture(directory)
        try engine.send("m", makeSamples(5))
        try engine.operations.deleteMetric(named: "m")
        try engine.send("m", makeSamples(2))
        #expect(try engine.rows("m").map(\.rowid) == [1, 2])
    }

    @Test func afterStoppingNothingIsTaken() throws {
        let engine = try EngineFixture(directory)
        engine.storer.stop()
        let error = #expect(throws: EngineError.self) { try engine.send("m", makeSamples(1)) }
        #expect(error?.code == .stopping)
    }

    @Test(arguments: [
        ("*", "anything", true), ("cpu*", "cpu", true), ("cpu*", "xcpu", false), ("*.load", "a.b.load", true),
        ("a?c", "abc", true), ("a?c", "ac", false), ("*a*b*", "xxaxxbxx", true), ("", "x", false), ("", "", true),
    ])
    func namePatterns(pattern: String, name: String, fits: Bool) {
        #expect(NamePattern(pattern).matches(name) == fits)
    }
}
