// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import HTTPAPI
import Synchronization
import TestSupport
import Testing

@Suite struct HTTPServerTests {
    /// Starts a server on a free port for the length of the body.
    private func withServer(
        _ configuration: HTTPServer.Configuration = .init(),
        handler: @escaping HTTPServer.Handler,
        _ body: (UInt16) throws -> Void
    ) throws {
        let server = HTTPServer(configuration: configuration, logger: SilentLogger(), handler: handler)
        let sockets = try ListeningSocket.bind(ListenAddress(port: 0))
        for socket in sockets { try server.serve(socket) }
        defer { server.stop() }
        try body(sockets[0].port)
    }

    private func exchange(_ port: UInt16, _ request: String) throws -> String {
        let connection = try RawConnection(port: port)
        try connection.send(request)
        return try connection.receiveAll()
    }

    private let echo: HTTPServer.Handler = { request in
        .text(
            "\(request.method) \(request.path) \(request.query.map { "\($0.name)=\($0.value)" }) \(request.body.count)\n"
        )
    }

    @Test func pathQueryAndBodyArriveDecoded() throws {
        try withServer(handler: echo) { port in
            let reply = try exchange(
                port,
                "POST /a%20b/%C3%A4%2Fc?x=1%2B1&y=a+b&z HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
            )
            #expect(reply.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(reply.contains("X-Content-Type-Options: nosniff\r\n"))
            #expect(reply.hasSuffix("POST /a b/ä/c [\"x=1+1\", \"y=a b\", \"z=\"] 5\n"))
        }
    }

    @Test(arguments: [
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
        "GET /%00%zz HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n",
    ])
    func whatTwoReadersCouldReadDifferentlyIsRefused(_ request: String) throws {
        try withServer(handler: echo) { port in
            let reply = try exchange(port, request)
            #expect(reply.hasPrefix("HTTP/1.1 400 "), "\(reply)")
            #expect(reply.contains("Connection: close\r\n"))
        }
    }

    @Test func otherTransferEncodingsAreRefused() throws {
        try withServer(handler: echo) { port in
            let reply = try exchange(port, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")
            #expect(reply.hasPrefix("HTTP/1.1 501 "), "\(reply)")
        }
    }

    @Test func aBodyBeyondTheLimitIsRefused() throws {
        var configuration = HTTPServer.Configuration()
        configuration.maximumBodyBytes = 10
        try withServer(configuration, handler: echo) { port in
            let announced = try exchange(port, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n")
            #expect(announced.hasPrefix("HTTP/1.1 413 "))
            let chunked = try exchange(
                port,
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n"
            )
            #expect(chunked.hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test func anUnexpectedErrorIsA500WithoutDetails() throws {
        struct Secret: Error {}
        try withServer(handler: { _ in throw Secret() }) { port in
            let reply = try exchange(port, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(reply.hasPrefix("HTTP/1.1 500 "))
            #expect(!reply.contains("Secret"))
        }
    }

    @Test func headAnswersWithoutABody() throws {
        try withServer(handler: { _ in .text("four\n") }) { port in
            let reply = try exchange(port, "HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(reply.contains("Content-Length: 5\r\n"))
            #expect(reply.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func stoppingEndsAStreamThatWaits() throws {
        /// Says hello, then waits until it is cancelled.
        final class Waiting: HTTPBodySource {
            private let state = Mutex((greeted: false, cancelled: false))
            func next() -> [UInt8]? {
                let first = state.withLock { state in
                    defer { state.greeted = true }
                    return !state.greeted
                }
                if first { return Array("hello\n".utf8) }
                _ = try? eventually("cancelled") { state.withLock { $0.cancelled } ? true : nil }
                return nil
            }
            func cancel() { state.withLock { $0.cancelled = true } }
        }
        let server = HTTPServer(logger: SilentLogger()) { _ in HTTPResponse(status: 200, body: .stream(Waiting())) }
        let socket = try ListeningSocket.bind(ListenAddress(host: "127.0.0.1", port: 0))[0]
        try server.serve(socket)
        let connection = try RawConnection(port: socket.port)
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        _ = try connection.receive(until: "hello")
        server.stop()
        _ = try? connection.receiveAll()
    }

    @Test func theUnixSocketWorksUnderALongPathAndIsPrivate() throws {
        let directory = try TemporaryDirectory()
        let long = directory.path(String(repeating: "d", count: 120))
        try run(["mkdir", long])
        let server = HTTPServer(logger: SilentLogger()) { .text("\($0.peer)\n") }
        defer { server.stop() }
        try server.serve(try ListeningSocket.bindUnix(path: long + "/engine.sock"), isLocal: true)
        #expect(try run(["stat", "-c", "%a", long + "/engine.sock"]).output == "600\n")
        // curl's own path limit is the same 107 bytes: it is run from within the directory.
        let reply = try run(["curl", "-s", "--unix-socket", "engine.sock", "http://engine/"], directory: long)
        #expect(reply.output == "local\n")
    }
}

@Suite struct HTTPRouterTests {
    private let router: HTTPRouter = {
        var router = HTTPRouter { request, _ in .text("metric \(request.path)") }
        router.on("GET", "/_models") { _, _ in .text("list") }
        router.on("POST", "/_models") { _, _ in .text("add") }
        router.on("GET", "/_models/{id}") { _, parameters in .text("model \(parameters["id"])") }
        router.on("GET", "/_models/data") { _, _ in .text("all data") }
        router.on("GET", "/_static/{file...}") { _, parameters in .text("file \(parameters["file"])") }
        return router
    }()

    private func body(_ method: String, _ path: String) throws -> String {
        let response = try router.respond(to: HTTPRequest(method: method, encodedPath: path))
        guard case .bytes(let bytes) = response.body else { return "stream" }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [
        ("GET", "/_models", "list"), ("HEAD", "/_models", "list"), ("POST", "/_models", "add"),
        ("GET", "/_models/a%2Fb", "model a/b"), ("GET", "/_models/data", "all data"),
        ("GET", "/_static/a/b.js", "file a/b.js"), ("GET", "/servers/web1/cpu", "metric /servers/web1/cpu"),
        ("GET", "/_models/a/b", "metric /_models/a/b"),
    ])
    func theMostSpecificRouteAnswers(_ method: String, _ path: String, _ expected: String) throws {
        #expect(try body(method, path) == expected)
    }

    @Test func anotherMethodIs405WithAllow() throws {
        let error = try #require(throws: HTTPError.self) { try body("DELETE", "/_models") }
        #expect(error.response.status == 405)
        #expect(error.response.headers.contains(HTTPField("Allow", "GET, HEAD, POST")))
    }
}
