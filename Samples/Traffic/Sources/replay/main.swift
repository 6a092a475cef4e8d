// SPDX-License-Identifier: Apache-2.0
// Sends an archive (CSV: time,sensor,vehicles, in the order of time) to a running engine, so many times faster than it was measured,
// after making a model for each of its sensors.

import Foundation
import HTMEngine

/// Ends the program with a message on standard error.
func fail(_ message: String, status: Int32 = 1) -> Never {
    FileHandle.standardError.write(Data((message + "\n").utf8))
    exit(status)
}

/// Prints a line at once, also into a file.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

let arguments = CommandLine.arguments.dropFirst()
guard let path = arguments.first, arguments.count <= 2, let speed = Double(arguments.dropFirst().first ?? "36000"),
    speed > 0
else { fail("usage: replay ARCHIVE [SPEED]    36000 unless told otherwise: ten hours a second", status: 2) }

/// The archive, cut into what was measured at the same time.
func read(_ path: String) throws -> [[MetricSample]] {
    var steps: [[MetricSample]] = []
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    for (number, line) in lines.enumerated().dropFirst() {
        let fields = line.split(separator: ",")
        guard fields.count == 3, let seconds = Double(fields[0]), let vehicles = Double(fields[2]) else {
            fail("\(path), line \(number + 1): expected time,sensor,vehicles, found \(line)")
        }
        let time = Date(timeIntervalSince1970: seconds)
        let sample = MetricSample(metric: String(fields[1]), value: vehicles, time: time)
        if steps.last?.first?.time == time { steps[steps.count - 1].append(sample) } else { steps.append([sample]) }
    }
    return steps
}

do {
    let steps = try read(path)
    guard let first = steps.first, let last = steps.last else { fail("\(path) holds no samples") }
    let engine = try EngineConnection(configuration: Configuration())
    let adapter = try engine.createDatasourceAdapter("custom")
    for sample in first {
        do {
            try await adapter.monitorMetric(
                ModelSpecification(metric: sample.metric, min: 0, max: 8000, mode: .evidence)
            )
        } catch let error as HTMEngineError where error.code == .metricAlreadyMonitored {
            continue  // a replay that goes on
        }
    }
    say("Replaying \(steps.count) hours of \(first.count) sensors, \(Int(speed)) times as fast...")
    let clock = ContinuousClock()
    let start = clock.now
    var refused = 0
    for (number, step) in steps.enumerated() {
        let age = step[0].time.timeIntervalSince(first[0].time)
        try await clock.sleep(until: start + .seconds(age / speed))
        refused += try await engine.send(step).count
        if (number + 1) % 168 == 0 { say("Week \((number + 1) / 168) sent") }
    }
    say("Sent everything up to \(last[0].time.ISO8601Format()), \(refused) samples refused")
} catch {
    fail("replay: \(error)")
}
