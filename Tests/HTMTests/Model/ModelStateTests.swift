// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

/// Kinds of models whose state must survive saving and loading.
enum ModelKind: String, CaseIterable {
    case standard, withClassifier, plain, plainWithClassifier, everyDatePart, scalar, logarithm, adaptive, delta,
        plainDelta, noLikelihood, limitedGrowth, wide, pooling, decaying, boosted

    var parameters: ModelParameters {
        var parameters = ModelParameters(minimum: -20, maximum: 120)
        parameters.likelihood = LikelihoodParameters(schedule: .engine(historySize: 300, skippedSamples: 50))
        switch self {
        case .standard:
            break
        case .withClassifier:
            parameters.classifier = SDRClassifier.Parameters(steps: [1, 5])
        case .plain:
            parameters.temporalMemory = .plain(PlainTemporalMemory.Parameters())
        case .plainWithClassifier:
            parameters.temporalMemory = .plain(PlainTemporalMemory.Parameters())
            parameters.classifier = SDRClassifier.Parameters(steps: [0, 1], parityQuirks: false)
        case .everyDatePart:
            let part = DateEncoder.Part(activeBits: 21)
            parameters.encoders[0].kind = .date(
                DateEncoder.Parameters(
                    season: part,
                    dayOfWeek: part,
                    weekend: part,
                    customDays: part,
                    customDayList: [0, 2],
                    holiday: part,
                    timeOfDay: part
                )
            )
        case .scalar:
            parameters.encoders[1].kind = .scalar(
                ScalarEncoder.Parameters(
                    activeBits: 21,
                    minimum: 0,
                    maximum: 100,
                    periodic: false,
                    division: .bits(300),
                    clipInput: true
                )
            )
        case .logarithm:
            // Few buckets, here and below: the classifier's part of the state is saved and loaded at every record.
            parameters.encoders[1].kind = .log(.init(activeBits: 21, minimum: 0.1, maximum: 200, division: .bits(40)))
            parameters.classifier = SDRClassifier.Parameters(steps: [1])
        case .adaptive:
            // The range is learned, and widens on the way.
            parameters.encoders[1].kind = .adaptiveScalar(.init(activeBits: 21, width: 40))
            parameters.classifier = SDRClassifier.Parameters(steps: [1])
        case .delta, .plainDelta:
            parameters.encoders[1].kind = .delta(.init(activeBits: 21, width: 40))
            parameters.classifier = SDRClassifier.Parameters(steps: [1])
            if self == .plainDelta { parameters.temporalMemory = .plain(PlainTemporalMemory.Parameters()) }
        case .noLikelihood:
            parameters.likelihood = nil
        case .limitedGrowth:
            parameters.temporalMemory = backtracking { $0.segmentLimit = 1000 }
        case .wide:
            parameters.temporalMemory = backtracking { $0.permanenceDec = 0.0137 }
        case .pooling:
            parameters.temporalMemory = backtracking { $0.doPooling = true }
        case .decaying:
            parameters.temporalMemory = backtracking {
                $0.maxSegmentsPerCell = nil
                $0.maxSynapsesPerSegment = nil
                $0.globalDecay = 0.05
                $0.maxAge = 20
            }
        case .boosted:
            parameters.spatialPooler.boostStrength = 3
        }
        return parameters
    }

    /// Every encoder and memory, and the classifier, for 500 records; rarer options for as many as show them at work.
    var recordCount: Int {
        switch self {
        case .standard, .withClassifier, .plain, .plainWithClassifier, .everyDatePart, .scalar, .logarithm, .adaptive,
            .delta, .plainDelta:
            500
        case .noLikelihood, .limitedGrowth, .wide, .pooling, .decaying, .boosted: 150
        }
    }

    private func backtracking(_ change: (inout BacktrackingParameters) -> Void) -> TemporalMemoryParameters {
        var parameters = BacktrackingParameters()
        change(&parameters)
        return .backtracking(parameters)
    }
}

/// A daily pattern with noise and the odd missing value.
struct NoisySeries {
    private var random = RandomGenerator(seed: 11)
    private var index: Int64 = 0

    mutating func next() -> ModelInput {
        let phase = Double(index % 48)
        let noise = random.real64() * 12
        let value = index % 61 == 60 ? nil : Optional(phase < 24 ? phase * 4 + noise : 96 - (phase - 24) * 4 - noise)
        let timestamp = index % 83 == 82 ? nil : Optional(1_388_530_000 + index * 1_800)
        index += 1
        return ModelInput(timestamp: timestamp, value: value)
    }
}

