// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTM

/// The HTM model of a metric, as the runner sees it.
struct HTMScoringModel: ScoringModel {
    private var model: AnomalyModel

    init(_ model: AnomalyModel) { self.model = model }

    mutating func process(_ sample: Sample) -> RowScore {
        let output = model.process(ModelInput(timestamp: sample.timestamp, value: sample.value))
        let likelihood = output.likelihood ?? 0
        let explanation = AnomalyExplanation(
            likelihood: likelihood,
            actual: sample.value,
            modelAge: model.recordCount
        )
        return RowScore(
            rawAnomalyScore: output.rawScore,
            anomalyScore: likelihood,
            predictions: output.prediction == nil ? "null" : Self.json(output.bestPredictions),
            reason: explanation.map { AnomalyReason($0) }
        )
    }

    var memoryBytes: Int { model.memoryBytes }

    func encoded() -> [UInt8] { model.encoded() }

    /// `{"1": 21.97}`: steps ahead, ascending, and the best prediction for each.
    private static func json(_ predictions: [Int: Double]) -> String {
        var writer = JSONWriter(style: .python)
        writer.beginObject()
        for (steps, value) in predictions.sorted(by: { $0.key < $1.key }) { writer.field(String(steps), value) }
        writer.endObject()
        return writer.text
    }
}

/// Makes HTM models from the definitions in the database.
package final class HTMScoringModelFactory: ScoringModelFactory {
    private let models = ModelFactory()
    private let likelihood: LikelihoodParameters

    /// - Parameter likelihood: How raw scores become anomaly scores: the same for all models of an installation.
    package init(likelihood: LikelihoodParameters = LikelihoodParameters()) {
        self.likelihood = likelihood
    }

    package func make(_ definition: ModelDefinition) throws -> any ScoringModel {
        do {
            if let parameters = try definition.evidenceParameters() {
                return EvidenceScoringModel(try EvidenceDetector(parameters: parameters, factory: models))
            }
            return HTMScoringModel(try models.makeModel(parameters(definition)))
        } catch let error as ParameterError {
            throw EngineError(.invalidArgument, "the model can't be made: \(error.message)")
        }
    }

    package func load(_ definition: ModelDefinition, _ state: [UInt8]) throws -> any ScoringModel {
        do {
            if let parameters = try definition.evidenceParameters() {
                return EvidenceScoringModel(
                    try EvidenceDetector(parameters: parameters, factory: models, restoring: state)
                )
            }
            return HTMScoringModel(try models.makeModel(parameters(definition), restoring: state))
        } catch let error as ParameterError {
            throw EngineError(.invalidArgument, "the model can't be made: \(error.message)")
        } catch let error as CheckpointError {
            throw EngineError(.checkpointDamaged, error.description)
        }
    }

    private func parameters(_ definition: ModelDefinition) throws -> ModelParameters {
        var parameters = try definition.modelParameters()
        parameters.likelihood = likelihood
        return parameters
    }
}
