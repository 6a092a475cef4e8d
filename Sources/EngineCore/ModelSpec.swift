// SPDX-License-Identifier: Apache-2.0

/// What a user asks for when a metric is to be monitored (spec engine.md 2.7).
package struct ModelSpec: Sendable, Hashable {
    /// How the metric is named in the spec.
    package enum Target: Sendable, Hashable {
        case name(String)
        case uid(String)
    }

    /// What may be said about a standard model.
    package struct ModelParams: Sendable, Hashable {
        /// Both or neither of `min` and `max`.
        package var min: Double?
        package var max: Double?
        package var minResolution: Double?
        package var enableClassifier: Bool?
        /// nil: the installation's default.
        package var mode: DetectionMode?

        package init(
            min: Double? = nil,
            max: Double? = nil,
            minResolution: Double? = nil,
            enableClassifier: Bool? = nil,
            mode: DetectionMode? = nil
        ) {
            self.min = min
            self.max = max
            self.minResolution = minResolution
            self.enableClassifier = enableClassifier
            self.mode = mode
        }
    }

    /// A model spelled out in full.
    package struct CompleteModelParams: Sendable, Hashable {
        package var modelConfig: JSONValue
        package var inferenceArgs: JSONValue
        package var timestampFieldName: String
        package var valueFieldName: String
    }

    package var datasource: String
    package var target: Target
    package var unit: String?
    package var resource: String?
    package var userInfo: JSONValue?
    package var modelParams: ModelParams?
    /// Excludes `modelParams`.
    package var completeModelParams: CompleteModelParams?
    /// Samples that come with an exported model, oldest first; nil when the key is absent.
    package var data: [Sample]?

    package init(metric name: String, modelParams: ModelParams? = nil) {
        datasource = "custom"
        target = .name(name)
        self.modelParams = modelParams
    }

    package init(uid: String, modelParams: ModelParams? = nil) {
        datasource = "custom"
        target = .uid(uid)
        self.modelParams = modelParams
    }

    /// Reads and checks a modelSpec.
    /// - Throws: `EngineError` with code `invalidArgument`, or `unsupportedDatasource`, naming the JSON path of what is wrong.
    package init(json: JSONValue) throws {
        let root = try JSONFields(json, path: "$")
        try root.allow(["datasource", "metricSpec", "modelParams", "completeModelParams", "data"])
        datasource = try root.string("datasource")
        guard datasource == "custom" else {
            throw EngineError(.unsupportedDatasource, "$.datasource is \"\(datasource)\"; expected \"custom\"")
        }
        let metric = try JSONFields(try root.required("metricSpec"), path: "$.metricSpec")
        try metric.allow(["metric", "uid", "unit", "resource", "userInfo"])
        if let uid = try metric.optionalString("uid") {
            target = .uid(uid)
        } else if let name = try metric.optionalString("metric") {
            target = .name(name)
        } else {
            throw EngineError(.invalidArgument, "$.metricSpec has neither \"metric\" nor \"uid\"")
        }
        unit = try metric.optionalString("unit")
        resource = try metric.optionalString("resource")
        if let info = metric.fields["userInfo"] {
            guard case .object = info else { throw metric.wrong("userInfo", info, expected: "an object") }
            userInfo = info
        }
        if let complete = root.fields["completeModelParams"] {
            guard root.fields["modelParams"] == nil else {
                throw EngineError(
                    .invalidArgument,
                    "$.modelParams and $.completeModelParams exclude each other; both are given"
                )
            }
            completeModelParams = try CompleteModelParams(json: complete)
        } else if let params = root.fields["modelParams"] {
            modelParams = try ModelParams(json: params, path: "$.modelParams")
        }
        data = try root.fields["data"].map(Self.samples)
    }

    private static func samples(_ json: JSONValue) throws -> [Sample] {
        guard case .array(let items) = json else {
            throw EngineError(.invalidArgument, "$.data is \(json.kind); expected an array")
        }
        return try items.enumerated().map { index, item in
            guard let pair = item.arrayValue, pair.count == 2, let value = pair[0].doubleValue, value.isFinite,
                let text = pair[1].stringValue, let time = Timestamps.parseSQLText(text)
            else {
                throw EngineError(
                    .invalidArgument,
                    "$.data[\(index)] is not [value, \"YYYY-MM-DD HH:MM:SS\"] with a finite value"
                )
            }
            return Sample(timestamp: time, value: value)
        }
    }

    /// The spec with the detection mode of an installation, where it says none and can have it.
    package func settingDefault(mode: DetectionMode) -> ModelSpec {
        guard mode != .parity, completeModelParams == nil else { return self }
        var params = modelParams ?? ModelParams()
        // Who asks for predictions asks for the mode that has them.
        guard params.mode == nil, params.enableClassifier != true else { return self }
        params.mode = mode
        var spec = self
        spec.modelParams = params
        return spec
    }

    /// The spec as it is stored in `metric.parameters`: the metric by its name, `data` left out.
    package func canonicalJSON(name: String) -> JSONValue {
        var metric: [String: JSONValue] = ["metric": .string(name)]
        metric["unit"] = unit.map(JSONValue.string)
        metric["resource"] = resource.map(JSONValue.string)
        metric["userInfo"] = userInfo
        var root: [String: JSONValue] = ["datasource": .string(datasource), "metricSpec": .object(metric)]
        root["modelParams"] = modelParams?.json
        root["completeModelParams"] = completeModelParams?.json
        return .object(root)
    }
}

