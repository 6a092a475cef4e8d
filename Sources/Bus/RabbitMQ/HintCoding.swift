// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Hints as messages of the partition queues: `[["<uid>", generation, first rowid, [[time, value], …]], …]`.
///
/// Ours alone, and never needed for correctness: what can't be read is left out, and so are row ids and samples that no table has.
package enum HintCoding {
    package static func encode(_ hints: [ModelHint]) -> [UInt8] {
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

    package static func decode(_ bytes: [UInt8]) -> [ModelHint] {
        guard let items = try? JSONValue.parse(bytes).arrayValue else { return [] }
        return items.compactMap { item in
            guard let parts = item.arrayValue, parts.count == 4, let uid = parts[0].stringValue,
                let generation = parts[1].integerValue, let first = parts[2].integerValue,
                let samples = parts[3].arrayValue, generation >= 0, first >= 0,
                !first.addingReportingOverflow(Int64(samples.count)).overflow
            else { return nil }
            let decoded = samples.compactMap { pair -> Sample? in
                guard let pair = pair.arrayValue, pair.count == 2, let time = pair[0].integerValue,
                    let value = pair[1].doubleValue, value.isFinite, Timestamps.representable.contains(time)
                else { return nil }
                return Sample(timestamp: time, value: value)
            }
            guard decoded.count == samples.count,
                zip(decoded, decoded.dropFirst()).allSatisfy({ $0.timestamp < $1.timestamp })
            else { return nil }
            return ModelHint(uid: uid, generation: generation, firstRowid: first, samples: decoded)
        }
    }
}
