// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTM

/// A model's definition as it stands in `metric.model_params`: the original's "swarmParams" (spec engine.md 2.7).
///
/// It says everything a model follows from, apart from its rows, in the original's own words, so that definitions stored by the
/// original are read and those we store can be read by its tools.
package struct ModelDefinition: Sendable, Hashable {
    /// The template's number of buckets over the value range; consumed when the resolution is derived (spec htm.md 1.1).
    static let bucketsOverRange = 130.0
    /// Unit: that of the metric.
    static let defaultMinimumResolution = 0.001

    /// `{"modelConfig": …, "inferenceArgs": …, "inputRecordSchema": …}`, perhaps with more keys the original or we added.
    package var json: JSONValue

    /// Wraps what was read from the database or a message.
    package init(json: JSONValue) {
        self.json = json
    }

    /// Reads the text of `metric.model_params`.
    /// - Throws: `EngineError` with code `invalidArgument` when it isn't a JSON object.
    package init(text: String) throws {
        let json = try JSONValue.parse(text)
        guard case .object = json else {
            throw EngineError(.invalidArgument, "model_params is \(json.kind); expected an object")
        }
        self.json = json
    }

    /// The text for `metric.model_params`.
    package var text: String { json.text }

    /// The standard model for a scalar metric with the time of day beside it.
    /// - Parameters:
    ///   - minimum: Lower end of the value range, in the metric's unit; taken as it is.
    ///   - maximum: Upper end; equal to `minimum` counts as one more.
    ///   - minimumResolution: Smallest width of a bucket, in the metric's unit, above 0; nil for 0.001.
    ///   - classifier: Whether the model also predicts the next values.
    package static func standard(
        minimum: Double,
        maximum: Double,
        minimumResolution: Double? = nil,
        classifier: Bool = false
    ) -> ModelDefinition {
        let upper = minimum == maximum ? minimum + 1 : maximum
        let resolution = max(minimumResolution ?? defaultMinimumResolution, (upper - minimum) / bucketsOverRange)
        let modelConfig = StandardModelConfig.json(resolution: resolution, classifier: classifier)
        return ModelDefinition(
            json: .object([
                "modelConfig": modelConfig,
                "inferenceArgs": .object([
                    "predictionSteps": .array([.integer(1)]), "predictedField": .string("c1"),
                    "inputPredictedField": .string("auto"),
                ]),
                "inputRecordSchema": inputRecordSchema(timestamp: "c0", value: "c1"),
            ])
        )
    }

    /// A detector in mode "evidence" (docs/detection.md).
    /// - Parameters:
    ///   - minimum: Lower end of the value range, in the metric's unit; nil, with `maximum`, when the detector is to find the range.
    ///   - maximum: Upper end; equal to `minimum` counts as one more.
    ///   - minimumResolution: Smallest width of a bucket, in the metric's unit, above 0; nil for none.
    package static func evidence(
        minimum: Double? = nil,
        maximum: Double? = nil,
        minimumResolution: Double? = nil
    ) -> ModelDefinition {
        var params: [String: JSONValue] = [:]
        if let minimum, let maximum {
            let upper = minimum == maximum ? minimum + 1 : maximum
            params["resolution"] = .number(max(minimumResolution ?? 0, (upper - minimum) / bucketsOverRange))
        }
        params["minResolution"] = minimumResolution.map(JSONValue.number)
        return ModelDefinition(
            json: .object([
                "mode": .string(DetectionMode.evidence.rawValue), "evidenceParams": .object(params),
                "inputRecordSchema": inputRecordSchema(timestamp: "c0", value: "c1"),
            ])
        )
    }

    /// The parameters of a detector in mode "evidence"; nil when the definition is of the other mode.
    /// - Throws: `EngineError` with code `invalidArgument` naming the JSON path of what can't be followed.
    package func evidenceParameters() throws -> EvidenceParameters? {
        let root = try JSONFields(json, path: "$")
        guard let mode = try root.optionalString("mode"), mode != DetectionMode.parity.rawValue else { return nil }
        guard mode == DetectionMode.evidence.rawValue else {
            throw EngineError(
                .invalidArgument,
                "$.mode is \"\(mode.prefix(60))\"; expected \(DetectionMode.names)"
            )
        }
        var parameters = EvidenceParameters()
        var fields = try DefinitionFields(root.fields["evidenceParams"] ?? .object([:]), path: "$.evidenceParams")
        try fields.double("resolution") { parameters.resolution = $0 }
        try fields.double("minResolution") { parameters.minimumResolution = $0 }
        try fields.finish()
        return parameters
    }

    /// A model spelled out by the user.
    package static func complete(_ params: ModelSpec.CompleteModelParams) -> ModelDefinition {
        ModelDefinition(
            json: .object([
                "modelConfig": params.modelConfig,
                "inferenceArgs": params.inferenceArgs,
                "inputRecordSchema": inputRecordSchema(
                    timestamp: params.timestampFieldName,
                    value: params.valueFieldName
                ),
            ])
        )
    }

    private static func inputRecordSchema(timestamp: String, value: String) -> JSONValue {
        .array([
            .array([.string(timestamp), .string("datetime"), .string("T")]),
            .array([.string(value), .string("float"), .string("")]),
        ])
    }
}
