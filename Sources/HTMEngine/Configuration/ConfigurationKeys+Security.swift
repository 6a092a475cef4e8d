// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKey {
    static let apiKeys = ConfigurationKey(
        .application,
        "security",
        "api_keys",
        .list,
        default: "",
        secret: true,
        "Who may use HTTP: NAME:ROLE:HASH, one or more, as `htmengine key new` prints them. Empty: everyone who reaches it."
    )
    static let allowUnauthenticated = ConfigurationKey(
        .application,
        "security",
        "allow_unauthenticated",
        .flag,
        default: "false",
        "Without keys, HTTP listens on loopback only; true lets it listen anywhere all the same."
    )
    static let allowedHosts = ConfigurationKey(
        .application,
        "security",
        "allowed_hosts",
        .list,
        default: "",
        "Names under which browsers and programs may address the engine, besides its addresses and localhost."
    )
    static let tlsCertificate = ConfigurationKey(
        .application,
        "security",
        "tls_certificate",
        .text,
        default: "",
        "PEM file with the certificate and those that lead to its authority. With it HTTP is HTTPS."
    )
    static let tlsKey = ConfigurationKey(
        .application,
        "security",
        "tls_key",
        .text,
        default: "",
        "PEM file with the certificate's private key."
    )

    static let security = [apiKeys, allowUnauthenticated, allowedHosts, tlsCertificate, tlsKey]
}
