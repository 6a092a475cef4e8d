// SPDX-License-Identifier: Apache-2.0

internal import CMicroHTTPD
import Engine
import EngineCore
import Glibc
import Synchronization

/// One request on its way in and its response on its way out.
///
/// Used by one connection thread at a time.
final class HTTPExchange {
    private let listener: HTTPListener
    private var request: HTTPRequest?
    private var body: [UInt8] = []
    /// Set when the body grew too large: the rest is read and thrown away, so that the client hears why.
    private var refusal: HTTPResponse?
    private var discardedBytes = 0

    private var server: HTTPServer { listener.server }

    init(listener: HTTPListener) {
        self.listener = listener
    }

    /// The head has arrived.
    func begin(_ connection: OpaquePointer, target: String, method: String, version: String) -> MHD_Result {
        do {
            let headers = fields(connection, .HEADER_KIND) { $0 }
            try HTTPHeadChecks.check(version: version, headers: headers)
            let query = fields(connection, .GET_ARGUMENT_KIND) { PercentEncoding.decode($0) ?? $0 }
            let request = try HTTPRequest(
                method: method,
                encodedPath: HTTPHeadChecks.path(ofTarget: target),
                query: query,
                headers: headers,
                peer: peer(of: connection)
            )
            try server.gate(request)
            if let length = request.header("Content-Length").flatMap(Int.init) {
                try checkBodySize(length)
                body.reserveCapacity(min(length, 1 << 20))
            }
            self.request = request
            return .YES
        } catch let error as HTTPError {
            var response = error.response
            response.setHeader("Connection", "close")
            return send(response, on: connection)
        } catch {
            server.logger.error("http", "a request's head failed: \(error)")
            return send(.text("Internal Server Error\n", status: 500), on: connection)
        }
    }

    /// A part of the body has arrived.
    ///
    /// False closes the connection.
    func append(_ chunk: UnsafeRawBufferPointer) -> Bool {
        if refusal != nil {
            discardedBytes += chunk.count
            return discardedBytes <= server.configuration.maximumBodyBytes
        }
        let inFlight = server.bodyBytesInFlight.add(chunk.count, ordering: .relaxed).newValue
        body.append(contentsOf: chunk)
        do {
            try checkBodySize(body.count)
            if inFlight > server.configuration.maximumBodyBytesInFlight {
                throw HTTPError(
                    status: 503,
                    text: "Too much is being uploaded at once; try again\n",
                    headers: [HTTPField("Retry-After", "1")]
                )
            }
        } catch {
            refusal = (error as? HTTPError)?.response
            releaseBody()
        }
        return true
    }

    /// Head and body are complete: answer.
    func complete(_ connection: OpaquePointer) -> MHD_Result {
        if var refusal {
            refusal.setHeader("Connection", "close")
            return send(refusal, on: connection)
        }
        guard var request = request.take() else { return .NO }
        server.bodyBytesInFlight.subtract(body.count, ordering: .relaxed)
        swap(&request.body, &body)
        return send(server.respond(to: request), on: connection)
    }

    /// The exchange is over, however it ended.
    func end() {
        releaseBody()
    }

    private func releaseBody() {
        server.bodyBytesInFlight.subtract(body.count, ordering: .relaxed)
        body = []
    }

    private func checkBodySize(_ count: Int) throws {
        let limit = server.configuration.maximumBodyBytes
        guard count <= limit else {
            throw HTTPError(status: 413, text: "The body has more than \(limit) bytes\n")
        }
    }

    private func peer(of connection: OpaquePointer) -> HTTPPeer {
        guard !listener.isLocal, let address = htm_http_client_address(connection) else { return .local }
        return SocketAddress(address).map { .network($0) } ?? .local
    }

    private func fields(
        _ connection: OpaquePointer,
        _ kind: MHD_ValueKind,
        _ decode: (String) -> String
    ) -> [HTTPField] {
        var found: [HTTPField] = []
        withUnsafeMutablePointer(to: &found) { pointer in
            _ = MHD_get_connection_values(
                connection,
                kind,
                { context, _, name, value in
                    guard let context, let name else { return .YES }
                    context.assumingMemoryBound(to: [HTTPField].self).pointee
                        .append(HTTPField(String(cString: name), value.map { String(cString: $0) } ?? ""))
                    return .YES
                },
                pointer
            )
        }
        return kind == .HEADER_KIND ? found : found.map { HTTPField(decode($0.name), decode($0.value)) }
    }

    // MARK: Response

