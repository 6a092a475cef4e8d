// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTM

extension ModelDefinition {
    /// Reads the definition: every encoder and parameter of spec htm.md, under the original's names.
    /// - Throws: `EngineError` with code `invalidArgument` naming the JSON path of what can't be followed.
    package func modelParameters() throws -> ModelParameters {
        let root = try JSONFields(json, path: "$")
        let (timestampField, valueField) = try Self.fieldNames(root)
        let config = try JSONFields(try root.required("modelConfig"), path: "$.modelConfig")
        if let kind = config.fields["model"]?.stringValue, kind != "HTMPrediction", kind != "CLA" {
            throw EngineError(.invalidArgument, "$.modelConfig.model is \"\(kind)\"; expected HTMPrediction")
        }
        let model = try JSONFields(try config.required("modelParams"), path: "$.modelConfig.modelParams")
        if let kind = model.fields["inferenceType"]?.stringValue, kind != "TemporalAnomaly" {
            throw EngineError(
                .invalidArgument,
                "\(model.path).inferenceType is \"\(kind)\"; expected TemporalAnomaly"
            )
        }
        let sensor = try JSONFields(try model.required("sensorParams"), path: "\(model.path).sensorParams")
        let encoders = try EncoderDefinitions.read(
            try sensor.required("encoders"),
            path: "\(sensor.path).encoders",
            timestampField: timestampField,
            valueField: valueField
        )
        var parameters = ModelParameters(encoders: encoders)
        if let json = model.fields["spParams"], json != .null {
            parameters.spatialPooler = try RegionDefinitions.spatialPooler(json, path: "\(model.path).spParams")
        }
        // NuPIC before 1.0 called the temporal memory "tp".
        for name in ["tmParams", "tpParams"] {
            if let json = model.fields[name], json != .null {
                parameters.temporalMemory = try RegionDefinitions.temporalMemory(json, path: "\(model.path).\(name)")
            }
        }
        for name in ["spEnable", "tmEnable", "tpEnable"] where try model.optionalBool(name) == false {
            throw EngineError(.invalidArgument, "\(model.path).\(name) is false; an anomaly model needs it")
        }
        if try model.optionalBool("clEnable") == true {
            let json = model.fields["clParams"] ?? .object([:])
            parameters.classifier = try RegionDefinitions.classifier(json, path: "\(model.path).clParams")
        }
        return parameters
    }

    /// The names of the two fields of a record.
    private static func fieldNames(_ root: JSONFields) throws -> (timestamp: String, value: String) {
        guard let schema = root.fields["inputRecordSchema"] else { return ("c0", "c1") }
        var timestamp: String?
        var value: String?
        for field in schema.arrayValue ?? [] {
            guard let parts = field.arrayValue, parts.count == 3, let name = parts[0].stringValue else {
                throw EngineError(
                    .invalidArgument,
                    "$.inputRecordSchema holds \(field.text); expected [name, type, special]"
                )
            }
            if parts[2].stringValue == "T" { timestamp = name } else if value == nil { value = name }
        }
        guard let timestamp, let value else {
            throw EngineError(.invalidArgument, "$.inputRecordSchema names no timestamp or no value field")
        }
        return (timestamp, value)
    }
}
