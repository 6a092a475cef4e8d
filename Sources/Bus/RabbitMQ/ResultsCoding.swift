// SPDX-License-Identifier: Apache-2.0

internal import CZlib
import EngineCore

/// Messages of the results exchange: zlib streams of JSON (spec engine.md 2.6).
package enum ResultsCoding {
    /// Header of command results; inference results have none.
    package static let commandResultType = "model-cmd-result"

    package static func encode(_ message: EngineMessage, exchange: String) -> AMQPMessage {
        var writer = JSONWriter()
        message.write(to: &writer)
        var encoded = AMQPMessage(body: deflate(writer.takeBytes()))
        encoded.exchange = exchange
        if case .commandResult = message { encoded.headers = [("dataType", commandResultType)] }
        return encoded
    }

    /// - Throws: `EngineError` with code `invalidArgument` when it is none of the two messages.
    package static func decode(_ body: [UInt8], dataType: String?) throws -> EngineMessage {
        try decode(json: try JSONValue.parse(inflate(body)), dataType: dataType)
    }

    /// The same of a message's text.
    package static func decode(json: JSONValue, dataType: String?) throws -> EngineMessage {
        switch dataType {
        case nil, "": return .inferenceResults(try results(json))
        case commandResultType: return .commandResult(try command(json))
        default: throw EngineError(.invalidArgument, "Unexpected message header dataType=\(dataType ?? "")")
        }
    }

    private static func results(_ json: JSONValue) throws -> InferenceResults {
        let message = try JSONFields(json, path: "$")
        let metric = try JSONFields(message.required("metric"), path: "$.metric")
        guard let items = try message.required("results").arrayValue else {
            throw EngineError(.invalidArgument, "$.results is no array")
        }
        let rows = try items.map { item in
            let row = try JSONFields(item, path: "$.results[]")
            guard let rowid = try row.required("rowid").integerValue, let time = try row.required("ts").doubleValue,
                let timestamp = Int64(exactly: time.rounded(.towardZero)),
                let value = try row.required("value").doubleValue
            else { throw EngineError(.invalidArgument, "$.results[] lacks rowid, ts or value, or ts is no time") }
            let anomaly = try row.optionalNumber("anomaly")
            return MetricRow(
                rowid: rowid,
                timestamp: timestamp,
                value: value,
                rawAnomalyScore: try row.optionalNumber("rawAnomaly"),
                anomalyScore: anomaly,
                displayValue: anomaly.map { DisplayValue.of(anomalyScore: $0) },
                predictions: row.fields["multiStepBestPredictions"]?.text ?? "null"
            )
        }
        return InferenceResults(
            metric: MetricDescription(
                uid: try metric.string("uid"),
                name: try metric.optionalString("name"),
                description: try metric.optionalString("description"),
                resource: try metric.optionalString("resource"),
                location: try metric.optionalString("location"),
                datasource: try metric.string("datasource"),
                specJSON: try metric.required("spec").text
            ),
            // The original's message has no place for it.
            generation: 0,
            rows: rows
        )
    }

    private static func command(_ json: JSONValue) throws -> ModelCommandResult {
        let message = try JSONFields(json, path: "$")
        guard let method = ModelCommandResult.Method(rawValue: try message.string("method")) else {
            throw EngineError(.invalidArgument, "$.method is neither defineModel nor deleteModel")
        }
        var result = ModelCommandResult(
            method: method,
            modelId: try message.string("modelId"),
            commandId: try message.string("commandId"),
            status: Int(try message.required("status").integerValue ?? 1),
            errorMessage: try message.optionalString("errorMessage")
        )
        if let info = message.fields["modelInfo"], info != .null {
            let fields = try JSONFields(info, path: "$.modelInfo")
            result.modelInfo = .init(
                metricName: try fields.string("metricName"),
                resource: try fields.string("resource"),
                modelSpecJSON: try fields.required("modelSpec").text
            )
        }
        return result
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