@Suite struct ModelStateTests {
    private static let factory = ModelFactory()

    @Test(arguments: ModelKind.allCases)
    func loadingWhatWasSavedChangesNothing(kind: ModelKind) throws {
        let parameters = kind.parameters
        var series = NoisySeries()
        var model = try Self.factory.makeModel(parameters)
        var restored = try Self.factory.makeModel(parameters)
        for index in 0..<kind.recordCount {
            let input = series.next()
            let (expected, output) = (model.process(input), restored.process(input))
            try #require(output.rawScore == expected.rawScore, "record \(index)")
            try #require(output.likelihood == expected.likelihood, "record \(index)")
            try #require(output.bestPredictions == expected.bestPredictions, "record \(index)")
            let state = restored.encoded()
            restored = try Self.factory.makeModel(parameters, restoring: state)
            if index % 50 == 49 {
                // The state of the model that was never saved is the same too, down to the byte.
                // Compared outside the macro, which would print both in full.
                let (isSame, isStable) = (state == model.encoded(), state == restored.encoded())
                try #require(isSame, "record \(index)")
                try #require(isStable, "record \(index)")
            }
        }
        #expect(restored.segmentCount == model.segmentCount)
        #expect(restored.synapseCount == model.synapseCount)
    }

    @Test func damagedStatesAreRefusedOrHarmless() throws {
        let parameters = ModelKind.withClassifier.parameters
        var series = NoisySeries()
        var model = try Self.factory.makeModel(parameters)
        for _ in 0..<150 {
            _ = model.process(series.next())
        }
        let state = model.encoded()
        var random = RandomGenerator(seed: 5)
        for _ in 0..<300 {
            var damaged = state
            if random.uint32(below: 4) == 0 {
                damaged.removeLast(1 + Int(random.uint32(below: UInt32(state.count))))
            } else {
                for _ in 0...random.uint32(below: 3) {
                    damaged[Int(random.uint32(below: UInt32(state.count)))] = UInt8(random.uint32(below: 256))
                }
            }
            guard var survivor = try? Self.factory.makeModel(parameters, restoring: damaged) else {
                continue
            }
            for _ in 0..<5 {
                _ = survivor.process(series.next())
            }
        }
    }

    @Test func statesOfOtherModelsAreRefused() throws {
        let state = try Self.factory.makeModel(ModelKind.standard.parameters).encoded()
        for kind in [ModelKind.plain, .noLikelihood, .withClassifier, .everyDatePart] {
            #expect(throws: CheckpointError.self) { try Self.factory.makeModel(kind.parameters, restoring: state) }
        }
        #expect(throws: CheckpointError.self) {
            try Self.factory.makeModel(ModelKind.standard.parameters, restoring: [])
        }
        #expect(throws: CheckpointError.self) {
            try Self.factory.makeModel(ModelKind.standard.parameters, restoring: state + [0])
        }
    }

    @Test func growthStopsAtTheLimit() throws {
        var parameters = ModelKind.limitedGrowth.parameters
        parameters.likelihood = nil
        var model = try Self.factory.makeModel(parameters)
        var random = RandomGenerator(seed: 3)
        var largest = 0
        for index in 0..<600 {
            let value = random.real64() * 100
            let output = model.process(ModelInput(timestamp: Int64(index) * 300, value: value))
            #expect(output.rawScore >= 0 && output.rawScore <= 1)
            largest = max(largest, model.segmentCount)
        }
        #expect(largest <= 1000)
        #expect(largest > 900)
    }

    @Test func wrongParametersAreRefused() {
        var tooMany = ModelKind.standard.parameters
        tooMany.spatialPooler.columnCount = 1024
        #expect(throws: ParameterError.self) { try AnomalyModel(parameters: tooMany) }
        var noSteps = ModelKind.withClassifier.parameters
        noSteps.classifier?.steps = []
        #expect(throws: ParameterError.self) { try AnomalyModel(parameters: noSteps) }
        var plain = PlainTemporalMemory.Parameters()
        plain.maxSynapsesPerSegment = 1000
        var wide = ModelKind.plain.parameters
        wide.temporalMemory = .plain(plain)
        #expect(throws: ParameterError.self) { try AnomalyModel(parameters: wide) }
        #expect(throws: ParameterError.self) { try AnomalyModel(parameters: ModelParameters(encoders: [])) }
    }
}
