// SPDX-License-Identifier: Apache-2.0

import Alerts
import EngineCore

extension Configuration {
    /// Where alerts go; none when nothing is configured.
    /// - Throws: ``ConfigurationError`` naming the key.
    package func alertSinks() throws -> [any AlertSink] {
        let policy = OutboundPolicy(allowedHosts: settings.list(.alertHosts))
        var sinks: [any AlertSink] = []
        func add(_ key: ConfigurationKey, _ make: (String) throws -> any AlertSink) throws {
            let text = settings.text(key)
            if text.isEmpty { return }
            do {
                sinks.append(try make(text))
            } catch let error as EngineError {
                throw settings.wrong(key, expected: "something else: \(error.message)")
            }
        }
        try add(.alertWebhook) {
            try WebhookSink(url: $0, secret: settings.text(.alertWebhookSecret), policy: policy)
        }
        try add(.alertmanagerURL) { try AlertmanagerSink(url: $0, policy: policy) }
        try add(.alertSMTP) {
            try MailSink(
                url: $0,
                user: settings.text(.alertSMTPUser),
                password: settings.text(.alertSMTPPassword),
                from: settings.text(.alertMailFrom),
                to: settings.list(.alertMailTo),
                policy: policy
            )
        }
        try add(.alertCommand) { try CommandSink(command: $0) }
        return sinks
    }

    /// Where the anomaly events of the dashboard and `/_events` begin and end.
    /// - Throws: ``ConfigurationError`` when they would end above where they begin.
    package func anomalyEventRule() throws -> AnomalyEventRule {
        let start = settings.number(.eventStart)
        let end = settings.number(.eventEnd)
        guard end <= start else {
            throw settings.wrong(.eventEnd, expected: "a number not above start_above (\(settings.text(.eventStart)))")
        }
        return AnomalyEventRule(
            startAbove: start,
            endBelow: end,
            quietRows: Int64(settings.integer(.eventQuietRows))
        )
    }

    /// When somebody is told.
    /// - Throws: ``ConfigurationError``.
    package func alertRules() throws -> AlertRules {
        var standard = AlertRule()
        standard.anomaly = try anomalyEventRule()
        standard.anomaly.startAbove = settings.number(.alertThreshold)
        standard.anomaly.endBelow = min(standard.anomaly.endBelow, standard.anomaly.startAbove)
        standard.minimumDuration = Int64(settings.integer(.alertDuration))
        standard.restPeriod = Int64(settings.integer(.alertRest))
        standard.silenceFactor = settings.number(.alertSilence)
        do {
            let rules = try settings.list(.alertRules).map { try AlertRule(parsing: $0, standard: standard) }
            return AlertRules(rules, standard: standard)
        } catch let error as EngineError {
            throw settings.wrong(.alertRules, expected: "rules such as web.*:threshold=0.99999 (\(error.message))")
        }
    }
}
