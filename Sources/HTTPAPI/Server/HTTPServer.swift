// SPDX-License-Identifier: Apache-2.0

internal import CMicroHTTPD
import Engine
import EngineCore
import Glibc
import Synchronization

/// The engine's HTTP server: libmicrohttpd with one thread per connection, so that handlers may block on the database.
///
/// It serves any number of listening sockets with one handler. Before a handler sees a request, the server has read the whole body and
/// has refused what two programs could read differently (request smuggling): two Content-Length, Content-Length beside
/// Transfer-Encoding, an HTTP/1.1 request without exactly one Host. Connections, header and body sizes and idle time are limited.
package final class HTTPServer: Sendable {
    package struct Configuration: Sendable {
        /// Connections open at once on each socket; more are closed at once.
        package var connectionLimit = 1000
        /// Seconds without a byte after which a connection is closed; doesn't end a stream that sends something now and then.
        package var idleSeconds = 60
        /// Bytes of request line and headers together.
        package var maximumHeadBytes = 32 * 1024
        /// Bytes of one request body; more is answered with 413.
        package var maximumBodyBytes = 64 * 1024 * 1024
        /// Bytes of all request bodies being read at once; more is answered with 503.
        package var maximumBodyBytesInFlight = 256 * 1024 * 1024
        /// PEM texts of certificate chain and key: the network sockets then speak TLS, the unix socket never does.
        package var tls: (certificate: String, key: String)?

        package init() {}
    }

    /// Decides on the head alone, before a body is read, whether to go on; throws ``HTTPError`` to refuse.
    package typealias Gate = @Sendable (HTTPRequest) throws -> Void
    package typealias Handler = @Sendable (HTTPRequest) throws -> HTTPResponse
    /// Changes a response before it is sent, to add headers or to compress.
    package typealias Finish = @Sendable (HTTPRequest, inout HTTPResponse) -> Void

    let configuration: Configuration
    let gate: Gate
    let handler: Handler
    let finish: Finish
    let logger: any Logger
    let bodyBytesInFlight = Atomic<Int>(0)
    private let state = Mutex(State())

    private struct State: ~Copyable {
        var listeners: [HTTPListener] = []
        var streams: [ObjectIdentifier: any HTTPBodySource] = [:]
        var stopping = false
    }

    package init(
        configuration: Configuration = Configuration(),
        logger: any Logger,
        gate: @escaping Gate = { _ in },
        finish: @escaping Finish = { _, _ in },
        handler: @escaping Handler
    ) {
        self.configuration = configuration
        self.logger = logger
        self.gate = gate
        self.finish = finish
        self.handler = handler
    }

    /// Starts to answer on a socket, which the server owns from now on.
    ///
    /// - Parameter isLocal: True for the unix socket, whose clients are the engine's own user.
    /// - Throws: ``ListeningError`` when libmicrohttpd refuses, for instance an unreadable certificate.
    package func serve(_ socket: ListeningSocket, isLocal: Bool = false) throws {
        let listener = try HTTPListener(server: self, socket: socket, isLocal: isLocal)
        state.withLock { $0.listeners.append(listener) }
    }

    /// Stops: no new connections, running handlers finish, streams end, everything is closed when this returns.
    package func stop() {
        let (listeners, streams) = state.withLock { state in
            state.stopping = true
            defer { state.listeners = [] }
            return (state.listeners, Array(state.streams.values))
        }
        for stream in streams { stream.cancel() }
        for listener in listeners { listener.stop() }
    }

    /// Remembers a stream so that `stop()` can end it.
    func register(_ stream: any HTTPBodySource) {
        let stopping = state.withLock { state in
            state.streams[ObjectIdentifier(stream)] = stream
            return state.stopping
        }
        if stopping { stream.cancel() }
    }

    func unregister(_ stream: any HTTPBodySource) {
        state.withLock { _ = $0.streams.removeValue(forKey: ObjectIdentifier(stream)) }
        stream.cancel()
    }

    /// Runs the handler; whatever it throws becomes an answer.
    func respond(to request: HTTPRequest) -> HTTPResponse {
        var response: HTTPResponse
        do {
            response = try handler(request)
        } catch let error as HTTPError {
            response = error.response
        } catch {
            logger.error("http", "\(request.method) \(request.encodedPath) failed: \(error)")
            response = .text("Internal Server Error\n", status: 500)
        }
        finish(request, &response)
        return response
    }
}

/// One listening socket and libmicrohttpd's daemon on it.
final class HTTPListener: @unchecked Sendable {
    // The daemon is set once in init and only used again in stop(), which the server calls once.
    private var daemon: OpaquePointer?
    unowned let server: HTTPServer
    let isLocal: Bool

