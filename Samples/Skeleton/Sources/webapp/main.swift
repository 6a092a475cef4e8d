// SPDX-License-Identifier: Apache-2.0
// The HTTP front of the application: PUT makes a model, POST stores samples, GET reads them with their scores.

import Foundation
import HTMEngine

setvbuf(stdout, nil, _IOLBF, 0)
do {
    let configuration = try Configuration()
    let engine = try EngineConnection(configuration: configuration)
    let front = MetricHTTPFront(engine: engine, configuration: configuration)
    for address in try front.start() { print("Listening on http://\(address)/") }
    try await front.runUntilTerminated()
} catch {
    FileHandle.standardError.write(Data("webapp: \(error)\n".utf8))
    exit(1)
}
