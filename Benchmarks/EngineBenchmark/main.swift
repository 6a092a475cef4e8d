// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Glibc

// The engine's parts by themselves, for Benchmarks/Engine/run.py. Results are `name value` lines.
//
// htm-engine-benchmark turns FILE WARM          models alone on the Graphite lines of FILE, in the lines' order; the first WARM
//                                               samples of each model aren't counted
// htm-engine-benchmark seed DATA METRICS LEARNED RECORDS
//                                               a data directory with METRICS active models that have seen RECORDS rows: copies of
//                                               LEARNED ones, as after retention has removed their rows
// htm-engine-benchmark visit DATA COUNT RECORDS what the engine does with a sample of a model that isn't in memory, COUNT times
// htm-engine-benchmark swap DATA COUNT RECORDS  load, process one record, save with sync, COUNT times on models of DATA
// htm-engine-benchmark checkpoint RECORDS [TIMES]
//                                               save and load of one model, CPU time only; 15 times unless told otherwise
let arguments = Array(CommandLine.arguments.dropFirst())

func number(_ index: Int) -> Int {
    guard index < arguments.count, let number = Int(arguments[index]) else { usage() }
    return number
}

func usage() -> Never {
    print(
        "usage: htm-engine-benchmark turns FILE WARM | seed DATA METRICS LEARNED RECORDS | visit DATA COUNT RECORDS"
            + " | swap DATA COUNT RECORDS"
            + " | checkpoint RECORDS [TIMES]"
    )
    exit(2)
}

// As the engine sets it.
ProcessMemory.limitHeaps(threads: 1)
switch arguments.first {
case "turns" where arguments.count == 3: try ModelsInTurn(path: arguments[1], warm: number(2)).run()
case "seed" where arguments.count == 5:
    try SeededEngine(data: arguments[1]).seed(metrics: number(2), learned: number(3), records: number(4))
case "visit" where arguments.count == 4:
    try SeededEngine(data: arguments[1]).visit(count: number(2), records: number(3))
case "swap" where arguments.count == 4: try SeededEngine(data: arguments[1]).swap(count: number(2), records: number(3))
case "checkpoint" where arguments.count == 2: try SeededEngine.checkpoint(records: number(1), times: 15)
case "checkpoint" where arguments.count == 3: try SeededEngine.checkpoint(records: number(1), times: number(2))
default: usage()
}
