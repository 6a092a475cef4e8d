// SPDX-License-Identifier: Apache-2.0
// The HTTP front of the application: PUT makes a model, POST stores samples, GET reads them with their scores.

import Foundation
import HTMEngine

/// Prints a line at once, also into a file.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

do {
    let front = try MetricHTTPFront(configuration: Configuration())
    for address in try front.start() { say("Listening on http://\(address)/") }
    await front.run()
} catch {
    FileHandle.standardError.write(Data("webapp: \(error)\n".utf8))
    exit(1)
}
