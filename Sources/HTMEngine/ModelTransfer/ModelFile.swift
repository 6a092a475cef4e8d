// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Storage

/// A learned model in one file, to be carried to another engine: what the metric is, the model's checkpoint, and the rows from the
/// checkpoint's own row on. `docs/formats/model-file.md` draws the bytes.
package struct ModelFile: Sendable {
    private static let magic: [UInt8] = Array("HTMMODEL".utf8)
    private static let version: UInt32 = 1
    private static let longestHeader = 1 << 30

    var name: String
    var description: String?
    var server: String?
    /// The modelSpec, as in `metric.parameters`.
    var parameters: String
    /// The definition, as in `metric.model_params`.
    var modelParams: String
    /// Rows in order; the first is the one the checkpoint ends with.
    package var rows: [MetricRow]
    var checkpoint: Checkpoint

    package func encode() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("name", name)
        writer.field("description", description)
        writer.field("server", server)
        writer.field("parameters", parameters)
        writer.field("model_params", modelParams)
        writer.key("rows")
        writer.beginArray()
        for row in rows { row.write(to: &writer) }
        writer.endArray()
        writer.endObject()
        let header = writer.takeBytes()
        var bytes = Self.magic
        withUnsafeBytes(of: Self.version.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt32(header.count).littleEndian) { bytes.append(contentsOf: $0) }
        return bytes + header + CheckpointEnvelope.encode(checkpoint, .zstandard)
    }

    /// - Throws: `EngineError` with code `checkpointDamaged` or `invalidArgument` saying what is wrong.
    package init(_ bytes: [UInt8]) throws {
        guard bytes.count > 16, bytes.starts(with: Self.magic) else {
            throw EngineError(.invalidArgument, "this is not a model file of htmengine")
        }
        func number(_ offset: Int) -> UInt32 {
            bytes.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
        }
        guard number(8) == Self.version else {
            throw EngineError(
                .invalidArgument,
                "the model file has version \(number(8)); this program reads \(Self.version)"
            )
        }
        let length = Int(number(12))
        guard length <= Self.longestHeader, bytes.count > 16 + length else {
            throw EngineError(.checkpointDamaged, "the model file ends too early")
        }
        let fields = try JSONFields(JSONValue.parse(bytes[16..<16 + length]), path: "$")
        name = try fields.string("name")
        description = try fields.optionalString("description")
        server = try fields.optionalString("server")
        parameters = try fields.string("parameters")
        modelParams = try fields.string("model_params")
        rows = try (fields.required("rows").arrayValue ?? []).map(MetricRow.init(wire:))
        checkpoint = try CheckpointEnvelope.decode(Array(bytes[(16 + length)...]))
        guard let first = rows.first, first.rowid == checkpoint.rowid, first.rowid >= 1,
            zip(rows, rows.dropFirst()).allSatisfy({
                $0.rowid < .max && $1.rowid == $0.rowid + 1 && $1.timestamp > $0.timestamp
            })
        else { throw EngineError(.checkpointDamaged, "the rows of the model file don't follow its checkpoint") }
        guard rows.allSatisfy({ $0.value.isFinite && Timestamps.representable.contains($0.timestamp) }) else {
            throw EngineError(.checkpointDamaged, "a row of the model file has a value or time that no row can have")
        }
    }

    package init(metric: Metric, parameters: String, modelParams: String, rows: [MetricRow], checkpoint: Checkpoint) {
        name = metric.name ?? ""
        description = metric.description
        server = metric.server
        self.parameters = parameters
        self.modelParams = modelParams
        self.rows = rows
        self.checkpoint = checkpoint
    }
}
