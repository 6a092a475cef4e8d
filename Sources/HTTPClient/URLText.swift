// SPDX-License-Identifier: Apache-2.0

/// Percent-encoding (RFC 3986).
package enum URLText {
    /// A path segment or a query value: everything but unreserved characters is encoded, the slash too.
    package static func encode(_ text: String) -> String {
        encode(text, keeping: [])
    }

    /// A path: slashes stay.
    package static func encodePath(_ text: String) -> String {
        encode(text, keeping: [UInt8(ascii: "/")])
    }

    private static func encode(_ text: String, keeping kept: Set<UInt8>) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            case _ where kept.contains(byte):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
