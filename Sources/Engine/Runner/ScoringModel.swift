// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// What a model says about one row.
package struct RowScore: Sendable, Hashable {
    /// 0…1.
    package var rawAnomalyScore: Double
    /// 1 − tail probability, 0…1; 0 while there are too few rows for statistics.
    package var anomalyScore: Double
    /// JSON text: an object from steps ahead to value, or `null`.
    package var predictions: String
    /// nil when the row isn't anomalous.
    package var reason: AnomalyReason?

    package init(
        rawAnomalyScore: Double,
        anomalyScore: Double,
        predictions: String = "null",
        reason: AnomalyReason? = nil
    ) {
        self.rawAnomalyScore = rawAnomalyScore
        self.anomalyScore = anomalyScore
        self.predictions = predictions
        self.reason = reason
    }
}

/// A model with its likelihood: a deterministic function of its definition and its rows.
package protocol ScoringModel {
    /// Takes the next row. Learns from it.
    mutating func process(_ sample: Sample) throws -> RowScore

    /// What the model takes in memory beyond what all share, roughly. Unit: bytes. Cheap to ask.
    var memoryBytes: Int { get }

    /// The whole state: a model made from it goes on with the same bits.
    func encoded() throws -> [UInt8]
}

/// Makes models.
package protocol ScoringModelFactory: Sendable {
    /// A model that has seen nothing.
    /// - Throws: `EngineError` with code `invalidArgument` when the definition can't be followed.
    func make(_ definition: ModelDefinition) throws -> any ScoringModel

    /// A model from what `encoded` gave.
    /// - Throws: `EngineError` with code `checkpointDamaged`.
    func load(_ definition: ModelDefinition, _ state: [UInt8]) throws -> any ScoringModel
}
