// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// When somebody is told about a metric.
package struct AlertRule: Sendable, Hashable {
    /// Which metrics: `*` any run, `?` one character.
    package var pattern = "*"
    /// False tells nothing about these metrics.
    package var isOn = true
    /// Where anomalies begin and end.
    package var anomaly = AnomalyEventRule()
    /// An anomaly is told once it has lasted so long; one that ends before is never told. Unit: seconds.
    package var minimumDuration: Int64 = 0
    /// After one alert of a server, its others are held back for so long; 0 tells all. Unit: seconds.
    package var restPeriod: Int64 = 3600
    /// A metric is silent when no sample came for so many of its usual intervals (and a minute); 0: never.
    package var silenceFactor: Double = 10

    package init() {}

    /// Reads `PATTERN:name=value:…` with the names `threshold` (0…1), `duration`, `rest` (seconds), `silence` (intervals) and `alert` (on
    /// or off); what isn't given is as in `standard`.
    /// - Throws: `EngineError` with code `configuration`.
    package init(parsing text: String, standard: AlertRule) throws {
        self = standard
        var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        // From the end, because a metric's name may hold colons.
        while parts.count > 1, let part = parts.last, part.contains("=") {
            parts.removeLast()
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            try set(halves[0], halves[1], in: text)
        }
        pattern = parts.joined(separator: ":")
        guard !pattern.isEmpty else { throw EngineError(.configuration, "the rule '\(text)' has no pattern") }
    }

    private mutating func set(_ name: String, _ value: String, in text: String) throws {
        func wrong(_ expected: String) -> EngineError {
            EngineError(.configuration, "the rule '\(text)': \(name) is '\(value)'; expected \(expected)")
        }
        switch name {
        case "threshold":
            guard let number = Double(value), (0..<1).contains(number) else {
                throw wrong("a number from 0 to below 1")
            }
            anomaly.startAbove = number
            anomaly.endBelow = min(anomaly.endBelow, number)
        case "duration":
            guard let seconds = Int64(value), seconds >= 0 else { throw wrong("seconds") }
            minimumDuration = seconds
        case "rest":
            guard let seconds = Int64(value), seconds >= 0 else { throw wrong("seconds") }
            restPeriod = seconds
        case "silence":
            guard let factor = Double(value), factor >= 0, factor.isFinite else { throw wrong("a number of intervals") }
            silenceFactor = factor
        case "alert":
            guard value == "on" || value == "off" else { throw wrong("on or off") }
            isOn = value == "on"
        default:
            throw EngineError(
                .configuration,
                "the rule '\(text)' has no setting '\(name)'; expected threshold, duration, rest, silence or alert"
            )
        }
    }
}

/// The rules in order; the first whose pattern fits holds, and the standard one for all others.
package struct AlertRules: Sendable {
    private let rules: [(pattern: NamePattern, rule: AlertRule)]
    private let standard: AlertRule

    package init(_ rules: [AlertRule], standard: AlertRule = AlertRule()) {
        self.rules = rules.map { (NamePattern($0.pattern), $0) }
        self.standard = standard
    }

    package func rule(for metric: String) -> AlertRule {
        rules.first { $0.pattern.matches(metric) }?.rule ?? standard
    }
}
