// SPDX-License-Identifier: Apache-2.0

extension EngineMessage {
    /// The header `dataType` of command results on the results exchange; inference results have none (spec engine.md 2.6).
    package static let commandDataType = "model-cmd-result"

    /// Reads a message of the results exchange or of the stream of server-sent events.
    /// - Parameter isCommand: Whether it is a command result; the JSON itself doesn't say.
    /// - Throws: `EngineError` with code `invalidArgument` naming the JSON path of what is wrong.
    package init(json: JSONValue, isCommand: Bool) throws {
        let root = try JSONFields(json, path: "$")
        self = isCommand ? .commandResult(try ModelCommandResult(root)) : .inferenceResults(try InferenceResults(root))
    }
}

extension InferenceResults {
    fileprivate init(_ root: JSONFields) throws {
        let metric = try JSONFields(try root.required("metric"), path: "$.metric")
        let description = MetricDescription(
            uid: try metric.string("uid"),
            name: try metric.optionalString("name"),
            description: try metric.optionalString("description"),
            resource: try metric.optionalString("resource"),
            location: try metric.optionalString("location"),
            datasource: try metric.string("datasource"),
            specJSON: try metric.object("spec").text
        )
        let results = try root.required("results")
        guard let items = results.arrayValue else { throw root.wrong("results", results, expected: "an array") }
        let rows = try items.enumerated().map { index, item in
            try MetricRow(JSONFields(item, path: "$.results[\(index)]"))
        }
        self.init(metric: description, generation: 0, rows: rows)
    }
}

extension MetricRow {
    fileprivate init(_ fields: JSONFields) throws {
        func number(_ name: String) throws -> Double {
            let value = try fields.required(name)
            guard let number = value.doubleValue else { throw fields.wrong(name, value, expected: "a number") }
            return number
        }
        let rowid = try fields.required("rowid")
        guard let rowid = rowid.integerValue else { throw fields.wrong("rowid", rowid, expected: "a whole number") }
        let predictions = fields.fields["multiStepBestPredictions"] ?? .null
        let anomaly = try number("anomaly")
        guard let timestamp = Int64(exactly: try number("ts").rounded(.towardZero)) else {
            throw fields.wrong("ts", fields.fields["ts"] ?? .null, expected: "a Unix time in seconds")
        }
        self.init(
            rowid: rowid,
            timestamp: timestamp,
            value: try number("value"),
            rawAnomalyScore: try number("rawAnomaly"),
            anomalyScore: anomaly,
            displayValue: DisplayValue.of(anomalyScore: anomaly),
            predictions: predictions.text,
            reason: try fields.fields["explanation"].map { try AnomalyReason(json: $0) }
        )
    }
}

extension ModelCommandResult {
    fileprivate init(_ root: JSONFields) throws {
        let methodText = try root.string("method")
        guard let method = Method(rawValue: methodText) else {
            throw EngineError(.invalidArgument, "$.method is \"\(methodText)\"; expected defineModel or deleteModel")
        }
        let status = try root.required("status")
        guard let number = status.integerValue else { throw root.wrong("status", status, expected: "a whole number") }
        var info: ModelInfo?
        if let json = root.fields["modelInfo"], json != .null {
            let fields = try JSONFields(json, path: "$.modelInfo")
            info = ModelInfo(
                metricName: try fields.string("metricName"),
                resource: try fields.string("resource"),
                modelSpecJSON: try fields.object("modelSpec").text
            )
        }
        self.init(
            method: method,
            modelId: try root.string("modelId"),
            commandId: try root.string("commandId"),
            status: Int(clamping: number),
            errorMessage: try root.optionalString("errorMessage"),
            modelInfo: info
        )
    }
}
