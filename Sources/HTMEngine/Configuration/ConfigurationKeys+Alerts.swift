// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKey {
    static let alertThreshold = ConfigurationKey(
        .application,
        "alerts",
        "threshold",
        .number(0...0.9999999999),
        default: "0.9999",
        "An anomaly begins above this score."
    )
    static let alertDuration = ConfigurationKey(
        .application,
        "alerts",
        "minimum_duration",
        .integer(0...31_536_000),
        default: "0",
        unit: "s",
        "An anomaly is told once it has lasted so long."
    )
    static let alertRest = ConfigurationKey(
        .application,
        "alerts",
        "rest_period",
        .integer(0...31_536_000),
        default: "3600",
        unit: "s",
        "After one alert of a server its others are held back for so long; 0 tells all."
    )
    static let alertSilence = ConfigurationKey(
        .application,
        "alerts",
        "silence_factor",
        .number(0...1_000_000),
        default: "10",
        unit: "intervals",
        "A metric is silent when no sample came for so many of its usual intervals, and a minute; 0: never."
    )
    static let alertRules = ConfigurationKey(
        .application,
        "alerts",
        "rules",
        .list,
        default: "",
        "Other settings for some metrics, the first that fits holds: PATTERN:threshold=0.99999:duration=300:rest=0:silence=5, "
            + "or PATTERN:alert=off."
    )
    static let alertWebhook = ConfigurationKey(
        .application,
        "alerts",
        "webhook_url",
        .text,
        default: "",
        "Alerts are posted here as JSON."
    )
    static let alertWebhookSecret = ConfigurationKey(
        .application,
        "alerts",
        "webhook_secret",
        .text,
        default: "",
        secret: true,
        "Signs what is posted to webhook_url (HMAC-SHA-256)."
    )
    static let alertmanagerURL = ConfigurationKey(
        .application,
        "alerts",
        "alertmanager_url",
        .text,
        default: "",
        "Alerts go to the Alertmanager of this URL (interface v2)."
    )
    static let alertSMTP = ConfigurationKey(
        .application,
        "alerts",
        "smtp_url",
        .text,
        default: "",
        "Alerts are mailed through smtp://HOST:25 or smtps://HOST:465."
    )
    static let alertSMTPUser = ConfigurationKey(
        .application,
        "alerts",
        "smtp_user",
        .text,
        default: "",
        "User on the mail server; demands encryption."
    )
    static let alertSMTPPassword = ConfigurationKey(
        .application,
        "alerts",
        "smtp_password",
        .text,
        default: "",
        secret: true,
        "Password on the mail server."
    )
    static let alertMailFrom = ConfigurationKey(
        .application,
        "alerts",
        "mail_from",
        .text,
        default: "",
        "Sender of the mails."
    )
    static let alertMailTo = ConfigurationKey(
        .application,
        "alerts",
        "mail_to",
        .list,
        default: "",
        "Receivers of the mails."
    )
    static let alertCommand = ConfigurationKey(
        .application,
        "alerts",
        "command",
        .text,
        default: "",
        "Program run for each alert: absolute path and arguments; no shell. It gets JSON on its standard input."
    )
    static let alertHosts = ConfigurationKey(
        .application,
        "alerts",
        "allowed_hosts",
        .list,
        default: "",
        "Hosts with inward addresses (loopback, private networks) that alerts may be sent to, as localhost or *.example.org."
    )

    static let alerts = [
        alertThreshold, alertDuration, alertRest, alertSilence, alertRules, alertWebhook, alertWebhookSecret,
        alertmanagerURL, alertSMTP, alertSMTPUser, alertSMTPPassword, alertMailFrom, alertMailTo, alertCommand,
        alertHosts,
    ]
}
