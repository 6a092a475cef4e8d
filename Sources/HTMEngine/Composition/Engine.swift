// SPDX-License-Identifier: Apache-2.0

import Alerts
import Bus
import Engine
import EngineCore
import Foundation
import HTTPAPI

/// An engine inside this process: any set of its services, put together as the configuration says.
///
///     let engine = try Engine(configuration: Configuration())
///     try await engine.run()
///
/// ``run(stoppingOn:)`` keeps it going until the task is cancelled; ``start()`` and ``stop()`` are for programs without tasks.
public final class Engine: Sendable {
    /// The parts an engine consists of; on servers each may be a process of its own.
    public enum Service: String, Sendable, CaseIterable {
        /// Takes Graphite plaintext.
        case listener
        /// Takes samples from the AMQP queue.
        case storer
        /// Runs the models.
        case runner
        /// Answers HTTP on the network.
        case http
        /// Asks polled datasources: the application's own, and what `[prometheus]` names.
        case collector
    }

    /// What was asked for.
    public let configuration: Configuration
    /// The services of this process.
    public let services: Set<Service>

    let logger: any Logger
    private let datasources: [any PolledDatasource]
    private let state = Monitor<Running?>(nil)

    /// Prepares an engine; nothing is opened yet.
    /// - Parameters:
    ///   - configuration: What it is told from outside.
    ///   - services: The parts to run in this process. An embedded engine needs at least `storer` and `runner`.
    ///   - datasources: Sources of the application's own, asked by the service `collector`.
    public convenience init(
        configuration: Configuration,
        services: Set<Service> = Set(Service.allCases),
        datasources: [any PolledDatasource] = []
    ) {
        self.init(
            configuration: configuration,
            services: services,
            datasources: datasources,
            logger: configuration.makeLogger()
        )
    }

    package init(
        configuration: Configuration,
        services: Set<Service>,
        datasources: [any PolledDatasource] = [],
        logger: any Logger
    ) {
        self.configuration = configuration
        self.services = services
        self.datasources = datasources
        self.logger = logger
    }

    /// What `start` began and `stop` ends.
    private struct Running: Sendable {
        var adapters: Adapters
        var storer: Storer
        var runner: ModelRunner?
        var alerts: AlertService?
        var maintenance: Maintenance
        var listener: GraphiteListener?
        var collector: Collector?
        var access: DirectAccess
        var brokerClients: BrokerClients?
        var server: HTTPServer
        var stream: ResultStream
        var endpoints: Endpoints
    }

    /// Where a running engine is reached.
    public struct Endpoints: Sendable {
        /// Addresses for Graphite plaintext, such as `127.0.0.1:2003`.
        public var graphite: [String] = []
        /// Addresses for HTTP.
        public var http: [String] = []
        /// Path of the unix socket for this machine's programs; nil on servers.
        public var socket: String?
    }

    /// Where the engine is reached; nil when it isn't running.
    public var endpoints: Endpoints? { state.withLock { $0?.endpoints } }

    /// The way to this engine from inside its process, with the same verbs as from outside.
    /// - Throws: ``HTMEngineError`` with code `engineUnavailable` when it isn't running.
    public func connection() throws -> EngineConnection {
        guard let access = state.withLock({ $0?.access }) else {
            throw HTMEngineError(.engineUnavailable, "the engine isn't running: call start() or run() first")
        }
        return EngineConnection(access: access)
    }

    /// Starts the engine, runs until the task is cancelled or the process gets one of the signals, and stops in order: it takes no more
    /// data, finishes what it took, and saves the models.
    ///
    ///     try await withThrowingTaskGroup { group in
    ///         group.addTask { try await engine.run(stoppingOn: [SIGINT, SIGTERM]) }
    ///         group.addTask { try await serveMyOwnThings() }
    ///         // The first of them that ends, ends both.
    ///         try await group.next()
    ///         group.cancelAll()
    ///     }
    ///
    /// - Parameter signals: Taken by this call for good; none by default.
    /// - Throws: ``HTMEngineError`` when the engine can't be started.
    public func run(stoppingOn signals: [Int32] = []) async throws {
        try await BlockingWork.run { try self.start() }
        await waitForCancellation(orSignals: signals)
        _ = try? await BlockingWork.run { self.stop() }
    }

