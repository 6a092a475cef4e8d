// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Makes models quickly: the initial spatial pooler of a shape is drawn once and shared by all models of that shape.
///
/// Safe to use from several threads. Keep one per process; what it remembers is bounded.
public final class ModelFactory: Sendable {
    private struct Shape: Equatable {
        let parameters: SpatialPoolerParameters
        let inputCount: Int
    }

    /// Shapes remembered; models of more kinds than this still work, but share less.
    static let shapeLimit = 16

    /// Most recently made last.
    private let blueprints = Mutex<[(shape: Shape, blueprint: SpatialPoolerBlueprint)]>([])

    /// A factory that has made nothing.
    public init() {}

    /// A model that has seen nothing.
    ///
    /// - Throws: `ParameterError`, naming the parameter and what was expected.
    public func makeModel(_ parameters: ModelParameters) throws(ParameterError) -> AnomalyModel {
        let encoder = try RecordEncoder(parameters.encoders)
        let blueprint = try blueprint(parameters.spatialPooler, inputCount: encoder.width)
        return try AnomalyModel(parameters: parameters, encoder: encoder, blueprint: blueprint)
    }

    /// The model that `AnomalyModel.encoded()` gave; it goes on with the same bits.
    ///
    /// - Throws: `ParameterError` for wrong parameters, `CheckpointError` for damaged bytes or those of another kind of model.
    public func makeModel(_ parameters: ModelParameters, restoring state: [UInt8]) throws -> AnomalyModel {
        var model = try makeModel(parameters)
        try model.restore(state)
        return model
    }

    private func blueprint(
        _ parameters: SpatialPoolerParameters,
        inputCount: Int
    ) throws(ParameterError) -> SpatialPoolerBlueprint {
        let shape = Shape(parameters: parameters, inputCount: inputCount)
        if let known = blueprints.withLock({ known in known.first { $0.shape == shape }?.blueprint }) {
            return known
        }
        // Drawn outside the lock; two threads may draw the same one, and either serves.
        let blueprint = try SpatialPoolerBlueprint(parameters: parameters, inputCount: inputCount)
        blueprints.withLock { known in
            if known.count == Self.shapeLimit {
                known.removeFirst()
            }
            known.append((shape, blueprint))
        }
        return blueprint
    }
}
