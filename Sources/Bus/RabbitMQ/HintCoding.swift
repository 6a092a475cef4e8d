// SPDX-License-Identifier: Apache-2.0

import EngineCore
internal import Foundation

/// Hints as messages of the partition queues: `[["<uid>", generation, first rowid, [[time, value], …]], …]`.
///
/// Ours alone, and never needed for correctness: a message that can't be read is left out.
enum HintCoding {
    static func encode(_ hints: [ModelHint]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginArray()
        for hint in hints {
            writer.beginArray()
            writer.value(hint.uid)
            writer.value(hint.generation)
            writer.value(hint.firstRowid)
            writer.beginArray()
            for sample in hint.samples {
                writer.beginArray()
                writer.value(sample.timestamp)
                writer.value(sample.value)
                writer.endArray()
            }
            writer.endArray()
            writer.endArray()
        }
        writer.endArray()
        return writer.takeBytes()
    }

    static func decode(_ bytes: [UInt8]) -> [ModelHint] {
        (try? JSONDecoder().decode(Message.self, from: Data(bytes)))?.hints ?? []
    }

    /// Decoded field by field: a value whose type has to be guessed costs an error for each wrong guess.
    private struct Message: Decodable {
        var hints: [ModelHint] = []

        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            while !list.isAtEnd {
                var item = try list.nestedUnkeyedContainer()
                var hint = ModelHint(uid: try item.decode(String.self))
                hint.generation = try item.decode(Int64.self)
                hint.firstRowid = try item.decode(Int64.self)
                var rows = try item.nestedUnkeyedContainer()
                while !rows.isAtEnd {
                    var row = try rows.nestedUnkeyedContainer()
                    let time = try row.decode(Int64.self)
                    hint.samples.append(Sample(timestamp: time, value: try row.decode(Double.self)))
                }
                hints.append(hint)
            }
        }
    }
}
