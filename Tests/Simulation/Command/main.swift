// SPDX-License-Identifier: Apache-2.0

import EngineCore
import EngineSimulation
import Foundation

// htmengine-simulation [FIRST COUNT]: runs the simulation for COUNT seeds from FIRST on, on all cores, and names the seed that fails.
//
// A program of its own, because Swift Testing captures a backtrace for every error that is thrown, which takes longer than all the rest
// of a simulation that lives on errors.

/// What all threads share.
private struct Progress {
    var nextSeed: UInt64
    var scoredRows = 0
    /// By seed, so that the lowest is named however the threads ran.
    var failures: [UInt64: [String]] = [:]
}

private func fail(_ text: String, status: Int32) -> Never {
    FileHandle.standardError.write(Data((text + "\n").utf8))
    exit(status)
}

private let numbers = CommandLine.arguments.dropFirst().map(UInt64.init)
private let (first, count): (UInt64, UInt64) =
    switch numbers.count {
    case 0: (1, 4000)
    case 2: (numbers[0] ?? 0, numbers[1] ?? 0)
    default: (0, 0)
    }
guard count > 0, first <= UInt64.max - count else {
    fail("usage: htmengine-simulation [FIRST COUNT], two whole numbers, COUNT at least 1", status: 2)
}

private let progress = Monitor(Progress(nextSeed: first))
private let threads = (0..<ProcessInfo.processInfo.activeProcessorCount).map { index in
    ServiceThread(name: "simulation \(index)") {
        while true {
            let seed: UInt64? = progress.update { progress in
                guard progress.failures.isEmpty, progress.nextSeed < first + count else { return nil }
                defer { progress.nextSeed += 1 }
                return progress.nextSeed
            }
            guard let seed else { return }
            let problems: [String]
            var scored = 0
            do {
                let simulation = try Simulation(seed: seed)
                problems = try simulation.run()
                scored = simulation.scoredRows
            } catch {
                problems = ["\(error)"]
            }
            progress.withLock { progress in
                progress.scoredRows += scored
                if !problems.isEmpty { progress.failures[seed] = problems }
            }
        }
    }
}
for thread in threads { thread.join() }

private let result = progress.withLock { $0 }
if let (seed, problems) = result.failures.min(by: { $0.key < $1.key }) {
    fail("seed \(seed) FAILED: \(problems.prefix(5).joined(separator: "; "))", status: 1)
}
// A simulation that scores next to nothing proves nothing.
if result.scoredRows <= Int(count) * 20 {
    fail("only \(result.scoredRows) rows were scored, expected more than 20 a seed", status: 1)
}
print("\(count) seeds from \(first) on, \(result.scoredRows) rows scored: nothing lost, nothing scored twice")
