// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTM

/// The model-level figures of the project, one command, one table.
struct ModelBenchmark {
    let golden: URL
    let factory = ModelFactory()

    func run() throws {
        print(
            "Calibration: \(text(calibration(), 2)) ns per counter increment in plain code; kernels: \(KernelLevel.best)"
        )
        print(
            "CPU time of one thread, medians over the records; memory as the allocator counts it, what models share left out.\n"
        )
        _ = try factory.makeModel(ModelParameters(minimum: 0, maximum: 1))
        try creation()
        let taxi = try SeriesFile(golden.appendingPathComponent("realKnownCause/nyc_taxi.csv"))
        let cpu = try SeriesFile(golden.appendingPathComponent("realAWSCloudwatch/ec2_cpu_utilization_5f5533.csv"))
        let noise = try SeriesFile(golden.appendingPathComponent("artificialNoAnomaly/art_noisy.csv"))
        // First, so that they don't get the memory that others left.
        try residence(taxi)
        print(
            "\n| series | µs/record | total s | likelihood µs | KB new / 1,000 / end | segments | synapses | hash | differences |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
        for series in [taxi, cpu, noise] {
            let run = try ModelRun(series, parameters: series.parameters, factory: factory)
            printRow(series.name, run, hasReference: true)
            if series.name != noise.name {
                try checkpoint(series.name, run.model, parameters: series.parameters)
            }
        }
        var plain = taxi.parameters
        plain.temporalMemory = .plain(PlainTemporalMemory.Parameters())
        printRow(
            "\(taxi.name), plain memory",
            try ModelRun(taxi, parameters: plain, factory: factory),
            hasReference: false
        )
        try inTurn(cpu)
    }

    /// What many models of one process really take, with all that the allocator can't use.
    private func residence(_ series: SeriesFile) throws {
        let (modelCount, recordCount) = (100, 1000)
        let before = residentBytes()
        var models = try (0..<modelCount).map { _ in try factory.makeModel(series.parameters) }
        let created = residentBytes()
        for input in series.inputs.prefix(recordCount) {
            for index in models.indices { _ = models[index].process(input) }
        }
        let learned = residentBytes()
        let each = [created, learned].map { text(Double($0 - before) / Double(modelCount) / 1000, 0) }
        print(
            "Resident memory for each of \(modelCount) models that take records of \(series.name) in turn: \(each[0]) KB new,",
            "\(each[1]) KB after \(recordCount)"
        )
    }

    private func printRow(_ name: String, _ run: ModelRun, hasReference: Bool) {
        let memory = [run.bytesAtCreation, run.bytesAfterThousand, run.bytesAtEnd].map { text(Double($0) / 1000, 0) }
        print(
            "| \(name) | \(text(run.medianMicroseconds)) | \(text(run.totalSeconds, 2)) | \(text(run.likelihoodMicroseconds, 2))",
            "| \(memory.joined(separator: " / ")) | \(run.segments) | \(run.synapses) | \(run.scoreHash)",
            "| \(hasReference ? "\(run.differences)" : "-") |"
        )
    }

    private func creation() throws {
        let first = cpuTime { _ = try? ModelFactory().makeModel(ModelParameters(minimum: 0, maximum: 1)) }
        var times: [Double] = []
        for index in 0..<200 {
            let parameters = ModelParameters(minimum: 0, maximum: 100 + Double(index))
            times.append(try cpuTime { _ = try factory.makeModel(parameters) })
        }
        print("Creating a model: \(text(median(times) * 1e6, 0)) µs; the first of its shape: \(text(first * 1e3)) ms")
    }

    private func checkpoint(_ name: String, _ model: AnomalyModel, parameters: ModelParameters) throws {
        var parameters = parameters
        parameters.likelihood = nil
        var (saves, loads, packs, unpacks): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        var (state, packed): ([UInt8], [UInt8]) = ([], [])
        for _ in 0..<9 {
            saves.append(cpuTime { state = model.encoded() })
            let compressed = compress(state)
            packs.append(compressed.seconds)
            packed = compressed.compressed
            let (restored, seconds) = decompress(packed, count: state.count)
            unpacks.append(seconds)
            loads.append(try cpuTime { _ = try factory.makeModel(parameters, restoring: restored) })
        }
        print(
            "| ↳ checkpoint of \(name) | \(text(Double(state.count) / 1e6, 2)) MB, \(text(Double(packed.count) / 1e6, 2)) MB by zstd |",
            "save \(text(median(saves) * 1e3)) ms, zstd \(text(median(packs) * 1e3)) |",
            "load \(text(median(loads) * 1e3)) ms, zstd \(text(median(unpacks) * 1e3)) | | | | | |"
        )
    }

    /// Many models one record each in turn, so that each finds its memory cold, against one model alone.
    private func inTurn(_ series: SeriesFile) throws {
        let (modelCount, warmup, rounds) = (1000, 200, 10)
        var alone = try factory.makeModel(series.parameters)
        for input in series.inputs.prefix(warmup) {
            _ = alone.process(input)
        }
        // Copies share their memory until they learn; one record each parts them.
        var models = [AnomalyModel](repeating: alone, count: modelCount)
        for index in models.indices {
            _ = models[index].process(series.inputs[warmup])
        }
        _ = alone.process(series.inputs[warmup])
        let turns = cpuTime {
            for round in 1...rounds {
                for index in models.indices {
                    _ = models[index].process(series.inputs[warmup + round])
                }
            }
        }
        var single: [Double] = []
        for _ in 0..<50 {
            var copy = alone
            _ = copy.process(series.inputs[warmup])
            single.append(
                cpuTime {
                    for round in 1...rounds {
                        _ = copy.process(series.inputs[warmup + round])
                    }
                }
            )
        }
        let (inTurn, one) = (turns / Double(modelCount * rounds), median(single) / Double(rounds))
        print(
            "\n1,000 models in turn: \(text(inTurn * 1e6)) µs/record; one model alone on the same records:",
            "\(text(one * 1e6)) µs; ratio \(text(one / inTurn * 100, 0)) %"
        )
    }

    /// Time and memory against records seen, on noise, up to `recordCount`.
    func growth(_ recordCount: Int) throws {
        var random = RandomGenerator(seed: 17)
        var parameters = ModelParameters(minimum: -20, maximum: 120)
        parameters.likelihood = LikelihoodParameters()
        var model = try factory.makeModel(parameters)
        print("records,microseconds_per_record,slowest_microseconds,segments,synapses,megabytes")
        var (times, before): ([Double], Int) = ([], allocatedBytes())
        for index in 1...recordCount {
            let input = ModelInput(timestamp: 1_400_000_000 + 300 * Int64(index), value: random.real64() * 100)
            let start = cpuSeconds()
            _ = model.process(input)
            times.append(cpuSeconds() - start)
            if index & (index - 1) == 0 && index >= 1024 || index % 50_000 == 0 {
                print(
                    "\(index),\(text(times.reduce(0, +) / Double(times.count) * 1e6)),\(text((times.max() ?? 0) * 1e6, 0))",
                    "\(model.segmentCount),\(model.synapseCount),\(text(Double(model.memoryBytes) / 1e6, 2))",
                    separator: ","
                )
                fflush(nil)
                times.removeAll()
                before = max(before, allocatedBytes())
            }
        }
    }

    /// Compares every record of every golden file; the number of files that differ.
    func parity() throws -> Int {
        var failures = 0
        let folders = try FileManager.default.contentsOfDirectory(atPath: golden.path)
        for folder in folders.sorted() where folder.hasPrefix("real") || folder.hasPrefix("art") {
            let names = try FileManager.default.contentsOfDirectory(atPath: golden.appendingPathComponent(folder).path)
            for name in names.sorted() where name.hasSuffix(".csv") {
                let series = try SeriesFile(golden.appendingPathComponent("\(folder)/\(name)"))
                let run = try ModelRun(series, parameters: series.parameters, factory: factory)
                failures += run.differences == 0 ? 0 : 1
                print("\(series.name): \(run.differences) differences, \(text(run.medianMicroseconds)) µs/record")
            }
        }
        return failures
    }
}
