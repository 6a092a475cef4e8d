// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKey {
    private static func alert(
        _ name: String,
        _ kind: Kind,
        default defaultText: String,
        unit: String = "",
        secret: Bool = false,
        _ summary: String
    ) -> ConfigurationKey {
        ConfigurationKey(
            .application,
            "alerts",
            name,
            kind,
            default: defaultText,
            unit: unit,
            secret: secret,
            summary
        )
    }

    static let alertThreshold = alert(
        "threshold",
        .number(0...0.9999999999),
        default: "0.9999",
        "An anomaly begins above this score."
    )
    static let alertDuration = alert(
        "minimum_duration",
        .integer(0...31_536_000),
        default: "0",
        unit: "s",
        "An anomaly is told once it has lasted so long."
    )
    static let alertRest = alert(
        "rest_period",
        .integer(0...31_536_000),
        default: "3600",
        unit: "s",
        "After one alert of a server its others are held back for so long; 0 tells all."
    )
    static let alertSilence = alert(
        "silence_factor",
        .number(0...1_000_000),
        default: "10",
        unit: "intervals",
        "A metric is silent when no sample came for so many of its usual intervals, and a minute; 0: never."
    )
    static let alertRules = alert(
        "rules",
        .list,
        default: "",
        "Other settings for some metrics, the first that fits holds: PATTERN:threshold=0.99999:duration=300:rest=0:silence=5, "
            + "or PATTERN:alert=off."
    )
    static let alertWebhook = alert("webhook_url", .text, default: "", "Alerts are posted here as JSON.")
    static let alertWebhookSecret = alert(
        "webhook_secret",
        .text,
        default: "",
        secret: true,
        "Signs what is posted to webhook_url (HMAC-SHA-256)."
    )
    static let alertmanagerURL = alert(
        "alertmanager_url",
        .text,
        default: "",
        "Alerts go to the Alertmanager of this URL (interface v2)."
    )
    static let alertSMTP = alert(
        "smtp_url",
        .text,
        default: "",
        "Alerts are mailed through smtp://HOST:25 or smtps://HOST:465."
    )
    static let alertSMTPUser = alert("smtp_user", .text, default: "", "User on the mail server; demands encryption.")
    static let alertSMTPPassword = alert(
        "smtp_password",
        .text,
        default: "",
        secret: true,
        "Password on the mail server."
    )
    static let alertMailFrom = alert("mail_from", .text, default: "", "Sender of the mails.")
    static let alertMailTo = alert("mail_to", .list, default: "", "Receivers of the mails.")
    static let alertCommand = alert(
        "command",
        .text,
        default: "",
        "Program run for each alert: absolute path and arguments; no shell. It gets JSON on its standard input."
    )
    static let alertHosts = alert(
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