extension ModelSpec.ModelParams {
    /// Reads and checks `modelParams`, which is also the body of a PUT.
    package init(json: JSONValue, path: String) throws {
        let fields = try JSONFields(json, path: path)
        try fields.allow(["min", "max", "minResolution", "enableClassifier", "mode"])
        min = try fields.optionalNumber("min")
        max = try fields.optionalNumber("max")
        minResolution = try fields.optionalNumber("minResolution")
        enableClassifier = try fields.optionalBool("enableClassifier")
        if let text = try fields.optionalString("mode") {
            guard let known = DetectionMode(rawValue: text) else {
                throw EngineError(
                    .invalidArgument,
                    "\(path).mode is \"\(text.prefix(60))\"; expected \(DetectionMode.names)"
                )
            }
            mode = known
        }
        try check(path: path)
    }

    /// Checks the relations between the numbers.
    package func check(path: String) throws {
        guard (min == nil) == (max == nil) else {
            throw EngineError(
                .invalidArgument,
                "min and max params must both be None or non-None: \(path) has only \(min == nil ? "max" : "min")"
            )
        }
        for (name, value) in [("min", min), ("max", max), ("minResolution", minResolution)] {
            if let value, !value.isFinite { throw EngineError(.invalidArgument, "\(path).\(name) is not finite") }
        }
        if let min, let max, min > max {
            throw EngineError(
                .invalidArgument,
                "\(path).min (\(NumberFormat.shortest(min))) is greater than max (\(NumberFormat.shortest(max)))"
            )
        }
        if let min, let max, !(max - min).isFinite {
            throw EngineError(.invalidArgument, "\(path): the distance from min to max is too large for a double")
        }
        if mode == .evidence, enableClassifier == true {
            throw EngineError(
                .invalidArgument,
                "\(path).enableClassifier is true; expected false with mode evidence, which predicts no values"
            )
        }
        if let minResolution, minResolution <= 0 {
            throw EngineError(
                .invalidArgument,
                "\(path).minResolution is \(NumberFormat.shortest(minResolution)); expected a number above 0"
            )
        }
    }

    package var json: JSONValue {
        var fields: [String: JSONValue] = [:]
        fields["min"] = min.map(JSONValue.number)
        fields["max"] = max.map(JSONValue.number)
        fields["minResolution"] = minResolution.map(JSONValue.number)
        fields["enableClassifier"] = enableClassifier.map(JSONValue.bool)
        fields["mode"] = mode.map { .string($0.rawValue) }
        return .object(fields)
    }
}

extension ModelSpec.CompleteModelParams {
    init(json: JSONValue) throws {
        let fields = try JSONFields(json, path: "$.completeModelParams")
        try fields.allow(["modelConfig", "inferenceArgs", "timestampFieldName", "valueFieldName"])
        inferenceArgs = try fields.object("inferenceArgs")
        timestampFieldName = try fields.string("timestampFieldName")
        valueFieldName = try fields.string("valueFieldName")
        modelConfig = try fields.object("modelConfig")
        guard let predicted = inferenceArgs["predictedField"] else {
            throw EngineError(.invalidArgument, "$.completeModelParams.inferenceArgs.predictedField is missing")
        }
        guard predicted.stringValue == valueFieldName else {
            throw EngineError(
                .invalidArgument,
                "$.completeModelParams.inferenceArgs.predictedField is \(predicted.text); expected the valueFieldName, "
                    + "\"\(valueFieldName)\""
            )
        }
    }

    package var json: JSONValue {
        .object([
            "modelConfig": modelConfig, "inferenceArgs": inferenceArgs,
            "timestampFieldName": .string(timestampFieldName), "valueFieldName": .string(valueFieldName),
        ])
    }
}

/// The fields of a JSON object with its path, so that every error can name the place.
package struct JSONFields: Sendable {
    package let fields: [String: JSONValue]
    package let path: String

    package init(_ json: JSONValue, path: String) throws {
        guard case .object(let fields) = json else {
            throw EngineError(.invalidArgument, "\(path) is \(json.kind); expected an object")
        }
        self.fields = fields
        self.path = path
    }

    /// Refuses fields of any other name.
    package func allow(_ names: Set<String>) throws {
        guard let unknown = fields.keys.filter({ !names.contains($0) }).min() else { return }
        throw EngineError(
            .invalidArgument,
            "\(path).\(unknown) is not known; expected only \(names.sorted().joined(separator: ", "))"
        )
    }

    package func required(_ name: String) throws -> JSONValue {
        guard let value = fields[name] else { throw EngineError(.invalidArgument, "\(path).\(name) is missing") }
        return value
    }

    package func wrong(_ name: String, _ value: JSONValue, expected: String) -> EngineError {
        EngineError(.invalidArgument, "\(path).\(name) is \(value.kind); expected \(expected)")
    }

    package func string(_ name: String) throws -> String {
        let value = try required(name)
        guard let text = value.stringValue else { throw wrong(name, value, expected: "a string") }
        return text
    }

    package func object(_ name: String) throws -> JSONValue {
        let value = try required(name)
        guard case .object = value else { throw wrong(name, value, expected: "an object") }
        return value
    }

    /// Nil when absent or null.
    package func optionalString(_ name: String) throws -> String? {
        guard let value = fields[name], value != .null else { return nil }
        guard let text = value.stringValue else { throw wrong(name, value, expected: "a string") }
        return text
    }

    /// Nil when absent or null.
    package func optionalNumber(_ name: String) throws -> Double? {
        guard let value = fields[name], value != .null else { return nil }
        guard let number = value.doubleValue else { throw wrong(name, value, expected: "a number") }
        return number
    }

    /// Nil when absent or null.
    package func optionalBool(_ name: String) throws -> Bool? {
        guard let value = fields[name], value != .null else { return nil }
        guard let flag = value.boolValue else { throw wrong(name, value, expected: "a boolean") }
        return flag
    }
}
