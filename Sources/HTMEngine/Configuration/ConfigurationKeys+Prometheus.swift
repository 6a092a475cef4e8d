// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKey {
    static let prometheusURL = ConfigurationKey(
        .application,
        "prometheus",
        "url",
        .text,
        default: "",
        "Prometheus server that is asked for samples, such as http://localhost:9090. Empty: none."
    )
    static let prometheusQueries = ConfigurationKey(
        .application,
        "prometheus",
        "queries",
        .text,
        default: "",
        "What is asked for: a line for each query, NAME = PROMQL. $label in a name stands for that label's value; without one, the "
            + "labels of each series stand behind the name in braces."
    )
    static let prometheusInterval = ConfigurationKey(
        .application,
        "prometheus",
        "interval",
        .integer(0...86_400),
        default: "0",
        unit: "s",
        "How often each query is asked; 0: [metric_collector] poll_interval."
    )
    static let prometheusStep = ConfigurationKey(
        .application,
        "prometheus",
        "step",
        .integer(0...86_400),
        default: "0",
        unit: "s",
        "Between two samples of a metric; 0: as interval."
    )
    static let prometheusBackfill = ConfigurationKey(
        .application,
        "prometheus",
        "backfill",
        .integer(0...31_536_000),
        default: "0",
        unit: "s",
        "How far back the first question reaches."
    )
    static let prometheusUser = ConfigurationKey(
        .application,
        "prometheus",
        "user",
        .text,
        default: "",
        "User for HTTP's Basic authentication."
    )
    static let prometheusPassword = ConfigurationKey(
        .application,
        "prometheus",
        "password",
        .text,
        default: "",
        secret: true,
        "Password of that user."
    )
    static let prometheusToken = ConfigurationKey(
        .application,
        "prometheus",
        "token",
        .text,
        default: "",
        secret: true,
        "Sent as Authorization: Bearer, instead of user and password."
    )

    /// In the order of the reference.
    static let prometheusKeys = [
        prometheusURL, prometheusQueries, prometheusInterval, prometheusStep, prometheusBackfill,
        prometheusUser, prometheusPassword, prometheusToken,
    ]
}
