// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Graphite

/// Graphite's read side at the paths Grafana's Graphite data source asks for: `/render`, `/metrics/find`, `/metrics/expand`,
/// `/metrics/index.json`, and the same below `/_graphite/` with `functions` and `version` beside them.
///
/// With `http://HOST:8080/_graphite` as its URL the data source gets everything it asks for; with `http://HOST:8080` all but the last two, which
/// are names of metrics there.
package struct GraphiteRoutes: Sendable {
    private let api: GraphiteAPI

    package init(api: GraphiteAPI) { self.api = api }

    package func register(on router: inout HTTPRouter) {
        let api = api
        for prefix in ["", "/_graphite"] {
            for method in ["GET", "POST"] {
                Self.add(&router, method, prefix + "/render") { try api.render($0) }
                Self.add(&router, method, prefix + "/metrics/find") { try api.find($0) }
                Self.add(&router, method, prefix + "/metrics/expand") { try api.expand($0) }
            }
            Self.add(&router, "GET", prefix + "/metrics/index.json") { _ in try api.index() }
        }
        Self.add(&router, "GET", "/_graphite/functions") { _ in api.functions() }
        Self.add(&router, "GET", "/_graphite/version") { _ in api.version() }
    }

    private static func add(
        _ router: inout HTTPRouter,
        _ method: String,
        _ path: String,
        _ answer: @escaping @Sendable ([GraphiteParameter]) throws -> GraphiteReply
    ) {
        router.on(method, path) { request, _ in
            do {
                // As Graphite does, whatever the form's content type: Grafana and curl differ.
                let query = request.query.map { GraphiteParameter($0.name, $0.value) }
                let reply = try answer(query + (try GraphiteParameter.form(request.body)))
                return HTTPResponse(
                    status: 200,
                    headers: [HTTPField("Content-Type", reply.contentType), HTTPField("Cache-Control", "no-cache")],
                    body: .bytes(reply.body)
                )
            } catch let error as EngineError {
                throw SkeletonRoutes.httpError(error)
            }
        }
    }
}
