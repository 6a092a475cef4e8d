// SPDX-License-Identifier: Apache-2.0

/// Learns which value follows which active cells, some records ahead: softmax regression from cells to value buckets.
///
/// Source: spec htm.md 9. In parity mode results equal NuPIC 1.0.5's, with two quirks of its C++: a softmax that stops
/// shifting after the maximum, and weights below 1e-6 that vanish.
public struct SDRClassifier: Sendable {
    /// What to predict, and how fast to learn.
    public struct Parameters: Sendable, Hashable {
        /// How many records ahead to predict; each 0 or more, each once.
        public var steps: [Int]
        /// Learning rate. The default is what reaches the original's C++ of 0.035828933612157998.
        public var alpha: Double
        /// How fast the value that stands for a bucket follows the values seen in it, 0...1.
        public var actualValueAlpha: Double
        /// Whether the two quirks of the original apply.
        public var parityQuirks: Bool

        /// The original's parameters by default.
        public init(
            steps: [Int] = [1],
            alpha: Double = 0.0358289,
            actualValueAlpha: Double = 0.3,
            parityQuirks: Bool = true
        ) {
            self.steps = steps
            self.alpha = alpha
            self.actualValueAlpha = actualValueAlpha
            self.parityQuirks = parityQuirks
        }
    }

    /// What to predict, and how fast to learn; steps ascending.
    public let parameters: Parameters

    /// Active cells of the last records, oldest first.
    private var patterns: [Pattern] = []
    /// One for each step.
    private var weights: [BucketWeights]
    private var maxBucket = 0
    private var lowestBucket: Int?
    /// The value that stands for each bucket from 0; NaN where none was seen.
    private var actualValues: [Double] = []
    /// Number of the last record taken.
    private(set) var lastRecordNumber: UInt64 = 0

    private struct Pattern: Sendable {
        let recordNumber: UInt64
        let cells: [UInt16]
    }

    /// Buckets are below this.
    static let bucketLimit = 1 << 20
    /// Weights up to this magnitude vanish in parity mode: f64(f32(1e-6)).
    private static let vanishingWeight = Double(Float(1e-6))

    /// A classifier that has seen nothing.
    public init(parameters: Parameters = Parameters()) {
        precondition(!parameters.steps.isEmpty, "a classifier predicts at least one step")
        precondition(parameters.steps.allSatisfy { $0 >= 0 }, "steps lead into the future")
        precondition(Set(parameters.steps).count == parameters.steps.count, "each step once")
        var parameters = parameters
        parameters.steps.sort()
        self.parameters = parameters
        weights = Array(repeating: BucketWeights(), count: parameters.steps.count)
    }

    /// Takes the next record.
    ///
    /// - Parameters:
    ///   - recordNumber: Never decreases. Records left out count as steps.
    ///   - activeCells: Strictly increasing.
    ///   - bucket: The encoder's bucket of `value`; nil when the value is missing: then nothing is learned.
    ///   - value: The metric's value; nil when missing.
    ///   - learn: Whether to learn from it.
    ///   - infer: Whether to predict what follows it.
    /// - Returns: The prediction, made before learning; nil without `infer`.
    public mutating func compute(
        recordNumber: UInt64,
        activeCells: [UInt16],
        bucket: Int?,
        value: Double?,
        learn: Bool,
        infer: Bool
    ) -> ClassifierPrediction? {
        precondition(recordNumber >= lastRecordNumber, "record numbers never decrease")
        precondition((bucket ?? 0) >= 0 && (bucket ?? 0) < Self.bucketLimit, "bucket outside the classifier")
        lastRecordNumber = recordNumber
        patterns.append(Pattern(recordNumber: recordNumber, cells: activeCells))
        if patterns.count > parameters.steps.last! + 1 {
            patterns.removeFirst()
        }
        let prediction = infer ? predict(activeCells, value: value) : nil
        if learn, let bucket, let value, !value.isNaN {
            self.learn(bucket: bucket, value: value, recordNumber: recordNumber)
        }
        return prediction
    }

    // MARK: Predicting

    private mutating func predict(_ activeCells: [UInt16], value: Double?) -> ClassifierPrediction {
        var distributions: [BucketValues] = []
        for index in weights.indices {
            distributions.append(distribution(activeCells, step: index))
        }
        // Buckets never seen stand for the current value, or for 0 where the present itself is classified.
        let standIn = parameters.steps[0] == 0 ? 0 : value.flatMap { $0.isNaN ? nil : $0 }
        return ClassifierPrediction(
            steps: parameters.steps,
            distributions: distributions,
            sharedCount: sharedCount,
            actualValues: actualValues,
            standIn: standIn
        )
    }

    /// Buckets below the lowest one ever seen.
    private var sharedCount: Int { lowestBucket ?? maxBucket + 1 }

    /// The softmax over all buckets 0 ... `maxBucket`.
    private mutating func distribution(_ cells: [UInt16], step: Int) -> BucketValues {
        var sums = weights[step].sums(of: cells)
        if parameters.parityQuirks, sharedCount > 1, sums.shared < 0, sums.own.allSatisfy({ $0 <= sums.shared }) {
            // The first of the shared buckets is the maximum, and the quirk treats the ones after it otherwise.
            lowestBucket = 0
            for index in weights.indices {
                weights[index].extend(to: 0..<maxBucket + 1)
            }
            sums = weights[step].sums(of: cells)
        }
        if parameters.parityQuirks {
            exponentiateWithQuirk(&sums)
        } else {
            exponentiate(&sums)
        }
        normalise(&sums)
        return sums
    }

