// SPDX-License-Identifier: Apache-2.0

/// Where a service listens: a host (or all, or both loopback addresses) and a port.
///
/// Written `HOST:PORT`, `[IPV6]:PORT`, `:PORT` or `PORT`; the host `localhost` means 127.0.0.1 and, where it exists, ::1;
/// `*` means every address of the machine. Port 0 asks the system for a free one.
package struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    package var host: String
    package var port: UInt16

    package static let loopbackHost = "localhost"

    package init(host: String = ListenAddress.loopbackHost, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Parses the written form.
    ///
    /// - Throws: ``ListenAddressError`` naming the text and what is expected.
    package init(parsing text: String, defaultHost: String = ListenAddress.loopbackHost) throws {
        var host = defaultHost
        var portText = Substring(text)
        if let colon = text.lastIndex(of: ":") {
            let hostPart = text[..<colon]
            portText = text[text.index(after: colon)...]
            if hostPart.hasPrefix("["), hostPart.hasSuffix("]") {
                host = String(hostPart.dropFirst().dropLast())
            } else if hostPart.contains(":") {
                throw ListenAddressError(text: text)
            } else if !hostPart.isEmpty {
                host = String(hostPart)
            }
        }
        guard let port = UInt16(portText), !host.isEmpty else { throw ListenAddressError(text: text) }
        self.init(host: host, port: port)
    }

    /// True when only programs on this machine can reach it.
    package var isLoopback: Bool {
        host == Self.loopbackHost || host == "::1" || host.hasPrefix("127.")
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// An address that can't be read as one.
package struct ListenAddressError: Error, CustomStringConvertible {
    package let text: String
    package var description: String {
        "'\(text)' is not an address to listen on: expected HOST:PORT, [IPV6]:PORT or PORT with a port from 0 to 65535"
    }
}
