// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTM

// htm-benchmark                  the table
// htm-benchmark growth [N]       N records of noise, default 1,000,000: time and memory against records seen, as CSV
// htm-benchmark parity           every record of every golden file
//
// The series are read from HTMENGINE_GOLDEN, else ../shared/golden.
let golden = URL(fileURLWithPath: ProcessInfo.processInfo.environment["HTMENGINE_GOLDEN"] ?? "../shared/golden")
let benchmark = ModelBenchmark(golden: golden)
let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case nil:
    try benchmark.run()
case "growth":
    try benchmark.growth(arguments.count > 1 ? Int(arguments[1]) ?? 1_000_000 : 1_000_000)
case "parity":
    exit(try benchmark.parity() == 0 ? 0 : 1)
default:
    print("usage: htm-benchmark [growth [RECORDS] | parity]")
    exit(2)
}
