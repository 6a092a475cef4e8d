// SPDX-License-Identifier: Apache-2.0

/// The variable parts of a path that matched a pattern, decoded.
package struct PathParameters: Sendable {
    var values: [String: String] = [:]

    /// The value of a variable segment.
    ///
    /// Asking for a name the pattern doesn't have is our bug and traps.
    package subscript(name: String) -> String {
        guard let value = values[name] else { preconditionFailure("the route has no parameter \(name)") }
        return value
    }
}

package typealias HTTPHandler = @Sendable (HTTPRequest, PathParameters) throws -> HTTPResponse

/// Finds the handler of a request: first the reserved paths, then the fallback that takes every other path as a metric's name.
///
/// A pattern is a path whose segments may be `{name}` (one segment, `%2F` inside it is decoded to a slash) and whose last may be
/// `{name...}` (the rest of the path, at least one segment). Literal segments win over variable ones. A path that is known with another
/// method is answered with 405 and `Allow`; HEAD is answered by the handler of GET, OPTIONS with `Allow`.
package struct HTTPRouter: Sendable {
    private struct Route: Sendable {
        var text: String
        var pattern: [Segment]
        var handlers: [(method: String, handler: HTTPHandler)]
    }

    private enum Segment: Sendable, Equatable {
        case literal(String)
        case parameter(String)
        case rest(String)
    }

    private var routes: [Route] = []
    private var fallback: HTTPHandler

    /// - Parameter fallback: Answers every path no route matches, whatever the method.
    package init(fallback: @escaping HTTPHandler) {
        self.fallback = fallback
    }

    /// Adds a handler; two for the same method and pattern are our bug and trap.
    package mutating func on(_ method: String, _ pattern: String, _ handler: @escaping HTTPHandler) {
        let segments = Self.parse(pattern)
        if let index = routes.firstIndex(where: { $0.pattern == segments }) {
            precondition(!routes[index].handlers.contains { $0.method == method }, "route added twice")
            routes[index].handlers.append((method, handler))
        } else {
            routes.append(Route(text: pattern, pattern: segments, handlers: [(method, handler)]))
            // Literals before parameters before rests, segment by segment; the order of insertion otherwise.
            routes.sort { Self.specificity($0.pattern).lexicographicallyPrecedes(Self.specificity($1.pattern)) }
        }
    }

    /// What there is but the fallback, each as method and pattern: `GET /_models/{id}`.
    package var operations: [String] {
        routes.flatMap { route in route.handlers.map { "\($0.method) \(route.text)" } }
    }

    package func respond(to request: HTTPRequest) throws -> HTTPResponse {
        let segments = request.encodedPath.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for route in routes {
            guard let parameters = Self.match(route.pattern, segments) else { continue }
            let method = request.method
            let handler =
                route.handlers.first { $0.method == method }
                ?? route.handlers.first { method == "HEAD" && $0.method == "GET" }
            if let handler { return try handler.handler(request, parameters) }
            let allow = HTTPField("Allow", Self.allowed(route.handlers.map(\.method)))
            if method == "OPTIONS" { return HTTPResponse(status: 204, headers: [allow]) }
            throw HTTPError(status: 405, text: "\(method) is not possible here: use \(allow.value)\n", headers: [allow])
        }
        return try fallback(request, PathParameters())
    }

    private static func allowed(_ methods: [String]) -> String {
        (methods.contains("GET") ? methods + ["HEAD"] : methods).sorted().joined(separator: ", ")
    }

    private static func parse(_ pattern: String) -> [Segment] {
        precondition(pattern.hasPrefix("/"), "a route begins with a slash")
        return pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { part in
            guard part.hasPrefix("{"), part.hasSuffix("}") else { return .literal(String(part)) }
            let name = part.dropFirst().dropLast()
            return name.hasSuffix("...") ? .rest(String(name.dropLast(3))) : .parameter(String(name))
        }
    }

    private static func specificity(_ pattern: [Segment]) -> [Int] {
        pattern.map { segment in
            switch segment {
            case .literal: 0
            case .parameter: 1
            case .rest: 2
            }
        }
    }

    private static func match(_ pattern: [Segment], _ path: [Substring]) -> PathParameters? {
        var parameters = PathParameters()
        for (index, segment) in pattern.enumerated() {
            guard index < path.count else { return nil }
            switch segment {
            case .literal(let text):
                guard path[index] == text else { return nil }
            case .parameter(let name):
                guard let value = PercentEncoding.decode(path[index]), !value.isEmpty else { return nil }
                parameters.values[name] = value
            case .rest(let name):
                guard let value = PercentEncoding.decode(path[index...].joined(separator: "/")), !value.isEmpty else {
                    return nil
                }
                parameters.values[name] = value
                return parameters
            }
        }
        return path.count == pattern.count ? parameters : nil
    }
}
