// SPDX-License-Identifier: Apache-2.0

/// A body produced while it is sent, such as a stream of events.
///
/// The server calls `next()` from the connection's own thread, one call at a time; `cancel()` may come from any thread.
package protocol HTTPBodySource: AnyObject, Sendable {
    /// Waits for the next bytes. Nil, or an empty array, ends the body.
    ///
    /// - Throws: Whatever stopped it; the connection is then cut, so that the client doesn't take what it has for the whole.
    func next() throws -> [UInt8]?
    /// The client has gone or the server stops: a waiting `next()` returns nil soon, later ones at once. Called at least once.
    func cancel()
}

/// What the server sends back.
package struct HTTPResponse: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        case stream(any HTTPBodySource)
    }

    package var status: Int
    package var headers: [HTTPField]
    package var body: Body

    package init(status: Int, headers: [HTTPField] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Plain text, never to be taken for anything else by a browser: replies echo metric names.
    package static func text(_ text: String, status: Int = 200, headers: [HTTPField] = []) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: [HTTPField("Content-Type", "text/plain; charset=utf-8")] + headers,
            body: .bytes(Array(text.utf8))
        )
    }

    /// JSON that is already encoded.
    package static func json(_ bytes: [UInt8], status: Int = 200, headers: [HTTPField] = []) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: [HTTPField("Content-Type", "application/json")] + headers,
            body: .bytes(bytes)
        )
    }

    package mutating func setHeader(_ name: String, _ value: String) {
        headers.removeAll { $0.name.lowercased() == name.lowercased() }
        headers.append(HTTPField(name, value))
    }
}

/// A failure that knows its answer.
///
/// Handlers throw it; any other error becomes a 500 and is logged.
package struct HTTPError: Error {
    package var response: HTTPResponse

    package init(_ response: HTTPResponse) {
        self.response = response
    }

    /// - Parameter text: The whole body, with its final line end.
    package init(status: Int, text: String, headers: [HTTPField] = []) {
        response = .text(text, status: status, headers: headers)
    }
}
