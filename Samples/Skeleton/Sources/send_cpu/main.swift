// SPDX-License-Identifier: Apache-2.0
// Measures the machine's CPU load every five seconds and sends it to the engine.

import Foundation
import HTMEngine

let metric = "cpu_percent"
let secondsPerSample = 5

/// Prints a line at once, also into a file.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

say("Sending CPU percent samples to `\(metric)`...")
do {
    let engine = try EngineConnection(configuration: Configuration())
    var load = CPULoad()
    var hasComplained = false
    while true {
        try await Task.sleep(for: .seconds(secondsPerSample))
        let sample = MetricSample(metric: metric, value: load.percentSinceLastCall())
        // An engine that isn't up yet gets the sample when it is.
        while true {
            do {
                let refused = try await engine.send([sample])
                for (_, reason) in refused { FileHandle.standardError.write(Data("Refused: \(reason)\n".utf8)) }
                break
            } catch let error as HTMEngineError
                where error.code == .engineUnavailable || error.code == .storageUnavailable
            {
                if !hasComplained { FileHandle.standardError.write(Data("Waiting for the engine: \(error)\n".utf8)) }
                hasComplained = true
                try await Task.sleep(for: .seconds(1))
            }
        }
        hasComplained = false
        say("Sent \(String(format: "%.6f", sample.value)) @ \(Int(sample.time.timeIntervalSince1970))")
    }
} catch {
    FileHandle.standardError.write(Data("send_cpu: \(error)\n".utf8))
    exit(1)
}
