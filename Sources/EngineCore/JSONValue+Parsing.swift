// SPDX-License-Identifier: Apache-2.0

internal import CJansson
internal import CSystem
internal import Foundation

extension JSONValue {
    /// Parses JSON text.
    /// - Throws: `EngineError` with code `invalidArgument` saying what is wrong.
    package static func parse(_ bytes: some Sequence<UInt8>) throws -> JSONValue {
        let bytes = Array(bytes)
        guard bytes.count <= 64 << 20 else { throw EngineError(.invalidArgument, "JSON text is longer than 64 MiB") }
        guard bytes.withUnsafeBufferPointer(nesting) <= 64 else {
            throw EngineError(.invalidArgument, "JSON is nested more than 64 levels deep")
        }
        if let value = parseQuickly(bytes) { return value }
        return try parseThoroughly(bytes)
    }

    /// Parses JSON text.
    package static func parse(_ text: String) throws -> JSONValue { try parse(text.utf8) }

    /// Jansson reads what is common without guessing at types, each wrong guess of which costs Foundation's decoder an error: that counts
    /// where every sample brings a model back into memory, with its definition.
    ///
    /// - Returns: nil for everything it refuses: invalid text, and what it does otherwise than Foundation, which are names that come
    ///   twice, whole numbers beyond 64 bits, fractions beyond 2⁵³, NUL in names and encodings other than UTF-8.
    package static func parseQuickly(_ bytes: [UInt8]) -> JSONValue? {
        // It takes a NUL byte for the end of the text.
        guard bytes.withUnsafeBytes({ cs_find_byte($0.baseAddress, 0, $0.count) }) < 0 else { return nil }
        let flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES
        let root = bytes.withUnsafeBytes { buffer in
            json_loadb(buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count, Int(flags), nil)
        }
        guard let root else { return nil }
        defer { json_decref(root) }
        return JSONValue(root)
    }

    /// As Foundation reads it.
    package static func parseThoroughly(_ bytes: [UInt8]) throws -> JSONValue {
        do {
            return try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        } catch DecodingError.dataCorrupted(let context) {
            let reason = (context.underlyingError as? NSError)?.userInfo["NSDebugDescription"] as? String
            throw EngineError(.invalidArgument, "not valid JSON: \(reason ?? context.debugDescription)")
        } catch {
            throw EngineError(.invalidArgument, "not valid JSON: \(error)")
        }
    }

    private init?(_ json: UnsafeMutablePointer<json_t>) {
        switch json.pointee.type {
        case JSON_OBJECT:
            var fields = [String: JSONValue](minimumCapacity: json_object_size(json))
            var position = json_object_iter(json)
            while let entry = position {
                guard let value = JSONValue(json_object_iter_value(entry)) else { return nil }
                fields[String(cString: json_object_iter_key(entry))] = value
                position = json_object_iter_next(json, entry)
            }
            self = .object(fields)
        case JSON_ARRAY:
            var items: [JSONValue] = []
            items.reserveCapacity(json_array_size(json))
            for index in 0..<json_array_size(json) {
                guard let value = JSONValue(json_array_get(json, index)) else { return nil }
                items.append(value)
            }
            self = .array(items)
        case JSON_STRING:
            let text = UnsafeRawBufferPointer(start: json_string_value(json), count: json_string_length(json))
            self = .string(String(decoding: text, as: UTF8.self))
        case JSON_INTEGER: self = .integer(Int64(json_integer_value(json)))
        case JSON_REAL:
            let number = json_real_value(json)
            // Beyond it, digits decide whether the number is whole.
            guard abs(number) < 0x1p53 else { return nil }
            self = Int64(exactly: number).map(JSONValue.integer) ?? .number(number)
        case JSON_TRUE: self = .bool(true)
        case JSON_FALSE: self = .bool(false)
        default: self = .null
        }
    }

    /// How deep arrays and objects nest, so that hostile input can't exhaust the decoder's stack.
    private static func nesting(of bytes: UnsafeBufferPointer<UInt8>) -> Int {
        var depth = 0
        var deepest = 0
        var inString = false
        var escaped = false
        for byte in bytes {
            if inString {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
        return deepest
    }
}
