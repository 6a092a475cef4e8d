// SPDX-License-Identifier: Apache-2.0

/// An online-learning HTM model of one metric: says of each new sample how unexpected it is.
///
///     var model = try AnomalyModel(parameters: ModelParameters(minimum: 0, maximum: 100))
///     let output = model.process(ModelInput(timestamp: 1_420_070_400, value: 42))
///     print(output.rawScore, output.likelihood ?? 0)
///
/// encoders → spatial pooler → temporal memory → share of unexpected columns → likelihood, and a classifier where wanted.
/// Deterministic: parameters and samples fix every bit of the output. A value with one owner; a copy goes on by itself.
public struct AnomalyModel: Sendable {
    /// The parameters the model was made from.
    public let parameters: ModelParameters
    private var encoder: RecordEncoder
    private var spatialPooler: SpatialPooler
    private var temporalMemory: TemporalMemory
    private var likelihood: AnomalyLikelihood?
    private var classifier: SDRClassifier?
    /// Present when the classifier learns changes.
    private var deltaShift: DeltaPredictionShift?
    /// Samples processed.
    public private(set) var recordCount = 0

    init(
        parameters: ModelParameters,
        encoder: RecordEncoder,
        blueprint: SpatialPoolerBlueprint,
        level: KernelLevel = .best
    ) throws(ParameterError) {
        try parameters.validate()
        self.parameters = parameters
        self.encoder = encoder
        spatialPooler = SpatialPooler(blueprint: blueprint, level: level)
        temporalMemory = try TemporalMemory(parameters.temporalMemory, level: level)
        likelihood = parameters.likelihood.map { AnomalyLikelihood(schedule: $0.schedule, tail: $0.tail) }
        classifier = parameters.classifier.map { SDRClassifier(parameters: $0) }
        deltaShift = classifier != nil && encoder.encodesChanges ? DeltaPredictionShift() : nil
    }

    /// A model that has seen nothing. To make many of one shape quickly, use a `ModelFactory`.
    ///
    /// - Throws: `ParameterError`, naming the parameter and what was expected.
    public init(parameters: ModelParameters) throws(ParameterError) {
        try self.init(parameters: parameters, level: .best)
    }

    /// The same with chosen kernels.
    package init(parameters: ModelParameters, level: KernelLevel) throws(ParameterError) {
        let encoder = try RecordEncoder(parameters.encoders)
        let blueprint = try SpatialPoolerBlueprint(parameters: parameters.spatialPooler, inputCount: encoder.width)
        try self.init(parameters: parameters, encoder: encoder, blueprint: blueprint, level: level)
    }

    /// Segments the temporal memory has grown.
    public var segmentCount: Int { temporalMemory.segmentCount }

    /// Synapses on them.
    public var synapseCount: Int { temporalMemory.synapseCount }

    /// Memory beyond what all models of this shape share, roughly. Unit: bytes.
    public var memoryBytes: Int {
        // History of the likelihood: value, score and sums per record.
        let history = likelihood == nil ? 0 : min(recordCount, 8640) * 32
        return 8192 + spatialPooler.byteCount + temporalMemory.byteCount + history + (classifier?.byteCount ?? 0)
    }

    /// Takes the next sample.
    ///
    /// - Parameter learn: Whether the model learns from it.
    public mutating func process(_ input: ModelInput, learn: Bool = true) -> ModelOutput {
        let value = input.value.flatMap { $0.isNaN ? nil : $0 }
        let bucket = encoder.encode(input, learn: learn)
        let columns = spatialPooler.compute(encoder.bits, learn: learn)
        let expected = temporalMemory.predictedCount(among: columns)
        temporalMemory.compute(activeColumns: columns, learn: learn)
        recordCount += 1
        let raw = columns.isEmpty ? 0 : Float(columns.count - expected) / Float(columns.count)
        var output = ModelOutput(rawScore: Double(raw))
        output.likelihood = likelihood?.update(value: value, rawScore: output.rawScore)
        if classifier != nil {
            output.prediction = classifier!.compute(
                recordNumber: UInt64(recordCount),
                activeCells: temporalMemory.activeCells,
                bucket: bucket,
                value: deltaShift == nil ? value : encoder.lastChange,
                learn: learn,
                infer: true
            )
            if deltaShift != nil {
                output.shiftedPredictions = shiftPredictions(output.bestPredictions, current: value)
            }
        }
        return output
    }

