// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Security

/// Decides on a request's head who may do what, and puts the headers on every reply that keep browsers from being used against us.
///
/// - Whoever comes over the unix socket (mode 600) is the engine's own user and may do everything.
/// - With keys configured, everybody else needs one whose role is enough.
/// - A browser may only change something from the engine's own pages, key or not: browsers send Basic credentials along by themselves.
/// - Without keys, only addresses and local names are accepted as `Host`, so that no web page can reach a loopback engine by making its own
///   name point there (DNS rebinding).
package struct AccessControl: Sendable {
    package struct Configuration: Sendable {
        package var keys: [APIKey] = []
        /// `[security] allow_unauthenticated`: without keys, others than loopback may come.
        package var allowsUnauthenticated = false
        /// Names accepted as `Host` besides addresses and local names; when not empty, also with keys.
        package var allowedHosts: [String] = []

        package init() {}
    }

    private let configuration: Configuration
    private let authenticator: Authenticator
    private let failures: FailureLimiter
    private let logger: any Logger

    /// - Throws: `EngineError` with code `configuration`.
    package init(configuration: Configuration, logger: any Logger, clock: any EngineClock = SystemClock()) throws {
        self.configuration = configuration
        self.logger = logger
        authenticator = try Authenticator(keys: configuration.keys)
        failures = FailureLimiter(clock: clock)
    }

    /// Why the engine must not listen on this address, or nil when it may.
    ///
    /// - Parameter isLoopback: Whether only this machine reaches the address.
    package func refusalToListen(on address: String, isLoopback: Bool) -> String? {
        guard !isLoopback, !authenticator.hasKeys, !configuration.allowsUnauthenticated else { return nil }
        return "without keys anyone who reaches \(address) could read and delete everything: make one with "
            + "`htmengine key new` and set [security] api_keys, or set [security] allow_unauthenticated = true"
    }

    // MARK: Requests

    /// For ``HTTPServer``'s gate.
    package func gate(_ request: HTTPRequest) throws {
        guard case .network(let address) = request.peer else { return }
        try checkHost(request)
        let role = Self.requiredRole(request)
        try checkOrigin(request, changesState: role.map { $0 > .read } ?? false)
        guard authenticator.hasKeys, let role else { return }
        try checkKey(request, role: role, peer: Self.peerKey(address))
    }

    private func checkKey(_ request: HTTPRequest, role: APIRole, peer: String) throws {
        if let seconds = failures.waitSeconds(for: peer) {
            throw HTTPError(
                status: 429,
                text: "Too many wrong keys from this address; try again in \(seconds) s\n",
                headers: [HTTPField("Retry-After", "\(seconds)")]
            )
        }
        let challenge = [HTTPField("WWW-Authenticate", "Basic realm=\"htmengine\", charset=\"UTF-8\"")]
        switch authenticator.authenticate(authorization: request.header("Authorization")) {
        case .anonymous:
            throw HTTPError(status: 401, text: "A key is needed: Authorization: Bearer KEY\n", headers: challenge)
        case .wrong:
            failures.noteFailure(of: peer)
            logger.warning("http", "a wrong key from \(peer)")
            throw HTTPError(status: 401, text: "The key is wrong\n", headers: challenge)
        case .known(let name, let has):
            failures.noteSuccess(of: peer)
            guard has >= role else {
                throw HTTPError(
                    status: 403,
                    text: "The key '\(name)' has the role \(has.rawValue); this needs \(role.rawValue)\n"
                )
            }
        }
    }

    private func checkHost(_ request: HTTPRequest) throws {
        let isOpen = authenticator.hasKeys || configuration.allowsUnauthenticated
        if isOpen, configuration.allowedHosts.isEmpty { return }
        // HTTP/1.0 may leave it out; no browser does.
        guard let host = request.header("Host") else { return }
        let name = HostName(host)
        guard !name.isLocal, !configuration.allowedHosts.contains(where: { $0.lowercased() == name.name }) else {
            return
        }
        throw HTTPError(
            status: 403,
            text: "This engine doesn't answer to that Host; use its address, or name it in [security] allowed_hosts\n"
        )
    }

    private func checkOrigin(_ request: HTTPRequest, changesState: Bool) throws {
        guard changesState else { return }
        if let site = request.header("Sec-Fetch-Site")?.lowercased(), site != "same-origin", site != "none" {
            throw HTTPError(status: 403, text: "Another site's page can't change anything here\n")
        }
        guard let origin = request.header("Origin") else { return }
        let parts = origin.lowercased().split(separator: "/", omittingEmptySubsequences: false)
        let isOurs =
            parts.count == 3 && (parts[0] == "http:" || parts[0] == "https:") && parts[1].isEmpty
            && String(parts[2]) == request.header("Host")?.lowercased()
        guard isOurs else { throw HTTPError(status: 403, text: "Another site's page can't change anything here\n") }
    }

    /// What a request needs; nil for what everybody may.
    ///
    /// Anything unknown that isn't plain reading needs `write`, deleting data `admin`.
    static func requiredRole(_ request: HTTPRequest) -> APIRole? {
        let path = request.path
        // The commands' own interface can do everything.
        if path.hasPrefix("/_engine/") { return .admin }
        switch request.method {
        case "GET", "HEAD", "OPTIONS": return path == "/_health" ? nil : .read
        case "POST" where isGraphiteQuery(path): return .read
        case "DELETE":
            let deletesData = request.queryValue("data").map { !["false", "0"].contains($0.lowercased()) } ?? false
            return deletesData || path.hasPrefix("/_metrics") || path.hasPrefix("/_instances") ? .admin : .write
        default: return .write
        }
    }

    /// Grafana posts its queries.
    private static func isGraphiteQuery(_ path: String) -> Bool {
        var path = path
        if path.hasPrefix("/_graphite/") { path.removeFirst("/_graphite".count) }
        return path == "/render" || path.hasPrefix("/metrics/") || path.hasPrefix("/tags/")
    }

    /// One key for all addresses of an IPv6 network, of which a single machine has 2⁶⁴.
    static func peerKey(_ address: SocketAddress) -> String {
        address.bytes.count == 16 ? Digest.hex(Array(address.bytes.prefix(8))) : address.host
    }

    // MARK: Replies

    /// For ``HTTPServer``'s finish.
    package func finish(_ request: HTTPRequest, _ response: inout HTTPResponse) {
        for field in Self.headers
        where !response.headers.contains(where: { $0.name.lowercased() == field.name.lowercased() }) {
            response.headers.append(field)
        }
    }

    /// Nothing but the engine's own files is loaded, framed, posted to or told where a visitor came from.
    ///
    /// Neither scripts nor styles may stand in the page: the chart library sets its through the object model.
    static let headers = [
        HTTPField(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                + "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        ),
        HTTPField("X-Frame-Options", "DENY"),
        HTTPField("Referrer-Policy", "no-referrer"),
        HTTPField("Cross-Origin-Resource-Policy", "same-origin"),
        HTTPField("Cross-Origin-Opener-Policy", "same-origin"),
    ]
}

/// The value of a `Host` header.
struct HostName {
    /// Without the port, lower case.
    let name: String

    init(_ header: String) {
        let text = header.lowercased()
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            name = String(text[text.index(after: text.startIndex)..<end])
        } else {
            name = String(text.prefix { $0 != ":" })
        }
    }

    /// An address or a name that no resolver is asked for: nobody can make it point elsewhere.
    var isLocal: Bool {
        if name == "localhost" || name.hasSuffix(".localhost") { return true }
        if name.contains(":") { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
