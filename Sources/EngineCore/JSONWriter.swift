// SPDX-License-Identifier: Apache-2.0

/// Appends JSON to a byte buffer, for replies with many rows, where Foundation's encoder is too slow.
///
/// The caller keeps begin and end in pairs; commas are the writer's business.
package struct JSONWriter: Sendable {
    /// What stands between items and after keys.
    package enum Style: Sendable {
        /// `,` and `:`
        case compact
        /// `, ` and `: `, as Python's json module prints by default.
        case python
    }

    package private(set) var bytes: [UInt8] = []
    private let style: Style
    private var needsComma = false

    package init(style: Style = .compact) { self.style = style }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Empties the buffer, keeping its capacity, so that a long reply can go out in pieces.
    package mutating func takeBytes() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    package mutating func beginObject() { open(UInt8(ascii: "{")) }
    package mutating func endObject() { close(UInt8(ascii: "}")) }
    package mutating func beginArray() { open(UInt8(ascii: "[")) }
    package mutating func endArray() { close(UInt8(ascii: "]")) }

    package mutating func key(_ name: String) {
        separate()
        appendString(name)
        bytes.append(UInt8(ascii: ":"))
        if style == .python { bytes.append(UInt8(ascii: " ")) }
        needsComma = false
    }

    package mutating func value(_ text: String?) {
        guard let text else { return null() }
        separate()
        appendString(text)
    }

    package mutating func value(_ number: Int64?) {
        guard let number else { return null() }
        separate()
        bytes.append(contentsOf: number.description.utf8)
    }

    /// Writes the shortest digits that give the same double back; null when not finite, since JSON has no word for that.
    package mutating func value(_ number: Double?) {
        guard let number, number.isFinite else { return null() }
        separate()
        bytes.append(contentsOf: NumberFormat.shortest(number).utf8)
    }

    package mutating func value(_ flag: Bool) {
        separate()
        bytes.append(contentsOf: (flag ? "true" : "false").utf8)
    }

    package mutating func null() {
        separate()
        bytes.append(contentsOf: "null".utf8)
    }

    /// Appends text that is JSON already.
    package mutating func raw(_ json: String) {
        separate()
        bytes.append(contentsOf: json.utf8)
    }

    package mutating func field(_ name: String, _ text: String?) {
        key(name)
        value(text)
    }

    package mutating func field(_ name: String, _ number: Int64?) {
        key(name)
        value(number)
    }

    package mutating func field(_ name: String, _ number: Double?) {
        key(name)
        value(number)
    }

    package mutating func field(_ name: String, _ flag: Bool) {
        key(name)
        value(flag)
    }

    private mutating func open(_ byte: UInt8) {
        separate()
        bytes.append(byte)
        needsComma = false
    }

    private mutating func close(_ byte: UInt8) {
        bytes.append(byte)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma {
            bytes.append(UInt8(ascii: ","))
            if style == .python { bytes.append(UInt8(ascii: " ")) }
        }
        needsComma = true
    }

    private mutating func appendString(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes.append(contentsOf: "\\\"".utf8)
            case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
