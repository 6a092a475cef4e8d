// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import HTM
import Storage

/// One checkpoint, as commands show it.
package struct SavedModel: Sendable {
    /// What the model has grown to.
    package struct Size: Sendable {
        package let records: Int
        package let segments: Int
        package let synapses: Int
    }

    package let name: String?
    package let info: CheckpointInfo
    /// Set when it was read and is damaged.
    package fileprivate(set) var problem: String?
    /// 16 hexadecimal digits over the model's state; set when it was read.
    package fileprivate(set) var stateHash: String?
    /// Uncompressed; set when it was read.
    package fileprivate(set) var stateBytes: Int?
    /// Set when it was read and belongs to the definition the metric has now.
    package fileprivate(set) var model: Size?
}

/// Reads the checkpoints of an engine, running or not: they are never changed in place.
package struct SavedModels: Sendable {
    private let store: any CheckpointStore
    private let models = ModelFactory()
    private let likelihood: LikelihoodParameters

    package init(_ configuration: Configuration, _ engine: OpenedAccess) {
        // An engine reached through its socket is embedded, and keeps its checkpoints as files.
        store = engine.direct?.checkpoints ?? FileCheckpointStore(root: configuration.checkpointRoot)
        likelihood = configuration.settings.likelihoodParameters
    }

    /// The checkpoints of a metric, newest first.
    /// - Parameter reads: Whether each is read and checked.
    package func models(of metric: Metric, reads: Bool) throws -> [SavedModel] {
        try store.candidates(uid: metric.uid).map { info in
            var saved = SavedModel(name: metric.name, info: info)
            if reads { read(&saved, metric) }
            return saved
        }
    }

    private func read(_ saved: inout SavedModel, _ metric: Metric) {
        do {
            let checkpoint = try store.load(saved.info)
            let hash = String(fnv1a64(checkpoint.model), radix: 16)
            saved.stateHash = String(repeating: "0", count: 16 - hash.count) + hash
            saved.stateBytes = checkpoint.model.count
            // Only the generation that runs now has its definition in the metric's row.
            guard let text = metric.modelParams, metric.status == .active else { return }
            let definition = try ModelDefinition(text: text)
            if let parameters = try definition.evidenceParameters() {
                let detector = try EvidenceDetector(
                    parameters: parameters,
                    factory: models,
                    restoring: checkpoint.model
                )
                saved.model = SavedModel.Size(
                    records: detector.recordCount,
                    segments: detector.segmentCount,
                    synapses: detector.synapseCount
                )
                return
            }
            var parameters = try definition.modelParameters()
            parameters.likelihood = likelihood
            let model = try models.makeModel(parameters, restoring: checkpoint.model)
            saved.model = SavedModel.Size(
                records: model.recordCount,
                segments: model.segmentCount,
                synapses: model.synapseCount
            )
        } catch {
            saved.problem = "\(error)"
        }
    }
}
