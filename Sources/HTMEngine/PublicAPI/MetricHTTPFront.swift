// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import HTTPAPI
import HTTPClient
import Synchronization

/// The HTTP front of an application: PUT makes a model for `/<metric>`, POST stores samples, GET reads them with their scores.
///
/// It answers with the engine's own code and texts, in a process of its own: before an embedded engine as a relay to its socket, on
/// servers with a database connection of its own.
public final class MetricHTTPFront: Sendable {
    private let configuration: Configuration
    private let server: HTTPServer
    private let stopped = Monitor(false)

    /// - Parameters:
    ///   - configuration: `[http] host` and `port` say where to listen.
    /// - Throws: ``HTMEngineError`` with code `configuration` when `[security]` doesn't allow to listen there.
    public init(configuration: Configuration) throws {
        self.configuration = configuration
        let logger = StandardErrorLogger(level: .warning, format: .text)
        do {
            let handler =
                switch configuration.repository {
                case .sqlite: Self.relay(to: configuration.socketPath)
                case .mysql: try Self.routes(configuration, logger: logger)
                }
            let control = try AccessControl(configuration: configuration.accessControl(), logger: logger)
            let address = configuration.httpAddress
            if let refusal = control.refusalToListen(on: address.description, isLoopback: address.isLoopback) {
                throw EngineError(.configuration, refusal)
            }
            server = HTTPServer(logger: logger, gate: control.gate, finish: control.finish, handler: handler)
        } catch {
            throw HTMEngineError(error)
        }
    }

    /// Begins to listen.
    /// - Returns: The addresses in use, such as `127.0.0.1:8080`.
    /// - Throws: ``HTMEngineError`` when an address can't be used.
    public func start() throws -> [String] {
        do {
            let sockets = try ListeningSocket.bind(configuration.httpAddress)
            for socket in sockets { try server.serve(socket) }
            return sockets.map(\.name)
        } catch {
            throw HTMEngineError(error)
        }
    }

    /// Waits until the task is cancelled or ``stop()`` is called.
    public func run() async {
        await withTaskCancellationHandler {
            _ = try? await BlockingWork.run { [stopped] in stopped.wait { $0 ? true : nil } }
        } onCancel: {
            stopped.update { $0 = true }
        }
        server.stop()
    }

    /// Ends ``run()``.
    public func stop() { stopped.update { $0 = true } }

    private static func routes(_ configuration: Configuration, logger: any Logger) throws -> HTTPServer.Handler {
        let opened = try OpenedAccess(configuration, ifMissing: .refuse, logger: logger)
        guard let direct = opened.direct else { preconditionFailure("an engine on servers is opened directly") }
        let skeleton = SkeletonRoutes(
            repository: direct.repository,
            sink: direct.storer,
            verbs: EngineVerbs(direct.operations),
            counters: IngestCounters(),
            logger: logger
        )
        return { request in try skeleton.respond(to: request) }
    }

    private static func relay(to socketPath: String) -> HTTPServer.Handler {
        { request in
            if ReservedPaths.contains(request.path) {
                throw HTTPError(status: 404, text: "There is nothing at \(request.path)\n")
            }
            let client = HTTPClient(.unixSocket(socketPath))
            let body = ["PUT", "POST"].contains(request.method) ? request.body : nil
            let outgoing = HTTPClient.Request(request.method, request.encodedPath, body: body, timeoutSeconds: 120)
            let reply: HTTPClient.Response
            do throws(EngineError) {
                reply = try client.send(outgoing)
            } catch {
                throw HTTPError(status: 503, text: "The engine can't be reached: \(error.message)\n")
            }
            var response = HTTPResponse.text(reply.text, status: reply.status)
            if reply.status == 405 { response.setHeader("Allow", "DELETE, GET, HEAD, POST, PUT") }
            return response
        }
    }
}
