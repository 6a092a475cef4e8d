// SPDX-License-Identifier: Apache-2.0
// Prints every result as the engine gives it. On servers, what came while this program was off is printed first.

import Foundation
import HTMEngine

setvbuf(stdout, nil, _IOLBF, 0)
do {
    let configuration = try Configuration()
    let engine = try EngineConnection(configuration: configuration)
    for try await event in engine.events(queue: "\(configuration.applicationName)_results") {
        switch event {
        case .results(let results) where results.rows.isEmpty:
            print("Empty results in model inference results batch; model=<\(results.uid)>")
        case .results(let results):
            print("Handling \(results.rows.count) model result(s) for \(results.uid) - \(results.metric)")
            print("\(results.uid) \(results.rowsJSON)")
        case .command(let command):
            guard command.status == 0 else { continue }
            print("Handling `\(command.method)` for <\(command.modelID)>")
            print(command.json)
        case .unexpected(let dataType):
            print("Unexpected message header dataType=\(dataType)")
        }
    }
} catch {
    FileHandle.standardError.write(Data("consume_realtime_results: \(error)\n".utf8))
    exit(1)
}
