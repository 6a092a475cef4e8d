// SPDX-License-Identifier: Apache-2.0

import Alerts
import Bus
import Engine
import EngineCore
import Foundation
import Security
import Storage
import Synchronization
import TestSupport
import Testing

/// The whole way: published results, the database, and real receivers, some of them down at first.
@Suite(.serialized) struct AlertServiceTests {
    /// Takes everything, or nothing.
    private final class CountingSink: AlertSink {
        let name: String
        private let state = Mutex<(taken: [String], isDown: Bool)>(([], false))

        init(_ name: String = "webhook") { self.name = name }

        func deliver(_ delivery: AlertDelivery) throws {
            try state.withLock { state in
                if state.isDown { throw EngineError(.busUnavailable, "down") }
                state.taken.append(
                    "\(delivery.event.metric) \(delivery.event.kind.rawValue) \(delivery.phase.rawValue)"
                )
            }
        }

        var taken: [String] { state.withLock(\.taken) }
        func set(isDown: Bool) { state.withLock { $0.isDown = isDown } }
    }

    /// The machine's clocks, put forward by hand.
    private final class ShiftedClock: EngineClock {
        private let shift = Atomic<Int64>(0)
        private let system = SystemClock()

        func wallSeconds() -> Int64 { system.wallSeconds() + shift.load(ordering: .relaxed) }
        func monotonicNanoseconds() -> UInt64 { system.monotonicNanoseconds() }
        func advance(_ seconds: Int64) { shift.add(seconds, ordering: .relaxed) }
    }

    /// Tests that put the clock forward aren't about silence.
    private static let noSilence: AlertRule = {
        var rule = AlertRule()
        rule.silenceFactor = 0
        return rule
    }()

    private final class Stage {
        let directory: TemporaryDirectory
        let repository: SQLMetricRepository
        let store: SQLAlertStore
        let bus = InProcessBus(partitionCount: 1)
        let clock = ShiftedClock()
        private var uids: [String: String] = [:]
        private var last: [String: Int64] = [:]
        private var published: [String: Int64] = [:]
        private let server: TestSQLDatabase?

        /// - Parameter server: Where to keep everything; nil for an SQLite file.
        init(_ server: RealServers.SQL? = nil) throws {
            directory = try TemporaryDirectory()
            self.server = try server.map { try TestSQLDatabase($0) }
            let database: any SQLDatabase =
                if let there = self.server {
                    MySQLDatabase(MySQLConfiguration(there.server, database: there.name))
                } else {
                    try SQLiteDatabase(.init(path: directory.path("t.sqlite")))
                }
            repository = SQLMetricRepository(database: database)
            try repository.migrate()
            store = SQLAlertStore(database: database)
        }

        deinit {
            bus.close()
            repository.close()
        }

        func service(_ sinks: [any AlertSink], rules: AlertRules = AlertRules([], standard: noSilence)) -> AlertService
        {
            var configuration = AlertService.Configuration()
            configuration.pollMilliseconds = 20
            configuration.firstPause = 1
            configuration.longestPause = 2
            configuration.attempts = 1000
            configuration.rules = rules
            return AlertService(
                configuration: configuration,
                sinks: sinks,
                store: store,
                repository: repository,
                bus: bus,
                clock: clock,
                logger: SilentLogger()
            )
        }

        /// Stores and publishes rows of one metric, a minute apart, the newest being of now.
        func score(_ name: String, _ scores: [Double], publishes: Bool = true) throws {
            let now = clock.wallSeconds()
            let uid = try uids[name] ?? repository.write { try $0.createMetric(.custom(name: name)).uid }
            uids[name] = uid
            let first = (last[name] ?? 0) + 1
            let rows = scores.enumerated().map { index, score in
                MetricRow(
                    rowid: first + Int64(index),
                    timestamp: now - Int64(scores.count - 1 - index) * 60,
                    value: Double(index),
                    rawAnomalyScore: score,
                    anomalyScore: score,
                    displayValue: 0,
                    predictions: "null"
                )
            }
            last[name] = first + Int64(scores.count) - 1
            try repository.write { transaction in
                try transaction.insertScoredRows(uid: uid, rows)
                try transaction.setStatus(uid: uid, .active, message: nil)
            }
            guard publishes else { return }
            let metric = MetricDescription(
                uid: uid,
                name: name,
                description: nil,
                resource: String(name.prefix { $0 != "." }),
                location: "",
                datasource: "custom",
                specJSON: "{}"
            )
            try bus.publish([.inferenceResults(InferenceResults(metric: metric, generation: 1, rows: rows))])
        }

        func unmonitor(_ name: String) throws {
            let uid = uids[name] ?? ""
            try bus.publish([.commandResult(ModelCommandResult(method: .deleteModel, modelId: uid, status: 0))])
        }
    }

    /// SQLite always, MariaDB where there is one.
    private static let databases: [RealServers.SQL?] = [nil] + (RealServers.sql.map { [$0] } ?? [])

