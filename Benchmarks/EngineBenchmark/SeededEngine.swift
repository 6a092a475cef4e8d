// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Foundation
import Storage

/// A data directory of an embedded engine whose models have learned.
struct SeededEngine {
    let data: String
    private let factory = HTMScoringModelFactory()

    private static let generation: Int64 = 1
    private static let firstTime: Int64 = 1_700_000_000

    private var store: FileCheckpointStore { FileCheckpointStore(root: data + "/checkpoints") }

    init(data: String) {
        self.data = data.hasPrefix("/") ? data : FileManager.default.currentDirectoryPath + "/" + data
    }

    /// A day's wave with noise, in hundredths; another one for each model.
    static func sample(model: Int, record: Int) -> Sample {
        // A hash of both numbers for the noise (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
        var bits = UInt64(model) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(record) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        bits ^= bits >> 31
        let noise = Double(bits >> 11) / Double(1 << 53)
        let wave = sin(2 * .pi * (Double(model) * 0.618 + Double(record) / 288))
        let value = ((50 + 30 * wave + 4 * noise) * 100).rounded() / 100
        return Sample(timestamp: firstTime + 300 * Int64(record), value: value)
    }

    private static func uid(_ metric: Int) -> String { String(format: "%032x", metric &* 0x9E37_79B9) }

    private static func learned(_ model: Int, records: Int, _ factory: HTMScoringModelFactory) throws -> [UInt8] {
        var scoring = try factory.make(definition)
        for record in 0..<records { _ = try scoring.process(sample(model: model, record: record)) }
        return try scoring.encoded()
    }

