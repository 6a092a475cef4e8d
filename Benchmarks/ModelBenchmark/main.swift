// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTM

let golden = URL(fileURLWithPath: ProcessInfo.processInfo.environment["HTMENGINE_GOLDEN"] ?? "../shared/golden")

func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

for path in CommandLine.arguments.dropFirst() {
    let file = try SeriesFile(golden.appendingPathComponent(path))
    let start0 = cpuSeconds()
    var model = try AnomalyModel(parameters: file.parameters)
    let start = cpuSeconds()
    var firstDifference = -1
    var differences = 0
    for (index, input) in file.inputs.enumerated() {
        let output = model.process(input)
        if index < file.referenceScores.count && output.rawScore != file.referenceScores[index] {
            if differences == 0 { firstDifference = index }
            differences += 1
        }
    }
    let end = cpuSeconds()
    print(
        path,
        "create \(Int((start - start0) * 1e6)) µs",
        "\((end - start) / Double(file.inputs.count) * 1e6) µs/record",
        "differences \(differences) first \(firstDifference)"
    )
}
