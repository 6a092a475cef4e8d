// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation

/// What is asked of a model: the original's modelSpec.
///
///     let range = ModelSpecification(metric: "cpu_percent", min: 0, max: 100)
///     let asJSON = try ModelSpecification(json: #"{"datasource": "custom", "metricSpec": {"metric": "cpu_percent"}}"#)
public struct ModelSpecification: Sendable, Hashable {
    let spec: JSONValue

    /// A standard model for a metric.
    /// - Parameters:
    ///   - metric: The metric's name; it is created when there is none.
    ///   - min: Lower end of the value range; nil, with `max`, lets the engine estimate it from the first 288 samples.
    ///   - max: Upper end.
    ///   - minResolution: Smallest difference the model tells apart, above 0; nil for 0.001.
    ///   - enableClassifier: Whether the model also predicts the next value.
    ///   - mode: How samples become scores; nil for the installation's `[model] mode`.
    ///   - resource: What the metric belongs to, for example a server; nil for the metric's name.
    ///   - unit: For people.
    public init(
        metric: String,
        min: Double? = nil,
        max: Double? = nil,
        minResolution: Double? = nil,
        enableClassifier: Bool? = nil,
        mode: DetectionMode? = nil,
        resource: String? = nil,
        unit: String? = nil
    ) {
        var model = ModelSpec(metric: metric)
        model.modelParams = ModelSpec.ModelParams(
            min: min,
            max: max,
            minResolution: minResolution,
            enableClassifier: enableClassifier,
            mode: mode.map { $0.engineMode }
        )
        model.resource = resource
        model.unit = unit
        spec = model.canonicalJSON(name: metric)
    }

    /// Any modelSpec, also with `completeModelParams`, or what `exportModel` gave. It is checked when it is used.
    /// - Throws: ``HTMEngineError`` with code `invalidArgument` when the text isn't JSON.
    public init(json: String) throws {
        do { spec = try JSONValue.parse(json) } catch { throw HTMEngineError(error) }
    }

    init(_ spec: JSONValue) { self.spec = spec }

    /// The modelSpec as JSON text.
    public var json: String { spec.indentedText }
    /// `metricSpec.metric`.
    public var metricName: String? { spec["metricSpec"]?["metric"]?.stringValue }
    /// `metricSpec.resource`.
    public var resource: String? { spec["metricSpec"]?["resource"]?.stringValue }
}

extension ModelSpecification {
    /// How samples become anomaly scores.
    public enum DetectionMode: String, Sendable, Hashable, CaseIterable {
        /// One model, with raw scores that equal NuPIC 1.0.5's bit for bit.
        case parity
        /// HTM models and channels around them, which finds more and explains it.
        case evidence

        fileprivate var engineMode: EngineCore.DetectionMode {
            switch self {
            case .parity: .parity
            case .evidence: .evidence
            }
        }
    }
}

/// The verbs of a datasource: make metrics and models, and remove them.
///
/// The only datasource of the engine itself is `custom`, metrics that come in by name. All verbs throw ``HTMEngineError``.
public struct DatasourceAdapter: Sendable {
    /// The names ``EngineConnection/createDatasourceAdapter(_:)`` knows.
    public static let datasourceNames = ["custom"]
    let access: any EngineAccess

    /// Makes a metric without a model.
    /// - Returns: Its uid.
    /// - Throws: `metricAlreadyExists`, with the uid; `invalidArgument` for a name that none can have; `tooManyMetrics`.
    @discardableResult
    public func createMetric(_ name: String) async throws -> String {
        try await BlockingWork.run { [access] in try access.createMetric(named: name) }
    }

    /// Removes a metric, its samples and its model.
    /// - Throws: `notFound`.
    public func deleteMetricByName(_ name: String) async throws {
        try await BlockingWork.run { [access] in try access.deleteMetric(named: name) }
    }

    /// Starts a model, for the samples stored so far and those to come; makes the metric when there is none.
    /// - Returns: The metric's uid.
    /// - Throws: `invalidArgument` naming the place in the spec, `unsupportedDatasource` (the spec names another than `custom`, or the metric
    ///   is another one's), `metricAlreadyMonitored` with the uid, `notFound` (of a spec that names a uid). Nothing is made then.
    @discardableResult
    public func monitorMetric(_ specification: ModelSpecification) async throws -> String {
        try await BlockingWork.run { [access] in try access.monitor(specification.spec) }
    }

    /// Starts the model of a metric that waits for data, from the samples there are.
    /// - Throws: `notFound`, `unsupportedDatasource`, `statisticsNotReady` when there are no samples, `statusChanged` when the metric doesn't
    ///   wait for data.
    public func activateModel(_ uid: String) async throws {
        try await BlockingWork.run { [access] in try access.activateModel(uid: uid) }
    }

    /// Removes the model and all scores; the samples stay.
    /// - Throws: `notFound`.
    public func unmonitorMetric(_ uid: String) async throws {
        try await BlockingWork.run { [access] in try access.unmonitor(uid: uid) }
    }

    /// The model's spec with the samples of the last 14 days.
    /// - Throws: `notFound`, `unsupportedDatasource`, `metricNotMonitored`.
    public func exportModel(_ uid: String) async throws -> ModelSpecification {
        try await BlockingWork.run { [access] in ModelSpecification(try access.exportModel(uid: uid)) }
    }

    /// Makes a model from what ``exportModel(_:)`` gave; its samples are stored when the metric has none.
    /// - Returns: The metric's uid; a metric that is monitored already is left as it is.
    /// - Throws: As ``monitorMetric(_:)``, but for `metricAlreadyMonitored`.
    @discardableResult
    public func importModel(_ specification: ModelSpecification) async throws -> String {
        try await BlockingWork.run { [access] in try access.importModel(specification.spec) }
    }

    /// The resource a spec names; nil when it names none.
    public func getInstanceNameForModelSpec(_ specification: ModelSpecification) -> String? {
        specification.resource
    }
}
