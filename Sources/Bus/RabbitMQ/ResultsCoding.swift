// SPDX-License-Identifier: Apache-2.0

internal import CZlib
import EngineCore

/// Messages of the results exchange: zlib streams of JSON (spec engine.md 2.6).
package enum ResultsCoding {
    package static func encode(_ message: EngineMessage, exchange: String) -> AMQPMessage {
        var writer = JSONWriter()
        message.write(to: &writer)
        var encoded = AMQPMessage(body: deflate(writer.takeBytes()))
        encoded.exchange = exchange
        if case .commandResult = message { encoded.headers = [("dataType", EngineMessage.commandDataType)] }
        return encoded
    }

    /// - Throws: `EngineError` with code `invalidArgument` when it says it is one of our two messages and isn't.
    package static func decode(_ body: [UInt8], dataType: String?) throws -> EngineMessage {
        if let dataType, !dataType.isEmpty, dataType != EngineMessage.commandDataType {
            return .foreign(dataType: dataType)
        }
        return try decode(json: try JSONValue.parse(inflate(body)), dataType: dataType)
    }

    /// The same of a message's text.
    package static func decode(json: JSONValue, dataType: String?) throws -> EngineMessage {
        switch dataType {
        case nil, "": return try EngineMessage(json: json, isCommand: false)
        case EngineMessage.commandDataType: return try EngineMessage(json: json, isCommand: true)
        case .some(let dataType): return .foreign(dataType: dataType)
        }
    }

    /// A zlib stream (RFC 1950) of the default level.
    static func deflate(_ bytes: [UInt8]) -> [UInt8] {
        var count = compressBound(UInt(bytes.count))
        return [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, used in
            let status = compress(buffer.baseAddress, &count, bytes, UInt(bytes.count))
            precondition(status == Z_OK, "the buffer has the size zlib asked for")
            used = Int(count)
        }
    }

    /// The contents of a zlib stream; at most 256 MB, since a small message can promise any size.
    static func inflate(_ bytes: [UInt8]) throws -> [UInt8] {
        var capacity = max(1024, bytes.count * 8)
        while capacity <= 256 << 20 {
            var status = Z_OK
            let result = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, used in
                var count = UInt(capacity)
                status = uncompress(buffer.baseAddress, &count, bytes, UInt(bytes.count))
                used = status == Z_OK ? Int(count) : 0
            }
            if status == Z_OK { return result }
            guard status == Z_BUF_ERROR else { break }
            capacity *= 4
        }
        throw EngineError(.invalidArgument, "the message is no zlib stream")
    }
}