    private let quiet = Array(repeating: 0.5, count: 13)

    @Test(arguments: databases) func startAndEndAreToldOnceEach(_ server: RealServers.SQL?) throws {
        let stage = try Stage(server)
        let sink = CountingSink()
        let service = stage.service([sink])
        try service.start()
        try stage.score("web.a", quiet + [1.0, 0.999])
        try eventually("the start is told") { sink.taken.count == 1 ? true : nil }
        stage.clock.advance(900)
        try stage.score("web.a", quiet)
        try eventually("the end is told") { sink.taken.count == 2 ? true : nil }
        service.stop()
        #expect(sink.taken == ["web.a anomaly start", "web.a anomaly end"])
        let event = try #require(try stage.store.alertEvents(limit: 10).first)
        #expect(event.telling == .told && event.endedAt != nil && event.peakScore == 1)
    }

    @Test(arguments: databases) func aServerIsHeardOnceAnHour(_ server: RealServers.SQL?) throws {
        let stage = try Stage(server)
        let sink = CountingSink()
        let service = stage.service([sink])
        try service.start()
        for name in ["web.a", "web.b", "web.c", "db.a"] { try stage.score(name, quiet + [1.0]) }
        try eventually("four events") { try stage.store.alertEvents(limit: 10).count == 4 ? true : nil }
        stage.clock.advance(3700)
        try stage.score("web.d", quiet + [1.0])
        try eventually("the next hour's") { sink.taken.count == 3 ? true : nil }
        service.stop()
        #expect(Set(sink.taken) == ["web.a anomaly start", "db.a anomaly start", "web.d anomaly start"])
        #expect(try stage.store.alertEvents(limit: 10).count { $0.telling == .resting } == 2)
    }

    @Test(arguments: databases) func mutedOldAndSwitchedOffOnesAreKeptAndNotTold(_ server: RealServers.SQL?) throws {
        let stage = try Stage(server)
        let sink = CountingSink()
        let off = try AlertRule(parsing: "off.*:alert=off", standard: AlertRule())
        let service = stage.service([sink], rules: AlertRules([off], standard: Self.noSilence))
        try service.start()
        try stage.store.setAlertMute(AlertMute(pattern: "mu*", until: stage.clock.wallSeconds() + 86_400), now: 0)
        try stage.score("mute.a", quiet + [1.0])
        try stage.score("off.a", quiet + [1.0])
        try stage.score("old.a", [1.0] + Array(repeating: 0.999, count: 2000))
        try stage.score("web.a", quiet + [1.0])
        try eventually("all are seen") { try stage.store.alertEvents(limit: 10).count == 4 ? true : nil }
        try eventually("one is told") { sink.taken.isEmpty ? nil : true }
        service.stop()
        #expect(sink.taken == ["web.a anomaly start"])
        let tellings = try stage.store.alertEvents(limit: 10).reduce(into: [:]) { $0[$1.metric] = $1.telling.word }
        #expect(tellings == ["mute.a": "muted", "off.a": "muted", "old.a": "old", "web.a": "told"])
        let id = try #require(try stage.store.alertEvents(limit: 1).first?.id)
        #expect(try stage.store.acknowledgeAlert(id: id, at: 5))
        #expect(try !stage.store.acknowledgeAlert(id: "none", at: 5))
        #expect(try stage.store.alertEvents(limit: 1).first?.acknowledgedAt == 5)
    }

    @Test(arguments: databases) func nothingIsToldTwiceOrNeverAcrossRestarts(_ server: RealServers.SQL?) throws {
        let stage = try Stage(server)
        let sink = CountingSink()
        sink.set(isDown: true)
        let first = stage.service([sink])
        try first.start()
        try stage.score("web.a", quiet + [1.0])
        try eventually("it is tried") { try stage.store.alertFailures().isEmpty ? nil : true }
        first.stop()
        // Rows that nobody listened to: the anomaly's end and another one of another metric's server.
        stage.clock.advance(900)
        try stage.score("web.a", quiet, publishes: false)
        let second = stage.service([sink])
        try second.start()
        try stage.score("web.a", [0.5])
        sink.set(isDown: false)
        try eventually("both are told") { sink.taken.count == 2 ? true : nil }
        second.stop()
        let third = stage.service([sink])
        try third.start()
        try stage.score("web.a", quiet)
        third.stop()
        #expect(sink.taken == ["web.a anomaly start", "web.a anomaly end"])
        #expect(try stage.store.alertDeliveryCounts().pending == 0)
    }

