// SPDX-License-Identifier: Apache-2.0

/// HTM models of one metric with different seeds, made once the metric's range is known and again when it turns out wrong.
///
/// A model's buckets have a fixed width. It is taken from the range of the first records; the models then learn these records at once.
/// They are made anew, from the latest records, when the data have left the 500 buckets on either side that the encoder can tell
/// apart, or begin to move after a first day of one value.
struct ModelEnsemble: Sendable {
    /// Buckets of the original's encoder for the whole range.
    static let buckets = 130.0
    /// Buckets the encoder tells apart on either side of its first value.
    private static let reach = 499.0
    /// Records in a row out of reach before the models are made anew.
    private static let patience = 72
    private static let columnsPerModel = 40.0

    private let parameters: EvidenceParameters
    private let factory: ModelFactory
    private var models: [AnomalyModel] = []
    private var resolution = 0.0
    /// The models' first value.
    private var origin: Double?
    private var outOfReach = 0
    /// Records since a metric that didn't move on its first day began to; `nil` when it moved then.
    private var moving: Int?
    /// The latest samples, at most `rangeRecords`, oldest first once full turned at `next`.
    private var timestamps: [Int64?] = []
    private var values: [Double?] = []
    private var next = 0
    /// Records with a value seen before there were models.
    private var valueCount = 0

    init(_ parameters: EvidenceParameters, factory: ModelFactory) throws(ParameterError) {
        try parameters.validate()
        self.parameters = parameters
        self.factory = factory
        if let resolution = parameters.resolution { try makeModels(resolution: resolution) }
    }

    /// Raw scores, in columns of all models together: one for a record as a rule, none while there are no models, one for each
    /// kept record when models have just been made from them, and then earlier scores no longer count.
    enum Scores: Sendable {
        case none
        case next(units: Int)
        case fresh(units: [Int])
    }

    mutating func process(_ input: ModelInput) -> Scores {
        let value = input.value.flatMap { $0.isNaN ? nil : $0 }
        remember(input.timestamp, value)
        guard !models.isEmpty else {
            if value != nil { valueCount += 1 }
            return valueCount == parameters.rangeRecords ? remake() : .none
        }
        if isWrong(value) { return remake() }
        return .next(units: units(of: input))
    }

    var segmentCount: Int { models.reduce(0) { $0 + $1.segmentCount } }

    var synapseCount: Int { models.reduce(0) { $0 + $1.synapseCount } }

    var memoryBytes: Int {
        models.reduce(0) { $0 + $1.memoryBytes } + values.count * MemoryLayout<Double?>.stride * 2
    }

    private mutating func units(of input: ModelInput) -> Int {
        if origin == nil { origin = input.value }
        var units = 0
        for index in models.indices {
            units += Int((models[index].process(input).rawScore * Self.columnsPerModel).rounded())
        }
        return units
    }

    private mutating func remember(_ timestamp: Int64?, _ value: Double?) {
        if values.count < parameters.rangeRecords {
            timestamps.append(timestamp)
            values.append(value)
        } else {
            timestamps[next] = timestamp
            values[next] = value
            next = (next + 1) % parameters.rangeRecords
        }
    }

    private mutating func isWrong(_ value: Double?) -> Bool {
        guard let value, let origin else { return false }
        outOfReach = abs(value - origin) > Self.reach * resolution ? outOfReach + 1 : 0
        if let steps = moving, steps > 0 || value != origin { moving = steps + 1 }
        return outOfReach == Self.patience || moving == parameters.rangeRecords
    }

    private mutating func remake() -> Scores {
        let seen = values.compactMap { $0 }
        let low = seen.min() ?? 0
        let high = seen.max() ?? 0
        let width = high - low
        moving = width == 0 ? 0 : nil
        // A flat line says nothing about the range: a hundredth of the level, for now.
        let found = width > 0 ? width * (1 + 2 * parameters.padding) / Self.buckets : max(0.001, abs(high) * 0.01)
        let resolution = max(found, parameters.minimumResolution ?? 0)
        // A range of values so large or small that no width can be computed is as good as none.
        let isUsable = resolution.isFinite && resolution > 0
        do throws(ParameterError) {
            try makeModels(resolution: isUsable ? resolution : 1)
        } catch {
            preconditionFailure("models of our own parameters can't be made: \(error)")
        }
        let order = values.indices.map { (next + $0) % values.count }
        return .fresh(units: order.map { units(of: ModelInput(timestamp: timestamps[$0], value: values[$0])) })
    }

    private mutating func makeModels(resolution: Double) throws(ParameterError) {
        self.resolution = resolution
        origin = nil
        outOfReach = 0
        models = []
        for member in 0..<UInt64(parameters.modelCount) {
            models.append(try factory.makeModel(Self.modelParameters(resolution: resolution, member: member)))
        }
    }

    /// The original's model, with seeds of its own for each member.
    private static func modelParameters(resolution: Double, member: UInt64) -> ModelParameters {
        var parameters = ModelParameters(minimum: 0, maximum: 1)
        var encoder = RandomDistributedScalarEncoder.Parameters(resolution: resolution)
        encoder.seed += member
        parameters.encoders[1].kind = .randomDistributedScalar(encoder)
        parameters.spatialPooler.seed += member
        var memory = BacktrackingParameters()
        memory.seed += member
        parameters.temporalMemory = .backtracking(memory)
        parameters.likelihood = nil
        return parameters
    }
}

extension ModelEnsemble {
    func encode(into encoder: inout StateEncoder) {
        encoder.encode(resolution)
        encoder.encode(origin)
        encoder.encodeVarint(outOfReach)
        encoder.encodeSignedVarint(moving ?? -1)
        encoder.encodeVarint(valueCount)
        encoder.encodeVarint(next)
        encoder.encodeVarint(values.count)
        for (timestamp, value) in zip(timestamps, values) {
            encoder.encode(timestamp)
            encoder.encode(value)
        }
        encoder.encodeVarint(models.count)
        for model in models {
            let state = model.encoded()
            encoder.encodeVarint(state.count)
            encoder.append(contentsOf: state)
        }
    }

    init(_ parameters: EvidenceParameters, factory: ModelFactory, from decoder: inout StateDecoder) throws {
        try parameters.validate()
        self.parameters = parameters
        self.factory = factory
        resolution = try decoder.decodeDouble()
        origin = try decoder.decodeOptionalDouble()
        outOfReach = try decoder.decodeVarint(atMost: Self.patience, "records out of reach")
        let moving = try decoder.decodeSignedVarint()
        self.moving = moving < 0 ? nil : moving
        valueCount = try decoder.decodeVarint(atMost: parameters.rangeRecords, "values")
        next = try decoder.decodeVarint(atMost: parameters.rangeRecords - 1, "position in the samples")
        for _ in 0..<(try decoder.decodeVarint(atMost: parameters.rangeRecords, "samples")) {
            timestamps.append(try decoder.decodeOptionalTimestamp())
            values.append(try decoder.decodeOptionalDouble())
        }
        let count = try decoder.decodeVarint(atMost: parameters.modelCount, "models")
        guard count == 0 || (count == parameters.modelCount && resolution > 0) else {
            throw CheckpointError.parametersDiffer("\(count) models, expected \(parameters.modelCount)")
        }
        for member in 0..<UInt64(count) {
            let state = try decoder.decodeBytes(decoder.decodeVarint(atMost: decoder.remaining, "bytes of a model"))
            let parameters = Self.modelParameters(resolution: resolution, member: member)
            models.append(try factory.makeModel(parameters, restoring: state))
        }
    }
}
