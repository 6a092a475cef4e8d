// SPDX-License-Identifier: Apache-2.0
// The HTTP front of the application: PUT makes a model, POST stores samples, GET reads them with their scores.

import Foundation
import HTMEngine

setvbuf(stdout, nil, _IOLBF, 0)
do {
    let front = try MetricHTTPFront(configuration: Configuration())
    for address in try front.start() { print("Listening on http://\(address)/") }
    try await front.run()
} catch {
    FileHandle.standardError.write(Data("webapp: \(error)\n".utf8))
    exit(1)
}