    private func send(_ response: HTTPResponse, on connection: OpaquePointer) -> MHD_Result {
        let native: OpaquePointer?
        switch response.body {
        case .bytes(let bytes):
            native = bytes.withUnsafeBytes { buffer in
                MHD_create_response_from_buffer(
                    buffer.count,
                    UnsafeMutableRawPointer(mutating: buffer.baseAddress),
                    .RESPMEM_MUST_COPY
                )
            }
        case .stream(let source):
            server.register(source)
            let reader = StreamReader(server: server, source: source)
            native = MHD_create_response_from_callback(
                UInt64.max /* MHD_SIZE_UNKNOWN */,
                32 * 1024,
                readStream,
                Unmanaged.passRetained(reader).toOpaque(),
                freeStream
            )
        }
        guard let native else { return .NO }
        defer { MHD_destroy_response(native) }
        for field in response.headers {
            // Refused by libmicrohttpd only when it holds a line end: then it must not go out.
            guard MHD_add_response_header(native, field.name, field.value) == .YES else {
                server.logger.error("http", "the response header \(field.name) can't be sent")
                continue
            }
        }
        MHD_add_response_header(native, "X-Content-Type-Options", "nosniff")
        return MHD_queue_response(connection, UInt32(response.status), native)
    }
}

/// Checks of a request's head that libmicrohttpd 0.9.75 doesn't make.
enum HTTPHeadChecks {
    static func check(version: String, headers: [HTTPField]) throws {
        var lengths = 0
        var hosts = 0
        var encodings: [String] = []
        for field in headers {
            // "Content-Length : 4" is a length to some and an unknown header to others.
            guard !field.name.isEmpty, field.name.utf8.allSatisfy(isToken) else {
                throw HTTPError(status: 400, text: "A header's name holds a character that no name has\n")
            }
            switch field.name.lowercased() {
            case "content-length": lengths += 1
            case "host": hosts += 1
            case "transfer-encoding": encodings.append(field.value.lowercased())
            default: break
            }
        }
        if lengths > 1 { throw HTTPError(status: 400, text: "More than one Content-Length\n") }
        if lengths > 0, !encodings.isEmpty {
            throw HTTPError(status: 400, text: "Content-Length and Transfer-Encoding in one request\n")
        }
        guard encodings.isEmpty || encodings == ["chunked"] else {
            throw HTTPError(status: 501, text: "The only Transfer-Encoding understood is chunked\n")
        }
        if hosts > 1 { throw HTTPError(status: 400, text: "More than one Host\n") }
        if hosts == 0, version != "HTTP/1.0" {
            throw HTTPError(status: 400, text: "An HTTP/1.1 request needs a Host\n")
        }
    }

    /// A character of a header's name (RFC 9110 5.6.2).
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// The path of a request target; a proxy's absolute form loses scheme and authority.
    static func path(ofTarget target: String) throws -> String {
        if target.hasPrefix("/") { return target }
        for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
            let rest = target.dropFirst(scheme.count)
            return rest.firstIndex(of: "/").map { String(rest[$0...]) } ?? "/"
        }
        throw HTTPError(status: 400, text: "The request target must be a path beginning with a slash\n")
    }
}

// MARK: - Streams

/// Hands a source's bytes to libmicrohttpd in the sizes it asks for.
private final class StreamReader {
    let server: HTTPServer
    let source: any HTTPBodySource
    var pending: ArraySlice<UInt8> = []

    init(server: HTTPServer, source: any HTTPBodySource) {
        self.server = server
        self.source = source
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        if pending.isEmpty {
            do {
                guard let next = try source.next(), !next.isEmpty else {
                    return -1  // MHD_CONTENT_READER_END_OF_STREAM
                }
                pending = next[...]
            } catch {
                server.logger.error("http", "a reply was cut off: \(error)")
                return -2  // MHD_CONTENT_READER_END_WITH_ERROR
            }
        }
        let count = min(buffer.count, pending.count)
        buffer.copyBytes(from: pending.prefix(count))
        pending = pending.dropFirst(count)
        return count
    }
}

private func readStream(
    _ context: UnsafeMutableRawPointer?,
    _ position: UInt64,
    _ buffer: UnsafeMutablePointer<CChar>?,
    _ capacity: Int
) -> Int {
    guard let context, let buffer else { return -1 }
    let reader = Unmanaged<StreamReader>.fromOpaque(context).takeUnretainedValue()
    return reader.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: capacity))
}

private func freeStream(_ context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    let reader = Unmanaged<StreamReader>.fromOpaque(context).takeRetainedValue()
    reader.server.unregister(reader.source)
}
