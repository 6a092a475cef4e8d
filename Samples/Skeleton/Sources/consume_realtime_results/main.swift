// SPDX-License-Identifier: Apache-2.0
// Prints every result as the engine gives it. On servers, what came while this program was off is printed first.

import Foundation
import HTMEngine

/// Prints a line at once, also into a file.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

do {
    let configuration = try Configuration()
    let engine = try EngineConnection(configuration: configuration)
    for try await event in engine.events(queue: "\(configuration.applicationName)_results") {
        switch event {
        case .results(let results) where results.rows.isEmpty:
            say("Empty results in model inference results batch; model=\(results.uid)")
        case .results(let results):
            say("Handling \(results.rows.count) model result(s) for \(results.uid) - \(results.metric)")
            say("\(results.uid) \(results.rowsJSON)")
        case .command(let command):
            guard command.status == 0 else { continue }
            say("Handling `\(command.method)` for \(command.modelID)")
            say(command.json)
        case .unexpected(let dataType):
            say("Unexpected message header dataType=\(dataType)")
        case .gap: continue  // what this program missed is in the database
        }
    }
} catch {
    FileHandle.standardError.write(Data("consume_realtime_results: \(error)\n".utf8))
    exit(1)
}
