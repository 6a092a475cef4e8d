// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The transitions of a metric's life cycle that are one transaction each (spec engine.md 5.2).
enum Monitoring {
    /// Saves the spec and starts a new generation: CREATE_PENDING when the definition is known, else PENDING_DATA.
    ///
    /// The metric is UNMONITORED and locked, or new.
    /// - Returns: The status it has now.
    @discardableResult
    static func begin(
        _ spec: ModelSpec,
        metric: Metric,
        automatic: Bool,
        firstRows: Int64,
        _ transaction: any MetricTransaction
    ) throws -> MetricStatus {
        let name = metric.name ?? ""
        var record =
            try transaction.modelRecord(uid: metric.uid)
            ?? ModelRecord(uid: metric.uid, generation: 0, seenStatus: .unmonitored)
        record.generation += 1
        record.scoredRowid = 0
        record.publishedRowid = 0
        record.checkpointRowid = 0
        record.previousCheckpointRowid = 0
        record.baseRowid = max(0, (try transaction.firstRowid(uid: metric.uid) ?? 1) - 1)
        record.failures = 0
        record.retryAt = nil
        record.note = nil
        record.isAutomatic = automatic
        let definition = try definition(spec, uid: metric.uid, firstRows: firstRows, transaction)
        try transaction.setModelRecord(record)
        try transaction.setDefinition(
            uid: metric.uid,
            parameters: spec.canonicalJSON(name: name).indentedText,
            modelParams: definition?.text,
            server: spec.resource.map { String($0.prefix(100)) }
        )
        let status: MetricStatus = definition == nil ? .pendingData : .createPending
        try transaction.setStatus(uid: metric.uid, status, message: nil)
        return status
    }

    /// The model the spec asks for, with an estimated range where it gives none.
    ///
    /// - Returns: nil when the range can't be estimated yet.
    static func definition(
        _ spec: ModelSpec,
        uid: String,
        firstRows: Int64,
        _ transaction: any MetricTransaction
    ) throws -> ModelDefinition? {
        if let complete = spec.completeModelParams { return .complete(complete) }
        let params = spec.modelParams ?? ModelSpec.ModelParams()
        if params.mode == .evidence {
            // It finds the range by itself.
            return .evidence(
                minimum: params.min,
                maximum: params.max,
                minimumResolution: params.minResolution
            )
        }
        let range: (minimum: Double, maximum: Double)
        if let minimum = params.min, let maximum = params.max {
            range = (minimum, maximum)
        } else {
            guard try transaction.rowCount(uid: uid) >= firstRows, let values = try transaction.valueRange(uid: uid)
            else { return nil }
            range = estimatedRange(values)
        }
        return .standard(
            minimum: range.minimum,
            maximum: range.maximum,
            minimumResolution: params.minResolution,
            classifier: params.enableClassifier ?? false
        )
    }

    /// The range of all stored values, padded by a fifth on both sides (spec engine.md 5.3).
    static func estimatedRange(_ values: ClosedRange<Double>) -> (minimum: Double, maximum: Double) {
        let low = values.lowerBound
        let high = values.upperBound > low ? values.upperBound : low + 1
        let padding = 0.2 * (high - low)
        // Where the values span nearly all doubles, the padding must not leave them.
        return (
            max(low - padding, -Double.greatestFiniteMagnitude / 4), min(high + padding, .greatestFiniteMagnitude / 4)
        )
    }
}
