// SPDX-License-Identifier: Apache-2.0

import Alerts
import EngineCore
import Testing

@Suite struct AlertMachineTests {
    private let metric = MetricDescription(
        uid: "u1",
        name: "web.load",
        description: nil,
        resource: "web",
        location: "",
        datasource: "custom",
        specJSON: "{}"
    )

    /// Feeds scores at one-minute steps that arrive as they are measured, and names what changes: `+` begins, `-` ends, with row numbers.
    private func follow(_ machine: inout AlertMachine, _ scores: [Double], _ rule: AlertRule = AlertRule()) -> [String]
    {
        var story: [String] = []
        for score in scores {
            let rowid = machine.rowid + 1
            let row = MetricRow(rowid: rowid, timestamp: rowid * 60, value: Double(rowid), anomalyScore: score)
            for change in machine.observe(row, metric: metric, rule: rule, now: rowid * 60) {
                switch change {
                case .began(let event): story.append("\(rowid)+\(event.kind.rawValue):\(event.startedAt / 60)")
                case .ended(let event):
                    story.append("\(rowid)-\(event.kind.rawValue):\(event.startedAt / 60)…\((event.endedAt ?? 0) / 60)")
                }
            }
        }
        return story
    }

    private func machine() -> AlertMachine { AlertMachine(uid: "u1", generation: 1, rowid: 0) }

    @Test func anAnomalyBeginsAboveTheThresholdAndEndsAfterTwelveQuietRows() {
        var machine = machine()
        let quiet = Array(repeating: 0.5, count: 12)
        #expect(follow(&machine, [0.5, 0.9999, 0.99991, 0.999, 0.5, 0.995]) == ["3+anomaly:3"])
        #expect(machine.hasOpenEvent)
        #expect(follow(&machine, quiet.dropLast()) == [])
        #expect(follow(&machine, [0.5, 0.5]) == ["18-anomaly:3…6"])
        #expect(!machine.hasOpenEvent)
        #expect(follow(&machine, [1.0]) == ["20+anomaly:20"])
    }

    @Test func aShortOneIsNeverToldWhenADurationIsAsked() {
        var rule = AlertRule()
        rule.minimumDuration = 180
        var machine = machine()
        let quiet = Array(repeating: 0.1, count: 13)
        #expect(follow(&machine, [1.0, 0.999, 0.999] + quiet, rule) == [])
        let story = follow(&machine, [1.0, 0.999, 0.5, 0.999, 0.999] + quiet, rule)
        #expect(story == ["20+anomaly:17", "33-anomaly:17…21"])
    }

    @Test func aDeathAtAnyRowChangesNothing() throws {
        var random = SystemRandomNumberGenerator()
        let scores = (0..<400).map { _ in
            Double.random(in: 0...1, using: &random) < 0.03 ? 1.0 : Double.random(in: 0.9...1, using: &random)
        }
        var whole = machine()
        let story = follow(&whole, scores)
        #expect(!story.isEmpty)
        var restored = machine()
        var pieces: [String] = []
        for score in scores {
            pieces += follow(&restored, [score])
            restored = try #require(AlertMachine(text: restored.text))
        }
        #expect(pieces == story)
        #expect(AlertMachine(text: "{}") == nil)
    }

    @Test func silenceIsAMultipleOfTheUsualInterval() throws {
        var machine = machine()
        _ = follow(&machine, Array(repeating: 0.5, count: 20))
        #expect(machine.interval == 60)
        let rule = AlertRule()
        #expect(machine.check(metric: metric, rule: rule, now: 1200 + 600) == [])
        let changes = machine.check(metric: metric, rule: rule, now: 1200 + 601)
        guard case .began(let event)? = changes.first else { return #expect(Bool(false), "\(changes)") }
        #expect(event.kind == .silent && event.startedAt == 1200 && changes.count == 1)
        #expect(machine.check(metric: metric, rule: rule, now: 9999) == [])
        #expect(follow(&machine, [0.5]) == ["21-silent:20…21"])
        var never = rule
        never.silenceFactor = 0
        #expect(!machine.isSilent(rule: never, now: 1 << 40))
    }

    @Test func oldRowsTakenInAreNotFollowedByAnAlarm() {
        var machine = machine()
        for rowid in Int64(1)...50 {
            let row = MetricRow(rowid: rowid, timestamp: rowid * 300, value: 1, anomalyScore: 0.5)
            _ = machine.observe(row, metric: metric, rule: AlertRule(), now: 1_800_000_000)
        }
        #expect(!machine.isSilent(rule: AlertRule(), now: 1_800_100_000))
    }

    @Test func theTimeTheEngineWasDownIsNotSilence() {
        var machine = machine()
        _ = follow(&machine, Array(repeating: 0.5, count: 20))
        machine.resume(now: 100_000)
        #expect(!machine.isSilent(rule: AlertRule(), now: 100_100))
        #expect(machine.isSilent(rule: AlertRule(), now: 100_700))
    }

    @Test func whatLastsEndsWithTheModel() {
        var machine = machine()
        _ = follow(&machine, [1.0])
        #expect(machine.end(metric: metric, now: 5000).count == 1)
        #expect(machine.end(metric: metric, now: 5000).isEmpty)
    }
}

@Suite struct AlertRuleTests {
    @Test func rulesAreRead() throws {
        let rule = try AlertRule(
            parsing: "web:80.*:threshold=0.99999:duration=300:rest=0:silence=2.5",
            standard: AlertRule()
        )
        #expect(rule.pattern == "web:80.*" && rule.anomaly.startAbove == 0.99999 && rule.minimumDuration == 300)
        #expect(rule.restPeriod == 0 && rule.silenceFactor == 2.5 && rule.isOn)
        #expect(try AlertRule(parsing: "noise.*:alert=off", standard: AlertRule()).isOn == false)
        let low = try AlertRule(parsing: "x:threshold=0.8", standard: AlertRule())
        #expect(low.anomaly.endBelow == 0.8)
    }

    @Test(arguments: [
        "", ":threshold=0.5", "a:threshold=1", "a:threshold=x", "a:rest=-1", "a:nothing=1", "a:alert=maybe",
    ])
    func wrongRulesAreNamed(text: String) {
        #expect(throws: EngineError.self) { try AlertRule(parsing: text, standard: AlertRule()) }
    }

    @Test func theFirstThatFitsHolds() throws {
        let first = try AlertRule(parsing: "web.*:rest=1", standard: AlertRule())
        let second = try AlertRule(parsing: "*:rest=2", standard: AlertRule())
        let rules = AlertRules([first, second])
        #expect(rules.rule(for: "web.load").restPeriod == 1)
        #expect(rules.rule(for: "db.load").restPeriod == 2)
        #expect(AlertRules([]).rule(for: "x").restPeriod == 3600)
    }
}
