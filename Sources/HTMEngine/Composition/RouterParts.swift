// SPDX-License-Identifier: Apache-2.0

import Alerts
import Engine
import EngineCore
import Graphite
import HTTPAPI

/// Everything HTTP needs, and how its routes are put together: reserved paths first, then metrics.
struct RouterParts: Sendable {
    let configuration: Configuration
    let adapters: Adapters
    let storer: Storer
    let operations: EngineOperations
    let maintenance: Maintenance
    let stream: ResultStream
    let counters: EngineCounters
    let ingest: IngestCounters
    let alerts: AlertService?
    let logger: any Logger
    let endpoints: Monitor<Engine.Endpoints>

    func makeHandler() throws -> HTTPServer.Handler {
        let verbs = EngineVerbs(operations)
        let skeleton = SkeletonRoutes(
            repository: adapters.repository,
            sink: storer,
            verbs: verbs,
            counters: ingest,
            logger: logger
        )
        var router = HTTPRouter { request, _ in try skeleton.respond(to: request) }
        try makeAPI(verbs).register(on: &router)
        GraphiteRoutes(api: GraphiteAPI(source: RepositoryGraphiteSource(repository: adapters.repository)))
            .register(on: &router)
        AlertRoutes(store: adapters.alerts).register(on: &router)
        AccessEndpoint(
            access: DirectAccess(operations: operations, sink: storer),
            maintenance: DirectMaintenance(maintenance: maintenance, repository: adapters.repository)
        ).add(to: &router)
        let finished = router
        return { request in try finished.respond(to: request) }
    }

    private func makeAPI(_ verbs: EngineVerbs) throws -> JSONAPI {
        var settings = JSONAPI.Settings()
        settings.version = HTMEngineVersion.current
        let endpoints = endpoints
        settings.graphiteAddresses = { endpoints.withLock { $0.graphite } }
        settings.httpAddresses = { endpoints.withLock { $0.http } }
        settings.firstRows = Int64(configuration.settings.integer(.firstRows))
        settings.events = try configuration.anomalyEventRule()
        settings.autoMonitor = configuration.settings.list(.autoMonitor)
        let (counters, ingest, bus, alerts) = (counters, ingest, adapters.bus, alerts)
        let servers = ServerGauges(adapters, logger: logger)
        return JSONAPI(
            repository: adapters.repository,
            operations: verbs,
            stream: stream,
            settings: settings,
            logger: logger
        ) {
            counters.snapshot().merging(ingest.snapshot()) { $0 + $1 }.merging(bus.counters()) { $0 + $1 }
                .merging(alerts?.counters() ?? [:]) { $0 + $1 }
                .merging(servers?.values() ?? [:]) { $1 }
        }
    }
}