    /// Opens the database, starts the services and begins to listen.
    ///
    /// - Throws: ``HTMEngineError``; what had been started is stopped again.
    public func start() throws {
        do {
            try startServices()
        } catch let error as EngineError {
            throw HTMEngineError(error)
        } catch let error as ListeningError {
            throw HTMEngineError(EngineError(.failed, error.description))
        }
    }

    /// Stops taking data, finishes what was taken, saves the models and closes everything, within a few seconds.
    ///
    /// Whatever isn't scored by then is scored after the next start. Harmless when the engine isn't running.
    public func stop() {
        let running = state.withLock { running in
            defer { running = nil }
            return running
        }
        guard let running else { return }
        running.collector?.stop()
        running.listener?.stop()
        running.brokerClients?.close()
        running.stream.stop()
        running.server.stop()
        running.maintenance.stop()
        running.storer.stop()
        running.runner?.stop(patienceMilliseconds: 5000)
        running.alerts?.stop()
        running.adapters.close()
        if let socket = running.endpoints.socket { unlink(socket) }
        logger.info("engine", "stopped")
    }

    // MARK: Starting

    private func startServices() throws {
        precondition(state.withLock { $0 == nil }, "the engine runs already")
        if configuration.repository == .sqlite { try checkEmbeddedServices() }
        for warning in configuration.warnings { logger.warning("configuration", warning) }
        let adapters = try Adapters.open(configuration, logger: logger)
        var undo: [() -> Void] = [adapters.close]
        do {
            let running = try startServices(adapters, &undo)
            state.withLock { $0 = running }
        } catch {
            for step in undo.reversed() { step() }
            throw error
        }
    }

    /// One process alone has an embedded database, so it must do everything that works on it.
    private func checkEmbeddedServices() throws {
        let missing = [Service.storer, .runner].filter { !services.contains($0) }
        guard missing.isEmpty else {
            throw EngineError(
                .configuration,
                "an embedded engine needs the services storer and runner; missing: "
                    + missing.map(\.rawValue).joined(separator: ", ")
            )
        }
    }