    private func exponentiate(_ values: inout BucketValues) {
        var maximum = values.own.max() ?? values.shared
        if sharedCount > 0 {
            maximum = max(maximum, values.shared)
        }
        values.shared = exponential(values.shared - maximum)
        for index in values.own.indices {
            values.own[index] = exponential(values.own[index] - maximum)
        }
    }

    /// The original subtracts the maximum through a reference to it: as soon as the maximum itself is 0, nothing is
    /// subtracted from the buckets after it.
    private func exponentiateWithQuirk(_ values: inout BucketValues) {
        var maximum = values.own.max() ?? values.shared
        if sharedCount > 0, values.shared >= maximum {
            // Only ever with equal values 0 behind it: see `distribution`.
            maximum = values.shared
            values.shared = 1
            for index in values.own.indices {
                values.own[index] = exponential(values.own[index])
            }
            return
        }
        values.shared = exponential(values.shared - maximum)
        var isBehind = false
        for index in values.own.indices {
            if isBehind {
                values.own[index] = exponential(values.own[index])
            } else if values.own[index] == maximum {
                values.own[index] = 1
                isBehind = true
            } else {
                values.own[index] = exponential(values.own[index] - maximum)
            }
        }
    }

    private func normalise(_ values: inout BucketValues) {
        var sum = 0.0
        // Added one by one, to round as the original does.
        for _ in 0..<sharedCount {
            sum += values.shared
        }
        for value in values.own {
            sum += value
        }
        values.shared /= sum
        for index in values.own.indices {
            values.own[index] /= sum
        }
    }

    // MARK: Learning

    private mutating func learn(bucket: Int, value: Double, recordNumber: UInt64) {
        maxBucket = max(maxBucket, bucket)
        lowestBucket = min(lowestBucket ?? bucket, bucket)
        if actualValues.count <= maxBucket {
            actualValues.append(contentsOf: repeatElement(.nan, count: maxBucket + 1 - actualValues.count))
        }
        let old = actualValues[bucket]
        let alpha = parameters.actualValueAlpha
        actualValues[bucket] = old.isNaN ? value : (1 - alpha) * old + alpha * value
        for index in weights.indices {
            weights[index].extend(to: lowestBucket!..<maxBucket + 1)
        }
        for pattern in patterns {
            let age = recordNumber - pattern.recordNumber
            guard let step = parameters.steps.firstIndex(where: { UInt64($0) == age }) else { continue }
            var errors = distribution(pattern.cells, step: step)
            errors.shared = -errors.shared
            for index in errors.own.indices {
                errors.own[index] = -errors.own[index]
            }
            // 1 − p as the original forms it, not (−p) + 1: the same number.
            errors.own[bucket - lowestBucket!] += 1
            let vanishing = parameters.parityQuirks ? Self.vanishingWeight : nil
            weights[step].add(errors, rate: parameters.alpha, from: pattern.cells, vanishing: vanishing)
        }
    }
}

// MARK: State

extension SDRClassifier {
    /// How long the state is when encoded, about. Unit: bytes.
    var encodedSize: Int { weights.reduce(actualValues.count * MemoryLayout<Double>.size) { $0 + $1.encodedSize } }

    /// Memory taken, roughly. Unit: bytes.
    var byteCount: Int {
        weights.reduce(actualValues.count * MemoryLayout<Double>.size) { $0 + $1.byteCount }
            + patterns.reduce(0) { $0 + $1.cells.capacity * MemoryLayout<UInt16>.size }
    }

    /// Appends everything but the parameters.
    package func encode(into encoder: inout StateEncoder) {
        encoder.encode(lastRecordNumber)
        encoder.encodeVarint(maxBucket)
        encoder.encode(lowestBucket != nil)
        encoder.encodeVarint(lowestBucket ?? 0)
        encoder.encode(actualValues)
        encoder.encodeVarint(patterns.count)
        for pattern in patterns {
            encoder.encode(pattern.recordNumber)
            encoder.encode(pattern.cells)
        }
        for step in weights {
            step.encode(into: &encoder)
        }
    }

    /// Reads what `encode(into:)` wrote for the same parameters.
    package init(parameters: Parameters, from decoder: inout StateDecoder) throws(CheckpointError) {
        self.init(parameters: parameters)
        lastRecordNumber = try decoder.decodeUInt64()
        maxBucket = try decoder.decodeVarint(atMost: Self.bucketLimit - 1, "highest bucket")
        let hasLowest = try decoder.decodeBool()
        let lowest = try decoder.decodeVarint(atMost: maxBucket, "lowest bucket")
        lowestBucket = hasLowest ? lowest : nil
        actualValues = try decoder.decodeDoubles("values of the classifier's buckets")
        guard actualValues.count == (hasLowest ? maxBucket + 1 : 0) else {
            throw .damaged("\(actualValues.count) bucket values, highest bucket \(maxBucket)")
        }
        let count = try decoder.decodeVarint(atMost: self.parameters.steps.last! + 1, "patterns of the classifier")
        for _ in 0..<count {
            let number = try decoder.decodeUInt64()
            patterns.append(Pattern(recordNumber: number, cells: try decoder.decodeArray("cells of a pattern")))
        }
        for index in weights.indices {
            weights[index] = try BucketWeights(from: &decoder)
            guard weights[index].buckets == (hasLowest ? lowest..<maxBucket + 1 : 0..<0) else {
                throw .damaged("classifier weights for buckets \(weights[index].buckets)")
            }
        }
        guard patterns.allSatisfy({ $0.recordNumber <= lastRecordNumber }) else {
            throw .damaged("a pattern of the classifier is newer than its last record")
        }
    }
}
