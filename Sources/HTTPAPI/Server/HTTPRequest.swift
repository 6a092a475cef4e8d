// SPDX-License-Identifier: Apache-2.0

import Engine

/// Who sent a request.
package enum HTTPPeer: Sendable, Hashable, CustomStringConvertible {
    /// A program of the same user, over the engine's unix socket (mode 600).
    case local
    case network(SocketAddress)

    package var description: String {
        switch self {
        case .local: "local"
        case .network(let address): address.host
        }
    }
}

/// A name and a value, as in a header or a query.
package struct HTTPField: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A complete request: head and body, within the server's limits, already checked against request smuggling.
package struct HTTPRequest: Sendable {
    /// Upper case, as sent.
    package var method: String
    /// The path as sent, still percent-encoded, beginning with `/`, without the query.
    package var encodedPath: String
    /// The path decoded.
    ///
    /// The server refuses paths that don't decode to UTF-8.
    package var path: String
    /// Decoded, in the order sent; a name without `=` has an empty value.
    package var query: [HTTPField]
    package var headers: [HTTPField]
    package var body: [UInt8]
    package var peer: HTTPPeer

    package init(
        method: String,
        encodedPath: String,
        query: [HTTPField] = [],
        headers: [HTTPField] = [],
        body: [UInt8] = [],
        peer: HTTPPeer = .local
    ) throws {
        guard let path = PercentEncoding.decode(encodedPath) else {
            throw HTTPError(status: 400, text: "The path is not valid percent-encoded UTF-8\n")
        }
        self.method = method
        self.encodedPath = encodedPath
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.peer = peer
    }

    /// The first header of that name, in any case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.count == name.count && $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The first value of that query parameter; names are case-sensitive.
    package func queryValue(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }
}

/// Percent-encoding of URLs (RFC 3986), on bytes.
package enum PercentEncoding {
    /// Nil when a `%` isn't followed by two hex digits, or the result isn't UTF-8.
    package static func decode(_ text: some StringProtocol) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = iterator.next().flatMap(hexDigit), let low = iterator.next().flatMap(hexDigit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Encodes everything but letters, digits and `-._~`: safe in a path segment and in a query value.
    package static func encode(_ text: String) -> String {
        var result = ""
        let digits = Array("0123456789ABCDEF")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result.append("%")
                result.append(digits[Int(byte >> 4)])
                result.append(digits[Int(byte & 15)])
            }
        }
        return result
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
