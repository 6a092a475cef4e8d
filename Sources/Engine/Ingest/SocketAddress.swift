// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An internet address as the kernel gives it, reduced to what lists of allowed senders and logs need.
package struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16 bytes, network order.
    ///
    /// An IPv4 address that came over IPv6 (`::ffff:a.b.c.d`) is stored as IPv4.
    package let bytes: [UInt8]
    package let port: UInt16

    package init(bytes: [UInt8], port: UInt16 = 0) {
        precondition(bytes.count == 4 || bytes.count == 16)
        let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        self.bytes = bytes.count == 16 && bytes.starts(with: mappedPrefix) ? Array(bytes[12...]) : bytes
        self.port = port
    }

    /// Nil for anything but IPv4 and IPv6.
    package init?(_ address: UnsafePointer<sockaddr>) {
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            self = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin_addr) {
                    SocketAddress(bytes: Array($0), port: UInt16(bigEndian: pointer.pointee.sin_port))
                }
            }
        case AF_INET6:
            self = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin6_addr) {
                    SocketAddress(bytes: Array($0), port: UInt16(bigEndian: pointer.pointee.sin6_port))
                }
            }
        default:
            return nil
        }
    }

    /// The numeric form, without the port.
    package var host: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
            let family = bytes.count == 4 ? AF_INET : AF_INET6
            guard let start = inet_ntop(family, bytes, text.baseAddress, socklen_t(text.count)) else { return "?" }
            return String(cString: start)
        }
    }

    package var description: String { bytes.count == 4 ? "\(host):\(port)" : "[\(host)]:\(port)" }
}

/// A range of addresses, written `10.0.0.0/8`, `fd00::/8` or as a single address.
package struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    package let network: SocketAddress
    /// Leading bits that must be equal.
    package let prefixLength: Int

    /// Nil when the text is not an address or the prefix length doesn't fit it.
    package init?(parsing text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = Self.parseAddress(String(first)) else { return nil }
        var prefix = address.bytes.count * 8
        if parts.count == 2 {
            guard let given = Int(parts[1]), (0...prefix).contains(given) else { return nil }
            prefix = given
        }
        network = address
        prefixLength = prefix
    }

    package func contains(_ address: SocketAddress) -> Bool {
        guard address.bytes.count == network.bytes.count else { return false }
        let wholeBytes = prefixLength / 8
        guard address.bytes[..<wholeBytes] == network.bytes[..<wholeBytes] else { return false }
        let restBits = prefixLength % 8
        guard restBits > 0 else { return true }
        let mask = UInt8(truncatingIfNeeded: 0xFF << (8 - restBits))
        return address.bytes[wholeBytes] & mask == network.bytes[wholeBytes] & mask
    }

    package var description: String { "\(network.host)/\(prefixLength)" }

    private static func parseAddress(_ text: String) -> SocketAddress? {
        var four = [UInt8](repeating: 0, count: 4)
        if inet_pton(AF_INET, text, &four) == 1 { return SocketAddress(bytes: four) }
        var sixteen = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET6, text, &sixteen) == 1 { return SocketAddress(bytes: sixteen) }
        return nil
    }
}
