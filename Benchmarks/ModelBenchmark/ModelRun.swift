// SPDX-License-Identifier: Apache-2.0

import HTM

/// One model over one series, measured.
struct ModelRun {
    /// Median CPU per record without likelihood. Unit: µs.
    var medianMicroseconds = 0.0
    /// CPU over the whole series. Unit: s.
    var totalSeconds = 0.0
    /// Median CPU per record of the likelihood alone. Unit: µs.
    var likelihoodMicroseconds = 0.0
    /// Memory added at creation, after 1,000 records and at the end. Unit: bytes.
    var bytesAtCreation = 0
    var bytesAfterThousand = 0
    var bytesAtEnd = 0
    var segments = 0
    var synapses = 0
    var scoreHash = ""
    var differences = 0
    var model: AnomalyModel

    /// - Parameter factory: Has made such a model before, so that what all models share isn't counted.
    init(_ series: SeriesFile, parameters: ModelParameters, factory: ModelFactory) throws {
        var parameters = parameters
        parameters.likelihood = nil
        var scores: [Double] = []
        scores.reserveCapacity(series.inputs.count)
        var times: [Double] = []
        times.reserveCapacity(series.inputs.count)
        // A model before it, so that what the allocator keeps for this thread is there and isn't counted.
        var other = try factory.makeModel(parameters)
        series.inputs.prefix(1000).forEach { _ = other.process($0) }
        other = try factory.makeModel(parameters)
        let before = allocatedBytes()
        var model = try factory.makeModel(parameters)
        bytesAtCreation = allocatedBytes() - before
        for (index, input) in series.inputs.enumerated() {
            let start = cpuSeconds()
            scores.append(model.process(input).rawScore)
            times.append(cpuSeconds() - start)
            if index == 999 {
                bytesAfterThousand = allocatedBytes() - before
            }
        }
        bytesAtEnd = allocatedBytes() - before
        medianMicroseconds = median(times) * 1e6
        totalSeconds = times.reduce(0, +)
        segments = model.segmentCount
        synapses = model.synapseCount
        scoreHash = hash(scores)
        differences = zip(scores, series.referenceScores).count { $0 != $1 }
        self.model = model

        var likelihood = AnomalyLikelihood(schedule: .engine())
        var likelihoodTimes: [Double] = []
        for (input, score) in zip(series.inputs, scores) {
            let start = cpuSeconds()
            _ = likelihood.update(value: input.value, rawScore: score)
            likelihoodTimes.append(cpuSeconds() - start)
        }
        likelihoodMicroseconds = median(likelihoodTimes) * 1e6
    }
}