    /// Predicted changes as values; none while the current value is missing.
    private mutating func shiftPredictions(_ changes: [Int: Double], current: Double?) -> [Int: Double] {
        guard let current else {
            return [:]
        }
        var values: [Int: Double] = [:]
        for (step, change) in changes {
            values[step] = step == 0 ? current : deltaShift!.value(change: change, step: step, current: current)
        }
        return values
    }

    /// Starts a new sequence: the next sample is not expected to follow the last one.
    public mutating func reset() {
        temporalMemory.reset()
    }
}

extension AnomalyModel {
    /// "HTMm", little-endian: the first four bytes of a model's state.
    private static let magic: UInt32 = 0x6D4D_5448
    /// Version of the layout in docs/formats/checkpoint.md.
    package static let stateVersion: UInt32 = 3

    /// The whole state but the parameters. Layout: docs/formats/checkpoint.md.
    public func encoded() -> [UInt8] {
        // Rather too much, which costs nothing until it is touched, than moving everything when it turns out too little.
        var state = StateEncoder(
            reservingCapacity: 131_072 + synapseCount * 4 + segmentCount * 16 + spatialPooler.changedColumnCount * 400
                + (classifier?.encodedSize ?? 0)
        )
        state.encode(Self.magic)
        state.encode(Self.stateVersion)
        for number in shape {
            state.encodeVarint(number)
        }
        state.encodeVarint(recordCount)
        encoder.encode(into: &state)
        spatialPooler.encode(into: &state)
        temporalMemory.encode(into: &state)
        likelihood?.encode(into: &state)
        classifier?.encode(into: &state)
        deltaShift?.encode(into: &state)
        return state.bytes
    }

    /// The model that `encoded()` gave; it goes on with the same bits. To restore many, use a `ModelFactory`.
    ///
    /// - Throws: `ParameterError` for wrong parameters, `CheckpointError` for damaged bytes or those of another kind of model.
    public init(parameters: ModelParameters, restoring state: [UInt8]) throws {
        try self.init(parameters: parameters)
        try restore(state)
    }

    /// Replaces the state of a model just made.
    mutating func restore(_ bytes: [UInt8]) throws(CheckpointError) {
        var state = StateDecoder(bytes)
        guard try state.decodeUInt32() == Self.magic else {
            throw .damaged("it doesn't begin with a model's mark")
        }
        let version = try state.decodeUInt32()
        guard (1...Self.stateVersion).contains(version) else {
            throw .unsupportedVersion(version)
        }
        for (number, what) in zip(shape, Self.shapeNames) {
            let found = try state.decodeVarint()
            guard found == UInt64(number) else {
                throw .parametersDiffer("\(what) \(found), expected \(number)")
            }
        }
        recordCount = try state.decodeVarint(atMost: Int(Int32.max), "record count")
        try encoder.restore(from: &state)
        try spatialPooler.restore(from: &state, version: version)
        try temporalMemory.restore(from: &state, version: version)
        if let own = likelihood {
            likelihood = try AnomalyLikelihood(schedule: own.schedule, tail: own.tail, from: &state)
        }
        if let own = classifier {
            let restored = try SDRClassifier(parameters: own.parameters, from: &state)
            guard restored.lastRecordNumber <= UInt64(recordCount) else {
                throw .damaged("the classifier is at record \(restored.lastRecordNumber), the model at \(recordCount)")
            }
            classifier = restored
        }
        if deltaShift != nil {
            deltaShift = try DeltaPredictionShift(from: &state)
        }
        try state.requireEnd()
    }

    /// What must agree between a state and the parameters it is read with, so that mistakes are named.
    private var shape: [Int] {
        let memoryKind: Int
        switch parameters.temporalMemory {
        case .backtracking: memoryKind = 0
        case .plain: memoryKind = 1
        }
        return [
            encoder.width, parameters.spatialPooler.columnCount, parameters.temporalMemory.cellsPerColumn, memoryKind,
            likelihood == nil ? 0 : 1, classifier?.parameters.steps.count ?? 0,
        ]
    }

    private static let shapeNames = [
        "encoder width", "column count", "cells per column", "kind of temporal memory (0 backtracking, 1 plain)",
        "likelihood (0 none, 1 present)", "number of classifier steps",
    ]
}
