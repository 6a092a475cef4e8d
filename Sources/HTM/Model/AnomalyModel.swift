// SPDX-License-Identifier: Apache-2.0

/// What a model says about one sample.
public struct ModelOutput: Sendable, Equatable {
    /// Share of the active columns that were not expected, 0...1, rounded to a 32-bit float as the original does.
    public var rawScore: Double
}

/// An online-learning HTM model of one metric: says of each new sample how unexpected it is.
///
/// encoders → spatial pooler → temporal memory → share of unexpected columns. A value with one owner; a copy goes on by itself.
public struct AnomalyModel: Sendable {
    /// The parameters the model was made from.
    public let parameters: ModelParameters
    private var encoder: RecordEncoder
    private var spatialPooler: SpatialPooler
    private var temporalMemory: TemporalMemory
    /// Samples processed.
    public private(set) var recordCount = 0

    init(
        parameters: ModelParameters,
        encoder: RecordEncoder,
        blueprint: SpatialPoolerBlueprint,
        level: KernelLevel = .best
    ) throws(ParameterError) {
        try require(
            parameters.temporalMemory.columnCount == parameters.spatialPooler.columnCount,
            "TM columnCount is \(parameters.temporalMemory.columnCount), expected the SP's \(parameters.spatialPooler.columnCount)"
        )
        self.parameters = parameters
        self.encoder = encoder
        spatialPooler = SpatialPooler(blueprint: blueprint, level: level)
        temporalMemory = try TemporalMemory(parameters.temporalMemory, level: level)
    }

    /// A model that has seen nothing. To make many of one shape quickly, use a `ModelFactory`.
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

    /// Takes the next sample.
    ///
    /// - Parameter learn: Whether the model learns from it.
    public mutating func process(_ input: ModelInput, learn: Bool = true) -> ModelOutput {
        _ = encoder.encode(input, learn: learn)
        let columns = spatialPooler.compute(encoder.bits, learn: learn)
        let expected = temporalMemory.predictedCount(among: columns)
        temporalMemory.compute(activeColumns: columns, learn: learn)
        recordCount += 1
        let raw = columns.isEmpty ? 0 : Float(columns.count - expected) / Float(columns.count)
        return ModelOutput(rawScore: Double(raw))
    }

    /// Starts a new sequence: the next sample is not expected to follow the last one.
    public mutating func reset() {
        temporalMemory.reset()
    }
}
