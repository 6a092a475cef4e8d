// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// The words spoken over the engine's unix socket: `POST /_engine/<verb>` with a JSON object, answered by `{"result": …}` or
/// `{"error": {"code", "message", "uid"}}`. Only programs of the engine's own user reach that socket, and both ends are of one
/// version, so this is no public interface; the public one is the JSON API.
enum AccessVerb: String, CaseIterable {
    case createMetric, monitor, activateModel, unmonitor, deleteMetric, exportModel, importModel, retry
    case exportLearnedModel, importLearnedModel
    case metricByName, metricByUID, metrics, rows, explainedRows, reasons, send, setCollectorError
    case verify, removeRows, backup

    static let prefix = "/_engine/"
}

extension EngineError {
    init(wire json: JSONValue) {
        let code = json["code"]?.stringValue.flatMap(Code.init(rawValue:)) ?? .failed
        self.init(code, json["message"]?.stringValue ?? json.text, uid: json["uid"]?.stringValue)
    }

    var wire: JSONValue {
        .object([
            "code": .string(code.rawValue), "message": .string(message), "uid": uid.map(JSONValue.string) ?? .null,
        ])
    }
}

extension MetricRow {
    func write(to writer: inout JSONWriter) {
        writer.beginArray()
        writer.value(rowid)
        writer.value(timestamp)
        writer.value(value)
        writer.value(rawAnomalyScore)
        writer.value(anomalyScore)
        writer.value(displayValue)
        writer.value(predictions)
        writer.endArray()
    }

    init(wire json: JSONValue) throws {
        guard let items = json.arrayValue, items.count == 7, let rowid = items[0].integerValue,
            let timestamp = items[1].integerValue, let value = items[2].doubleValue
        else { throw EngineError(.failed, "the engine's answer holds \(json.text), which is not a row") }
        self.init(
            rowid: rowid,
            timestamp: timestamp,
            value: value,
            rawAnomalyScore: items[3].doubleValue,
            anomalyScore: items[4].doubleValue,
            displayValue: items[5].integerValue,
            predictions: items[6].stringValue
        )
    }
}

extension MetricSummary {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("uid", metric.uid)
        writer.field("datasource", metric.datasource)
        writer.field("name", metric.name)
        writer.field("description", metric.description)
        writer.field("server", metric.server)
        writer.field("location", metric.location)
        writer.field("parameters", metric.parameters)
        writer.field("status", Int64(metric.status.rawValue))
        writer.field("message", metric.message)
        writer.field("collectorError", metric.collectorError)
        writer.field("lastTimestamp", metric.lastTimestamp)
        writer.field("pollInterval", metric.pollInterval.map(Int64.init))
        writer.field("tagName", metric.tagName)
        writer.field("modelParams", metric.modelParams)
        writer.field("lastRowid", metric.lastRowid)
        writer.field("rows", rows)
        writer.field("scoredRows", scoredRows)
        writer.field("lastScore", lastScore)
        writer.field("isAutomatic", isAutomatic)
        if let lastRow {
            writer.key("lastRow")
            lastRow.write(to: &writer)
        }
        writer.endObject()
    }

    init(wire json: JSONValue) throws {
        let fields = try JSONFields(json, path: "$")
        func whole(_ name: String) throws -> Int64 {
            guard let number = fields.fields[name]?.integerValue else {
                throw EngineError(.failed, "the engine's answer lacks the number \(name)")
            }
            return number
        }
        guard let status = MetricStatus(rawValue: Int(try whole("status"))) else {
            throw EngineError(.failed, "the engine's answer has an unknown status")
        }
        let metric = Metric(
            uid: try fields.string("uid"),
            datasource: try fields.optionalString("datasource"),
            name: try fields.optionalString("name"),
            description: try fields.optionalString("description"),
            server: try fields.optionalString("server"),
            location: try fields.optionalString("location"),
            parameters: try fields.optionalString("parameters"),
            status: status,
            message: try fields.optionalString("message"),
            collectorError: try fields.optionalString("collectorError"),
            lastTimestamp: fields.fields["lastTimestamp"]?.integerValue,
            pollInterval: fields.fields["pollInterval"]?.integerValue.map(Int.init),
            tagName: try fields.optionalString("tagName"),
            modelParams: try fields.optionalString("modelParams"),
            lastRowid: try whole("lastRowid")
        )
        self.init(
            metric: metric,
            rows: try whole("rows"),
            scoredRows: try whole("scoredRows"),
            lastRow: try fields.fields["lastRow"].map(MetricRow.init(wire:)),
            lastScore: fields.fields["lastScore"]?.doubleValue,
            isAutomatic: fields.fields["isAutomatic"]?.boolValue ?? false
        )
    }
}

/// Samples to send, as columns: `{"names": […], "samples": [[name index, time, value], …]}`.
enum SampleColumns {
    static func write(_ samples: [IncomingSample], to writer: inout JSONWriter) {
        var indexes: [String: Int64] = [:]
        var names: [String] = []
        for sample in samples where indexes[sample.name] == nil {
            indexes[sample.name] = Int64(names.count)
            names.append(sample.name)
        }
        writer.beginObject()
        writer.key("names")
        writer.beginArray()
        for name in names { writer.value(name) }
        writer.endArray()
        writer.key("samples")
        writer.beginArray()
        for sample in samples {
            writer.beginArray()
            writer.value(indexes[sample.name])
            writer.value(sample.sample.timestamp)
            writer.value(sample.sample.value)
            writer.endArray()
        }
        writer.endArray()
        writer.endObject()
    }

    static func read(_ json: JSONValue) throws -> [IncomingSample] {
        guard let texts = json["names"]?.arrayValue, let items = json["samples"]?.arrayValue else {
            throw EngineError(.invalidArgument, "expected the arrays names and samples")
        }
        let names = try texts.map { text in
            guard let name = text.stringValue else { throw EngineError(.invalidArgument, "a name is no text") }
            do throws(SampleRefusal) {
                return try MetricName.check(name.utf8)
            } catch {
                throw EngineError(.invalidArgument, error.reason)
            }
        }
        return try items.map { item in
            guard let parts = item.arrayValue, parts.count == 3, let index = parts[0].integerValue,
                names.indices.contains(Int(index)), let time = parts[1].integerValue, let value = parts[2].doubleValue,
                value.isFinite
            else { throw EngineError(.invalidArgument, "\(item.text) is not [name index, time, value]") }
            return IncomingSample(name: names[Int(index)], sample: Sample(timestamp: time, value: value))
        }
    }
}
