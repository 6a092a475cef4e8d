// SPDX-License-Identifier: Apache-2.0

import Bus
import Engine
import EngineCore
import HTM
import HTMEngine
import Storage

extension FuzzTarget {
    /// Checkpoint files: what is accepted is written again as it was read.
    static let checkpointFile = FuzzTarget("checkpoint-file") { bytes in
        let checkpoint = try CheckpointEnvelope.decode(bytes)
        for compression in [CheckpointEnvelope.Compression.none, .zstandard] {
            let again = try CheckpointEnvelope.decode(CheckpointEnvelope.encode(checkpoint, compression))
            try promise(again.model == checkpoint.model && again.rowid == checkpoint.rowid, "read again it differs")
        }
    }

    /// Files that carry a learned model: what is accepted is written again as it was read.
    static let modelFile = FuzzTarget("model-file") { bytes in
        let file = try ModelFile(bytes)
        try promise(
            file.rows.allSatisfy { $0.value.isFinite && Timestamps.representable.contains($0.timestamp) },
            "a row no table has"
        )
        let written = file.encode()
        guard let again = try? ModelFile(written) else { throw BrokenPromise("what is written again is refused") }
        try promise(again.encode() == written, "read again it differs")
    }

    /// The state of a model; the first byte chooses its temporal memory. What is accepted can go on.
    static let modelState = FuzzTarget("model-state") { bytes in
        let parameters = SmallModel.parameters(isPlain: (bytes.first ?? 0) & 1 == 1)
        var model = try SmallModel.factory.makeModel(parameters, restoring: Array(bytes.dropFirst()))
        for index in 0..<8 {
            let output = model.process(SmallModel.input(index))
            try promise((0...1).contains(output.rawScore), "raw score \(output.rawScore)")
        }
        _ = model.encoded()
    }
}

/// A model with few columns, so that its state is small and soon restored.
package enum SmallModel {
    static let factory = ModelFactory()

    static func parameters(isPlain: Bool) -> ModelParameters {
        var parameters = ModelParameters(encoders: [
            EncoderParameters(
                name: "c1",
                // Too narrow for all its buckets.
                kind: .randomDistributedScalar(.init(resolution: 1, activeBits: 5, width: 40))
            )
        ])
        parameters.spatialPooler.columnCount = 64
        parameters.spatialPooler.numActiveColumnsPerInhArea = 16
        if isPlain {
            var memory = PlainTemporalMemory.Parameters()
            memory.columnCount = 64
            memory.cellsPerColumn = 4
            memory.minThreshold = 4
            memory.activationThreshold = 6
            parameters.temporalMemory = .plain(memory)
        } else {
            var memory = BacktrackingParameters()
            memory.columnCount = 64
            memory.cellsPerColumn = 4
            memory.minThreshold = 4
            memory.activationThreshold = 6
            parameters.temporalMemory = .backtracking(memory)
        }
        parameters.classifier = .init()
        return parameters
    }

    static func input(_ index: Int) -> ModelInput {
        ModelInput(timestamp: Int64(index) * 300, value: Double(index * 7 % 5))
    }

    /// A state to begin from, after 60 records.
    static func seed(isPlain: Bool) throws -> [UInt8] {
        var model = try factory.makeModel(parameters(isPlain: isPlain))
        for index in 0..<60 {
            _ = model.process(input(index))
        }
        return [isPlain ? 1 : 0] + model.encoded()
    }
}

/// Seeds that the product itself writes; the others in the corpus are written by hand.
package enum GeneratedSeeds {
    /// Target, file name and bytes.
    package static func all() throws -> [(target: String, file: String, bytes: [UInt8])] {
        let backtracking = try SmallModel.seed(isPlain: false)
        let checkpoint = Checkpoint(uid: "00112233", generation: 1, rowid: 60, model: Array(backtracking.prefix(500)))
        let definition = ModelDefinition.standard(
            minimum: 0,
            maximum: 100,
            minimumResolution: nil,
            classifier: true
        )
        let rows = (60..<63).map { index in
            MetricRow(
                rowid: Int64(index),
                timestamp: 1_600_000_000 + Int64(index) * 300,
                value: Double(index % 7),
                rawAnomalyScore: 0.25,
                anomalyScore: 0.5
            )
        }
        let learned = ModelFile(
            metric: Metric.custom(uid: "00112233", name: "m"),
            parameters: #"{"metric":"m"}"#,
            modelParams: "{}",
            rows: rows,
            checkpoint: checkpoint
        )
        let results = InferenceResults(
            metric: MetricDescription(Metric.custom(uid: "00112233", name: "m")),
            generation: 1,
            rows: rows
        )
        let command = ModelCommandResult(method: .deleteModel, modelId: "00112233", status: 0)
        return [
            ("model-file", "learned", learned.encode()),
            ("result-body", "results", [0] + ResultsCoding.encode(.inferenceResults(results), exchange: "").body),
            ("result-body", "command", [1] + ResultsCoding.encode(.commandResult(command), exchange: "").body),
            (
                "model-hint", "rows",
                HintCoding.encode([ModelHint(uid: "u", generation: 3, firstRowid: 60, samples: rows.map(\.sample))])
            ),
            ("model-state", "backtracking", backtracking),
            ("model-state", "plain", try SmallModel.seed(isPlain: true)),
            ("checkpoint-file", "small", CheckpointEnvelope.encode(checkpoint, .zstandard)),
            ("checkpoint-file", "uncompressed", CheckpointEnvelope.encode(checkpoint, .none)),
            ("model-parameters", "standard", Array(definition.text.utf8)),
        ]
    }
}