    func seed(metrics: Int, learned: Int, records: Int) throws {
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let states = try (0..<learned).map { try Self.learned($0, records: records, factory) }
        let database = try SQLiteDatabase(SQLiteDatabase.Configuration(path: data + "/htmengine.sqlite"))
        let repository = SQLMetricRepository(database: database)
        defer { repository.close() }
        try repository.migrate()
        let rowid = learned == 0 ? 0 : Int64(records)
        for start in stride(from: 0, to: metrics, by: 1000) {
            try repository.write { transaction in
                for metric in start..<min(metrics, start + 1000) {
                    var created = Metric.custom(uid: Self.uid(metric), name: "swap.host\(metric).load")
                    created.lastRowid = rowid
                    if rowid > 0 { created.lastTimestamp = Self.sample(model: 0, record: records - 1).timestamp }
                    _ = try transaction.createMetric(created)
                    try transaction.setDefinition(
                        uid: created.uid,
                        parameters: #"{"datasource":"custom","metricSpec":{"metric":"\#(created.name!)"}}"#,
                        modelParams: definition.text,
                        server: nil
                    )
                    try transaction.setModelRecord(
                        ModelRecord(
                            uid: created.uid,
                            generation: Self.generation,
                            scoredRowid: rowid,
                            publishedRowid: rowid,
                            checkpointRowid: rowid,
                            seenStatus: .active
                        )
                    )
                    try transaction.setStatus(uid: created.uid, .active, message: nil)
                }
            }
        }
        guard learned > 0 else { return }
        var bytes = 0
        for metric in 0..<metrics {
            let state = states[metric % learned]
            let checkpoint = Checkpoint(
                uid: Self.uid(metric),
                generation: Self.generation,
                rowid: rowid,
                model: state
            )
            // Without the syncs of `save`: they would take most of the time.
            let path = store.path(of: checkpoint.info)
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent,
                withIntermediateDirectories: true
            )
            let file = CheckpointEnvelope.encode(checkpoint, .none)
            bytes += file.count
            try Data(file).write(to: URL(fileURLWithPath: path))
        }
        let model = try factory.load(definition, states[0])
        print("checkpoint_bytes", bytes / metrics)
        print("model_bytes", model.memoryBytes)
    }

    /// What the engine does with a sample of a model that isn't in memory: load, replay the rows since the checkpoint, process one, and
    /// save when that makes it worth while. The models have 0, 1, 2 … rows to replay in turn, as after a long time of it.
    func visit(count: Int, records: Int) throws {
        let worthSaving = ModelRunner.Configuration().rowsWorthSaving
        var cpu: [Double] = []
        var elapsed: [Double] = []
        var written = 0
        for metric in 0..<count {
            let unsaved = metric % worthSaving
            let (cpuBefore, before) = (cpuSeconds(), elapsedSeconds())
            guard let info = try store.candidates(uid: Self.uid(metric)).first else {
                throw EngineError(.notFound, "model \(metric) has no checkpoint in \(data)")
            }
            var model = try factory.load(definition, try store.load(info).model)
            for record in records...records + unsaved {
                _ = try model.process(Self.sample(model: metric, record: record))
            }
            if unsaved + 1 == worthSaving {
                let rowid = info.rowid + Int64(worthSaving)
                let saved = try store.save(
                    Checkpoint(uid: info.uid, generation: info.generation, rowid: rowid, model: model.encoded())
                )
                written += saved[0].storedBytes
            }
            cpu.append((cpuSeconds() - cpuBefore) * 1000)
            elapsed.append((elapsedSeconds() - before) * 1000)
        }
        printCosts("visit_", cpu: cpu, elapsed: elapsed, bytesWritten: written)
    }

    /// Of each model in milliseconds, and of all together in bytes.
    private func printCosts(_ prefix: String, cpu: [Double], elapsed: [Double], bytesWritten: Int) {
        print("\(prefix)cpu_p50", percentile(cpu, 0.5))
        print("\(prefix)cpu_p99", percentile(cpu, 0.99))
        print("\(prefix)elapsed_p50", percentile(elapsed, 0.5))
        print("\(prefix)elapsed_p99", percentile(elapsed, 0.99))
        print("\(prefix)bytes_per_sample", bytesWritten / max(1, cpu.count))
    }

    func swap(count: Int, records: Int) throws {
        var cpu: [Double] = []
        var elapsed: [Double] = []
        var written = 0
        var hash = ScoreHash()
        for metric in 0..<count {
            let (cpuBefore, before) = (cpuSeconds(), elapsedSeconds())
            guard let info = try store.candidates(uid: Self.uid(metric)).first else {
                throw EngineError(.notFound, "model \(metric) has no checkpoint in \(data)")
            }
            var model = try factory.load(definition, try store.load(info).model)
            hash.add(try model.process(Self.sample(model: metric, record: records)).rawAnomalyScore)
            let saved = try store.save(
                Checkpoint(
                    uid: info.uid,
                    generation: info.generation,
                    rowid: info.rowid + 1,
                    model: model.encoded()
                )
            )
            written += saved[0].storedBytes
            cpu.append((cpuSeconds() - cpuBefore) * 1000)
            elapsed.append((elapsedSeconds() - before) * 1000)
        }
        printCosts("", cpu: cpu, elapsed: elapsed, bytesWritten: written)
        print("hash", hash.text)
    }

    /// Milliseconds of CPU time, medians, in the envelope of a checkpoint file but without the disk.
    static func checkpoint(records: Int, times: Int) throws {
        let factory = HTMScoringModelFactory()
        let state = try learned(0, records: records, factory)
        let model = try factory.load(definition, state)
        var saves: [Double] = []
        var loads: [Double] = []
        var size = 0
        for _ in 0..<times {
            var began = cpuSeconds()
            let file = CheckpointEnvelope.encode(
                Checkpoint(uid: uid(0), generation: 1, rowid: Int64(records), model: try model.encoded()),
                .none
            )
            saves.append((cpuSeconds() - began) * 1000)
            size = file.count
            began = cpuSeconds()
            _ = try factory.load(definition, try CheckpointEnvelope.decode(file).model)
            loads.append((cpuSeconds() - began) * 1000)
        }
        var hash = ScoreHash()
        var restored = try factory.load(definition, state)
        for record in records..<records + 100 {
            hash.add(try restored.process(sample(model: 0, record: record)).rawAnomalyScore)
        }
        print("save", percentile(saves, 0.5))
        print("load", percentile(loads, 0.5))
        print("bytes", size)
        print("hash", hash.text)
    }
}
