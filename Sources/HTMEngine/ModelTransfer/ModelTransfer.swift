// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// Takes a learned model out of one engine and puts it into another, where it goes on with the same bits.
struct ModelTransfer: Sendable {
    let operations: EngineOperations

    /// The model of a metric as a file: its newest readable checkpoint and the rows since.
    ///
    /// - Throws: `EngineError` with code `notFound`, `metricNotMonitored`, or `checkpointDamaged` when there is no checkpoint yet.
    func export(uid: String) throws -> [UInt8] {
        let (metric, record) = try operations.repository.read { reading in
            guard let metric = try reading.metric(uid: uid) else {
                throw EngineError(.notFound, "there is no metric \(uid)")
            }
            return (metric, try reading.modelRecord(uid: uid))
        }
        guard let record, metric.status == .active, let parameters = metric.parameters,
            let modelParams = metric.modelParams
        else {
            throw EngineError(
                .metricNotMonitored,
                "metric \(metric.name ?? uid) has no model: its status is \(metric.status.word)",
                uid: uid
            )
        }
        let checkpoint = try newestCheckpoint(uid, generation: record.generation)
        let rows = try operations.repository.read {
            try $0.rows(RowQuery(uid: uid, rowids: checkpoint.rowid...Int64.max))
        }
        guard rows.first?.rowid == checkpoint.rowid else {
            throw EngineError(.checkpointDamaged, "the row the checkpoint ends with, \(checkpoint.rowid), is gone")
        }
        let file = ModelFile(
            metric: metric,
            parameters: parameters,
            modelParams: modelParams,
            rows: rows,
            checkpoint: checkpoint
        )
        return file.encode()
    }

    private func newestCheckpoint(_ uid: String, generation: Int64) throws -> Checkpoint {
        var problem = EngineError(.checkpointDamaged, "there is no checkpoint of \(uid) yet", uid: uid)
        for info in try operations.checkpoints.candidates(uid: uid) where info.generation == generation {
            do {
                return try operations.checkpoints.load(info)
            } catch let error as EngineError where error.code == .checkpointDamaged {
                problem = error
            }
        }
        throw problem
    }

    /// Makes a metric with the model of a file.
    ///
    /// - Parameter name: What the metric is called here; nil for its name in the file.
    /// - Throws: `EngineError` with code `metricAlreadyExists`, `invalidArgument` or `checkpointDamaged`; nothing is changed then.
    /// - Returns: The metric's uid.
    func `import`(_ bytes: [UInt8], name: String?) throws -> String {
        let file = try ModelFile(bytes)
        let name = name ?? file.name
        if let refusal = Metric.refusal(ofName: name) {
            throw EngineError(.invalidArgument, "\(refusal.reason): \(String(name.prefix(60)).debugDescription)")
        }
        let definition = try ModelDefinition(text: file.modelParams)
        try operations.checkModel(definition, state: file.checkpoint.model)
        let uid = Metric.makeUID()
        let rowid = file.checkpoint.rowid
        // Before the metric refers to it: a checkpoint nobody knows of does no harm, a model without one would start anew.
        try operations.checkpoints.save(
            Checkpoint(uid: uid, generation: 1, rowid: rowid, model: file.checkpoint.model)
        )
        do {
            try operations.repository.write { transaction in
                var metric = Metric.custom(name: name)
                metric.uid = uid
                metric.description = file.description ?? metric.description
                metric.server = file.server ?? metric.server
                let made = try transaction.createMetric(metric)
                guard made.isNew else {
                    throw EngineError(
                        .metricAlreadyExists,
                        "metric \(name) exists already, uid=\(made.uid); import under another name",
                        uid: made.uid
                    )
                }
                // The scores of later rows are this engine's to write, from the checkpoint on.
                try transaction.insertScoredRows(
                    uid: uid,
                    file.rows.enumerated().map { index, row in
                        index == 0 ? row : MetricRow(rowid: row.rowid, timestamp: row.timestamp, value: row.value)
                    }
                )
                let spec = try ModelSpec(json: JSONValue.parse(file.parameters))
                try transaction.setDefinition(
                    uid: uid,
                    parameters: spec.canonicalJSON(name: name).indentedText,
                    modelParams: file.modelParams,
                    server: nil
                )
                try transaction.setModelRecord(
                    ModelRecord(
                        uid: uid,
                        generation: 1,
                        scoredRowid: rowid,
                        publishedRowid: rowid,
                        baseRowid: rowid,
                        checkpointRowid: rowid,
                        seenStatus: .active
                    )
                )
                try transaction.setStatus(uid: uid, .active, message: nil)
            }
        } catch {
            try? operations.checkpoints.remove(uid: uid, generationsBelow: .max)
            throw error
        }
        operations.bus.send([ModelHint(uid: uid, generation: 1)])
        return uid
    }
}
