// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// Which hosts alerts may be sent to.
///
/// Addresses of this machine and of private networks are refused unless their host is named in `[alerts] allowed_hosts`: whoever may set
/// a webhook must not reach what only the engine can. Names are looked at once they are resolved, so none can point past this.
package struct OutboundPolicy: Sendable, Hashable {
    private let allowedHosts: [NamePattern]

    /// - Parameter allowedHosts: Names and addresses, as `localhost`, `10.1.2.3` or `*.example.org`; `*` allows all.
    package init(allowedHosts: [String] = []) {
        self.allowedHosts = allowedHosts.map { NamePattern($0.lowercased()) }
    }

    /// The check for one host, as `HTTPClient` takes it.
    package func filter(host: String) -> ([UInt8]) -> Bool {
        let isNamed = allowedHosts.contains { $0.matches(host.lowercased()) }
        return { isNamed || !Self.isInward($0) }
    }

    private static let inward = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3", "::/128", "::1/128", "64:ff9b::/96", "fc00::/7", "fe80::/10",
        "ff00::/8", "2002::/16",
    ].compactMap { AddressRange(parsing: $0) }

    /// Whether an address of 4 or 16 bytes is this machine's or of a network that isn't public.
    package static func isInward(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 4 || bytes.count == 16 else { return true }
        let address = SocketAddress(bytes: bytes)
        return inward.contains { $0.contains(address) }
    }

    /// Host and scheme of a URL.
    /// - Throws: `EngineError` with code `configuration`.
    package static func parts(of url: String, schemes: Set<String>) throws -> (
        scheme: String, host: String, path: String
    ) {
        func wrong(_ reason: String) -> EngineError {
            EngineError(
                .configuration,
                "\(reason); expected \(schemes.sorted().map { "\($0)://HOST" }.joined(separator: " or "))"
            )
        }
        guard let separator = url.firstRange(of: "://") else { throw wrong("the URL has no scheme") }
        let scheme = url[..<separator.lowerBound].lowercased()
        guard schemes.contains(scheme) else { throw wrong("the URL's scheme is '\(scheme)'") }
        let rest = url[separator.upperBound...]
        let authority = rest.prefix { !"/?#".contains($0) }
        guard !authority.contains("@") else { throw wrong("the URL has a user in it, which logs would show") }
        guard !authority.isEmpty, url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw wrong("the URL has no host")
        }
        let host =
            authority.hasPrefix("[")
            ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
        return (scheme, String(host), String(rest[authority.endIndex...]))
    }
}
