// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTTPClient
import Security

/// Posts alerts as JSON, signed so that the receiver knows who sent them.
///
/// Headers: `Idempotency-Key`, the same for every try of one message; `X-Htmengine-Timestamp`, Unix seconds; and, with a secret,
/// `X-Htmengine-Signature: sha256=HEX`, HMAC-SHA-256 under the secret of timestamp, a full stop and the body.
package struct WebhookSink: AlertSink {
    package let name = "webhook"
    private let target: HTTPTarget
    private let secret: String
    private let clock: any EngineClock

    /// - Parameter secret: Empty leaves the signature out.
    /// - Throws: `EngineError` with code `configuration` for a wrong URL.
    package init(url: String, secret: String, policy: OutboundPolicy, clock: any EngineClock = SystemClock()) throws {
        target = try HTTPTarget(url: url, policy: policy)
        self.secret = secret
        self.clock = clock
    }

    package func deliver(_ delivery: AlertDelivery) throws {
        let body = AlertText.json(delivery)
        let time = "\(clock.wallSeconds())"
        var headers = [
            (name: "Content-Type", value: "application/json"),
            (name: "Idempotency-Key", value: "\(delivery.event.id)-\(delivery.phase.rawValue)"),
            (name: "X-Htmengine-Timestamp", value: time),
        ]
        if !secret.isEmpty {
            headers.append((name: "X-Htmengine-Signature", value: "sha256=" + Self.signature(secret, time, body)))
        }
        try target.post(body, headers: headers)
    }

    package static func signature(_ secret: String, _ time: String, _ body: String) -> String {
        Digest.hex(Digest.hmacSHA256(key: Array(secret.utf8), Array("\(time).\(body)".utf8)))
    }
}

/// A URL that is posted to.
struct HTTPTarget: Sendable {
    private let endpoint: HTTPClient.Endpoint
    private let path: String
    private let host: String
    private let policy: OutboundPolicy

    init(url: String, path suffix: String = "", policy: OutboundPolicy) throws {
        let parts = try OutboundPolicy.parts(of: url, schemes: ["http", "https"])
        let start = url.utf8.count - parts.path.utf8.count
        endpoint = .url(String(decoding: url.utf8.prefix(start), as: UTF8.self))
        var path = parts.path
        if !suffix.isEmpty, path.hasSuffix("/") { path.removeLast() }
        path += suffix
        self.path = path.hasPrefix("/") ? path : "/" + path
        host = parts.host
        self.policy = policy
    }

    /// - Throws: `EngineError` unless the answer is a success.
    func post(_ body: String, headers: [(name: String, value: String)]) throws {
        let client = HTTPClient(endpoint, allowsAddress: policy.filter(host: host))
        let request = HTTPClient.Request("POST", path, headers: headers, body: Array(body.utf8), timeoutSeconds: 20)
        let response = try client.send(request)
        guard response.isSuccess else { throw EngineError(.busUnavailable, "\(host) answered \(response.status)") }
    }
}
