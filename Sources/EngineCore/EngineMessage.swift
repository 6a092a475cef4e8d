// SPDX-License-Identifier: Apache-2.0

/// What the engine tells the world: the two messages of the results exchange (spec engine.md 2.6).
package enum EngineMessage: Sendable, Hashable {
    case inferenceResults(InferenceResults)
    case commandResult(ModelCommandResult)
    /// Somebody else's message on the exchange, with the header `dataType` it has. The engine never makes one.
    case foreign(dataType: String)

    package var uid: String {
        switch self {
        case .inferenceResults(let results): results.metric.uid
        case .commandResult(let result): result.modelId
        case .foreign: ""
        }
    }
}

/// The metric's part of an inference results message.
package struct MetricDescription: Sendable, Hashable {
    package var uid: String
    package var name: String?
    package var description: String?
    /// Column `server`.
    package var resource: String?
    package var location: String?
    package var datasource: String
    /// `metricSpec` of the modelSpec, a JSON object as text.
    package var specJSON: String

    package init(
        uid: String,
        name: String?,
        description: String?,
        resource: String?,
        location: String?,
        datasource: String,
        specJSON: String
    ) {
        self.uid = uid
        self.name = name
        self.description = description
        self.resource = resource
        self.location = location
        self.datasource = datasource
        self.specJSON = specJSON
    }
}

/// Scores of consecutive rows of one metric, in rowid order, committed before they are published.
package struct InferenceResults: Sendable, Hashable {
    package var metric: MetricDescription
    package var generation: Int64
    /// Row ids rising; all scored.
    package var rows: [MetricRow]

    package init(metric: MetricDescription, generation: Int64, rows: [MetricRow]) {
        self.metric = metric
        self.generation = generation
        self.rows = rows
    }
}

/// The outcome of defining or deleting a model.
package struct ModelCommandResult: Sendable, Hashable {
    package enum Method: String, Sendable, Hashable {
        case defineModel, deleteModel
    }

    /// Present for a successful `defineModel` only.
    package struct ModelInfo: Sendable, Hashable {
        package var metricName: String
        package var resource: String
        /// A JSON object as text.
        package var modelSpecJSON: String

        package init(metricName: String, resource: String, modelSpecJSON: String) {
            self.metricName = metricName
            self.resource = resource
            self.modelSpecJSON = modelSpecJSON
        }
    }

    package var method: Method
    package var modelId: String
    /// 32 hexadecimal digits.
    package var commandId: String
    /// 0 success, 1 error, 2 exists with another definition, 3 no such model, 4 invalid argument (spec engine.md 2.8).
    package var status: Int
    package var errorMessage: String?
    package var modelInfo: ModelInfo?

    package init(
        method: Method,
        modelId: String,
        commandId: String = Metric.makeUID(),
        status: Int,
        errorMessage: String? = nil,
        modelInfo: ModelInfo? = nil
    ) {
        self.method = method
        self.modelId = modelId
        self.commandId = commandId
        self.status = status
        self.errorMessage = errorMessage
        self.modelInfo = modelInfo
    }
}

extension EngineMessage {
    /// The message as compact JSON, keys and types as the original's schemas say.
    package var json: String {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.text
    }

    /// Appends the message as JSON.
    package func write(to writer: inout JSONWriter) {
        switch self {
        case .inferenceResults(let results): results.write(to: &writer)
        case .commandResult(let result): result.write(to: &writer)
        case .foreign(let dataType):
            writer.beginObject()
            writer.field("dataType", dataType)
            writer.endObject()
        }
    }
}

extension InferenceResults {
    /// Appends the message as JSON.
    ///
    /// - Parameter explanation: Writes a row's reason as `explanation`; nil for the original's message, which has none.
    package func write(
        to writer: inout JSONWriter,
        explanation: ((AnomalyReason, inout JSONWriter) -> Void)? = nil
    ) {
        writer.beginObject()
        writer.key("metric")
        writer.beginObject()
        writer.field("uid", metric.uid)
        writer.field("name", metric.name)
        writer.field("description", metric.description)
        writer.field("resource", metric.resource)
        writer.field("location", metric.location)
        writer.field("datasource", metric.datasource)
        writer.key("spec")
        writer.raw(metric.specJSON)
        writer.endObject()
        writer.key("results")
        writer.beginArray()
        for row in rows {
            writer.beginObject()
            writer.field("rowid", row.rowid)
            writer.field("ts", Double(row.timestamp))
            writer.field("value", row.value)
            writer.field("rawAnomaly", row.rawAnomalyScore)
            writer.field("anomaly", row.anomalyScore)
            writer.key("multiStepBestPredictions")
            writer.raw(row.predictions ?? "null")
            if let explanation, let reason = row.reason {
                writer.key("explanation")
                explanation(reason, &writer)
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }
}

extension ModelCommandResult {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("method", method.rawValue)
        writer.field("modelId", modelId)
        writer.field("commandId", commandId)
        writer.field("status", Int64(status))
        writer.field("errorMessage", errorMessage)
        if let modelInfo {
            writer.key("modelInfo")
            writer.beginObject()
            writer.field("metricName", modelInfo.metricName)
            writer.field("resource", modelInfo.resource)
            writer.key("modelSpec")
            writer.raw(modelInfo.modelSpecJSON)
            writer.endObject()
        }
        writer.endObject()
    }
}