    private func startServices(_ adapters: Adapters, _ undo: inout [() -> Void]) throws -> Running {
        let settings = configuration.settings
        let counters = EngineCounters()
        let ingest = IngestCounters()
        let factory = settings.modelFactory
        let firstRows = Int64(settings.integer(.firstRows))
        let storer = Storer(
            repository: adapters.repository,
            bus: adapters.bus,
            logger: logger,
            counters: counters,
            configuration: storerConfiguration(settings)
        )
        storer.start()
        undo.append(storer.stop)
        // Without HTTP nobody reads the stream, and on servers it would be everybody's results.
        let readsStream = services.contains(.http) || configuration.repository == .sqlite
        let stream = try ResultStream(
            bus: readsStream ? adapters.bus : InProcessBus(partitionCount: 1),
            repository: adapters.repository
        )
        undo.append(stream.stop)
        let alerts = try startAlerts(adapters)
        if let alerts { undo.append(alerts.stop) }
        var runner: ModelRunner?
        if services.contains(.runner) {
            let started = ModelRunner(
                repository: adapters.repository,
                bus: adapters.bus,
                checkpointStore: adapters.checkpoints,
                factory: factory,
                logger: logger,
                counters: counters,
                configuration: runnerConfiguration(settings)
            )
            try started.start()
            undo.append { started.stop(patienceMilliseconds: 1000) }
            runner = started
        }
        let operations = EngineOperations(
            repository: adapters.repository,
            bus: adapters.bus,
            checkpoints: adapters.checkpoints,
            factory: factory,
            logger: logger,
            firstRows: firstRows,
            defaultMode: settings.defaultMode
        )
        let maintenance = Maintenance(
            repository: adapters.repository,
            checkpoints: adapters.checkpoints,
            logger: logger,
            counters: counters,
            configuration: maintenanceConfiguration(settings)
        )
        if services.contains(.runner) { maintenance.start() }
        undo.append(maintenance.stop)
        let endpoints = Monitor(Endpoints())
        var listener: GraphiteListener?
        if services.contains(.listener) {
            let started = GraphiteListener(
                configuration: listenerConfiguration(settings),
                sink: storer,
                counters: ingest,
                logger: logger
            )
            let sockets = try started.start()
            undo.append(started.stop)
            // TCP and UDP share their addresses.
            var names: [String] = []
            for socket in sockets where !names.contains(socket.name) { names.append(socket.name) }
            let addresses = names
            endpoints.withLock { $0.graphite = addresses }
            listener = started
        }
        let access = DirectAccess(operations: operations, sink: storer) { [adapters] name in
            guard let broker = adapters.broker else { return try adapters.bus.subscribe(capacity: 100_000) }
            return try broker.openQueue(name)
        }
        var collector: Collector?
        let sources = datasources + (try configuration.prometheusSources())
        if services.contains(.collector), !sources.isEmpty {
            let started = try configuration.makeCollector(sources, access: access, logger: logger, counters: counters)
            started.start()
            undo.append(started.stop)
            collector = started
        }
        let brokerClients = adapters.broker.map { broker in
            BrokerClients(
                broker,
                repository: adapters.repository,
                services: services,
                sink: storer,
                counters: ingest,
                logger: logger
            )
        }
        if let brokerClients { undo.append(brokerClients.close) }
        let parts = RouterParts(
            configuration: configuration,
            adapters: adapters,
            storer: storer,
            operations: operations,
            maintenance: maintenance,
            stream: stream,
            counters: counters,
            ingest: ingest,
            alerts: alerts,
            logger: logger,
            endpoints: endpoints
        )
        let server = try makeServer(try parts.makeHandler())
        undo.append(server.stop)
        try listen(server, endpoints)
        return Running(
            adapters: adapters,
            storer: storer,
            runner: runner,
            alerts: alerts,
            maintenance: maintenance,
            listener: listener,
            collector: collector,
            access: access,
            brokerClients: brokerClients,
            server: server,
            stream: stream,
            endpoints: endpoints.withLock { $0 }
        )
    }

    /// Watches the results when there is somebody to tell; beside the runner, so that on servers too it runs where results are made.
    private func startAlerts(_ adapters: Adapters) throws -> AlertService? {
        let sinks = try configuration.alertSinks()
        guard services.contains(.runner), !sinks.isEmpty else { return nil }
        var settings = AlertService.Configuration()
        settings.rules = try configuration.alertRules()
        let service = AlertService(
            configuration: settings,
            sinks: sinks,
            store: adapters.alerts,
            repository: adapters.repository,
            bus: adapters.bus,
            logger: logger
        )
        try service.start()
        return service
    }

    /// The server with who may use it and how replies are finished.
    private func makeServer(_ handler: @escaping HTTPServer.Handler) throws -> HTTPServer {
        let control = try AccessControl(configuration: configuration.accessControl(), logger: logger)
        if services.contains(.http) {
            let address = configuration.httpAddress
            if let refusal = control.refusalToListen(on: address.description, isLoopback: address.isLoopback) {
                throw EngineError(.configuration, refusal)
            }
        }
        return HTTPServer(
            configuration: try httpConfiguration(configuration.settings),
            logger: logger,
            gate: control.gate,
            finish: { request, response in
                ReplyFinisher.finish(request, &response)
                control.finish(request, &response)
            },
            handler: handler
        )
    }

    private func listen(_ server: HTTPServer, _ endpoints: Monitor<Endpoints>) throws {
        if configuration.repository == .sqlite {
            try server.serve(try ListeningSocket.bindUnix(path: configuration.socketPath), isLocal: true)
            endpoints.withLock { $0.socket = configuration.socketPath }
        }
        guard services.contains(.http) else { return }
        let sockets = try ListeningSocket.bind(configuration.httpAddress)
        for (index, socket) in sockets.enumerated() {
            do {
                try server.serve(socket)
            } catch {
                for unused in sockets[(index + 1)...] { unused.close() }
                throw error
            }
        }
        endpoints.withLock { $0.http = sockets.map(\.name) }
    }
}