    init(server: HTTPServer, socket: ListeningSocket, isLocal: Bool) throws {
        self.server = server
        self.isLocal = isLocal
        let configuration = server.configuration
        var flags = MHD_USE_POLL_INTERNAL_THREAD.rawValue | MHD_USE_THREAD_PER_CONNECTION.rawValue
        var options = [
            MHD_OptionItem(option: .LISTEN_SOCKET, value: Int(socket.descriptor), ptr_value: nil),
            MHD_OptionItem(option: .CONNECTION_LIMIT, value: configuration.connectionLimit, ptr_value: nil),
            MHD_OptionItem(option: .CONNECTION_TIMEOUT, value: configuration.idleSeconds, ptr_value: nil),
            MHD_OptionItem(option: .CONNECTION_MEMORY_LIMIT, value: configuration.maximumHeadBytes, ptr_value: nil),
            MHD_OptionItem(option: .THREAD_STACK_SIZE, value: 1 << 20, ptr_value: nil),
        ]
        var texts: [UnsafeMutablePointer<CChar>] = []
        defer { for text in texts { free(text) } }
        if let tls = configuration.tls, !isLocal {
            flags |= MHD_USE_TLS.rawValue
            // Without TLS 1.0 and 1.1, and without ciphers that lack forward secrecy or encrypt first and authenticate then (CBC).
            let priorities = "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1:-RSA:-AES-128-CBC:-AES-256-CBC:%SERVER_PRECEDENCE"
            texts = [strdup(tls.certificate), strdup(tls.key), strdup(priorities)]
            options.append(MHD_OptionItem(option: .HTTPS_MEM_CERT, value: 0, ptr_value: texts[0]))
            options.append(MHD_OptionItem(option: .HTTPS_MEM_KEY, value: 0, ptr_value: texts[1]))
            options.append(MHD_OptionItem(option: .HTTPS_PRIORITIES, value: 0, ptr_value: texts[2]))
        }
        options.append(MHD_OptionItem(option: .END, value: 0, ptr_value: nil))
        let context = Unmanaged.passUnretained(self).toOpaque()
        guard let daemon = htm_http_start(flags, handleAccess, handleCompletion, keepEscaped, context, &options) else {
            socket.close()
            throw ListeningError(address: socket.name, reason: "the HTTP server didn't start (TLS files, memory?)")
        }
        self.daemon = daemon
        // libmicrohttpd keeps pointers to the PEM texts only while it starts.
    }

    func stop() {
        guard let daemon else { return }
        self.daemon = nil
        MHD_stop_daemon(daemon)
    }
}

// MARK: - Callbacks

// libmicrohttpd calls these from its own threads; they must not be closures of an isolated context.

private func keepEscaped(
    _ context: UnsafeMutableRawPointer?,
    _ connection: OpaquePointer?,
    _ text: UnsafeMutablePointer<CChar>?
) -> Int {
    // Decoding in place would end the path at a %00 and lose the difference between / and %2F: we decode ourselves.
    text.map { strlen($0) } ?? 0
}

private func handleAccess(
    _ context: UnsafeMutableRawPointer?,
    _ connection: OpaquePointer?,
    _ url: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?,
    _ version: UnsafePointer<CChar>?,
    _ upload: UnsafePointer<CChar>?,
    _ uploadSize: UnsafeMutablePointer<Int>?,
    _ exchangePointer: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let context, let connection, let url, let method, let version, let uploadSize, let exchangePointer else {
        return .NO
    }
    let listener = Unmanaged<HTTPListener>.fromOpaque(context).takeUnretainedValue()
    guard let known = exchangePointer.pointee else {
        let exchange = HTTPExchange(listener: listener)
        exchangePointer.pointee = Unmanaged.passRetained(exchange).toOpaque()
        return exchange.begin(
            connection,
            target: String(cString: url),
            method: String(cString: method),
            version: String(cString: version)
        )
    }
    let exchange = Unmanaged<HTTPExchange>.fromOpaque(known).takeUnretainedValue()
    if uploadSize.pointee > 0 {
        let chunk = UnsafeRawBufferPointer(start: upload, count: uploadSize.pointee)
        uploadSize.pointee = 0
        return exchange.append(chunk) ? .YES : .NO
    }
    return exchange.complete(connection)
}

private func handleCompletion(
    _ context: UnsafeMutableRawPointer?,
    _ connection: OpaquePointer?,
    _ exchangePointer: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ reason: MHD_RequestTerminationCode
) {
    guard let known = exchangePointer?.pointee else { return }
    exchangePointer?.pointee = nil
    let exchange = Unmanaged<HTTPExchange>.fromOpaque(known).takeRetainedValue()
    exchange.end()
}
