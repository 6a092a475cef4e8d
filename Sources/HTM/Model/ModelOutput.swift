// SPDX-License-Identifier: Apache-2.0

/// What a model says about one sample.
public struct ModelOutput: Sendable {
    /// Share of the active columns that were not expected, 0...1, rounded to a 32-bit float as the original does.
    public var rawScore: Double
    /// How unusual the recent raw scores are, 0...1; `nil` when the model has no likelihood.
    public var likelihood: Double?
    /// What comes next; `nil` when the model has no classifier.
    public var prediction: ClassifierPrediction?

    /// Values made of predicted changes, when the model encodes changes.
    var shiftedPredictions: [Int: Double]?

    /// The most probable value for each number of records ahead; empty without a classifier.
    public var bestPredictions: [Int: Double] {
        if let shiftedPredictions {
            return shiftedPredictions
        }
        guard let prediction else {
            return [:]
        }
        return Dictionary(
            uniqueKeysWithValues: prediction.steps.compactMap { step in prediction.best(step: step).map { (step, $0) } }
        )
    }
}
