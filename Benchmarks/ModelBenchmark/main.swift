// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTM

// htm-benchmark                  the table
// htm-benchmark growth [N]       N records of noise, default 1,000,000: time and memory against records seen, as CSV
// htm-benchmark parity           every record of every golden file
// htm-benchmark series NAME [N]  one golden file (realKnownCause/nyc_taxi.csv) N times, default 3, to look at with a profiler; "plain" before N: plain memory
// htm-benchmark limits NAB       NAB's scores under smaller and smaller limits on segments; NAB: folder with data and labels
//
// The series are read from HTMENGINE_GOLDEN, else ../shared/golden.
let golden = URL(fileURLWithPath: ProcessInfo.processInfo.environment["HTMENGINE_GOLDEN"] ?? "../shared/golden")
let benchmark = ModelBenchmark(golden: golden)
let arguments = Array(CommandLine.arguments.dropFirst())
do {
    switch arguments.first {
    case nil:
        try benchmark.run()
    case "growth":
        try benchmark.growth(arguments.count > 1 ? Int(arguments[1]) ?? 1_000_000 : 1_000_000)
    case "parity":
        exit(try benchmark.parity() == 0 ? 0 : 1)
    case "series" where arguments.count > 1:
        try benchmark.series(
            arguments[1],
            isPlain: arguments.contains("plain"),
            repetitions: arguments.dropFirst(2).compactMap { Int($0) }.first ?? 3
        )
    case "limits" where arguments.count > 1:
        try benchmark.limits(corpus: arguments[1])
    default:
        print("usage: htm-benchmark [growth [RECORDS] | parity | series NAME [plain] [N] | limits NAB]")
        exit(2)
    }
} catch {
    // A series that isn't there, mostly.
    FileHandle.standardError.write(Data("htm-benchmark: \(error.localizedDescription) (\(golden.path))\n".utf8))
    exit(1)
}