    @Test(arguments: databases) func aMetricThatFallsSilentIsAnEvent(_ server: RealServers.SQL?) throws {
        let stage = try Stage(server)
        let sink = CountingSink()
        let service = stage.service([sink], rules: AlertRules([]))
        try service.start()
        try stage.score("web.a", quiet)
        try stage.score("gone.a", quiet)
        try eventually("rows are seen") {
            try stage.repository.read { try $0.rowCount(uid: $0.metric(named: "web.a")!.uid) } == 13 ? true : nil
        }
        try stage.unmonitor("gone.a")
        // The subscription keeps its order, so once this one is in the table of events, the ones before have been seen.
        try stage.score("seen.a", quiet + [1.0])
        try eventually("all was seen") { sink.taken.isEmpty ? nil : true }
        stage.clock.advance(605)
        try eventually("silence is told") { sink.taken.contains("web.a silent start") ? true : nil }
        try stage.score("web.a", [0.5])
        try eventually("its end is told") { sink.taken.contains("web.a silent end") ? true : nil }
        service.stop()
        #expect(!sink.taken.contains { $0.hasPrefix("gone.a") })
    }

    @Test func aSinkThatHangsHoldsUpNobody() throws {
        final class HangingSink: AlertSink {
            let name = "command"
            let released = Monitor(false)
            func deliver(_ delivery: AlertDelivery) throws { released.wait { $0 ? true : nil } }
        }
        let stage = try Stage()
        let hanging = HangingSink()
        let sink = CountingSink()
        let service = stage.service([hanging, sink])
        try service.start()
        for number in 0..<100 { try stage.score("s\(number).a", quiet + [1.0]) }
        try eventually("the other sink has all") { sink.taken.count == 100 ? true : nil }
        hanging.released.update { $0 = true }
        service.stop()
    }

    // MARK: Real receivers

    /// Each receiver is down when the anomalies begin, comes, and is down again when they end.
    @Test(.enabled(if: Receivers.hasAll, "needs python3-aiosmtpd and prometheus-alertmanager"))
    func aBurstIsToldOnceToReceiversThatWereDown() throws {
        let stage = try Stage()
        let receivers = try BurstReceivers(in: stage.directory)
        let service = stage.service(try receivers.sinks())
        try service.start()
        let names = (0..<100).map { "s\($0).größe" }
        func waitUntil(_ what: String, _ condition: () throws -> Bool) throws {
            try eventually(what, within: 300) { try condition() ? true : nil }
        }

        for name in names { try stage.score(name, quiet + [1.0]) }
        try waitUntil("all three were tried") { try stage.store.alertFailures().count == 3 }
        try receivers.start()
        try waitUntil("the beginnings are told") { receivers.counts.allSatisfy { $0 >= 100 } }
        try waitUntil("and noted") { try stage.store.alertDeliveryCounts().pending == 0 }
        #expect(try stage.store.alertFailures().isEmpty)

        try receivers.stop()
        stage.clock.advance(900)
        for name in names { try stage.score(name, quiet) }
        try waitUntil("all three were tried again") { try stage.store.alertFailures().count == 3 }
        #expect(receivers.counts == [100, 100, 100])
        try receivers.start()
        try waitUntil("the ends are told") { receivers.counts.allSatisfy { $0 >= 200 } }
        try waitUntil("and noted") { try stage.store.alertDeliveryCounts().pending == 0 }
        service.stop()
        #expect(try stage.store.alertDeliveryCounts().delivered == 600)

        let expected = Set(names.flatMap { ["\($0) start", "\($0) end"] })
        let hooks = receivers.hooks
        #expect(
            hooks.count == 200 && Set(hooks.compactMap { $0["headers"]?["idempotency-key"]?.stringValue }).count == 200
        )
        var told: [String] = []
        for item in hooks {
            let body = try #require(item["body"]?.stringValue)
            let time = try #require(item["headers"]?["x-htmengine-timestamp"]?.stringValue)
            let signature = Digest.hmacSHA256(key: Array("s3cret".utf8), Array("\(time).\(body)".utf8))
            #expect(item["headers"]?["x-htmengine-signature"]?.stringValue == "sha256=" + Digest.hex(signature))
            let event = try JSONValue.parse(body)
            told.append("\(event["metric"]?.stringValue ?? "") \(event["phase"]?.stringValue ?? "")")
        }
        #expect(Set(told) == expected)

        let mails = receivers.mails
        #expect(mails.count == 200 && Set(mails.compactMap { $0["id"]?.stringValue }).count == 200)
        let subjects = Set(mails.compactMap { $0["subject"]?.stringValue })
        #expect(subjects == Set(names.flatMap { ["Anomaly: \($0)", "Anomaly over: \($0)"] }))
        #expect(mails.first?["to"]?.arrayValue?.count == 2)
        #expect(mails.first?["body"]?.stringValue?.contains("Server: s") == true)

        // What people hear from Alertmanager: every alert opened once and closed once.
        let alerts = try receivers.managed.flatMap { item in
            try JSONValue.parse(item["body"]?.stringValue ?? "")["alerts"]?.arrayValue ?? []
        }
        #expect(alerts.count == 200)
        let opened = alerts.map { alert in
            let isOver = alert["status"]?.stringValue == "resolved"
            return "\(alert["labels"]?["metric"]?.stringValue ?? "") \(isOver ? "end" : "start")"
        }
        #expect(Set(opened) == expected)
    }
}
