// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import HTTPAPI

/// Everything HTTP needs, and how its routes are put together: reserved paths first, then metrics.
struct RouterParts: Sendable {
    let configuration: Configuration
    let adapters: Adapters
    let storer: Storer
    let operations: EngineOperations
    let counters: EngineCounters
    let ingest: IngestCounters
    let logger: any Logger
    let graphiteAddresses: [String]

    func makeHandler() throws -> HTTPServer.Handler {
        let skeleton = SkeletonRoutes(
            repository: adapters.repository, sink: storer, verbs: HTTPOperations(operations: operations), counters: ingest, logger: logger)
        let router = HTTPRouter { request, _ in try skeleton.respond(to: request) }
        return { request in try router.respond(to: request) }
    }

}
