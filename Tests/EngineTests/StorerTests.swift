// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Storage
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
