// SPDX-License-Identifier: Apache-2.0

internal import CCurl
import EngineCore

/// A blocking HTTP client on libcurl, for one thread at a time: it keeps its connection open between requests.
///
/// It talks to an engine's unix socket or to any host. Redirects are not followed: an address is used as it was written.
package final class HTTPClient {
    /// Where requests go.
    package enum Endpoint: Sendable, Hashable {
        /// `http://host:port` or `https://host:port`, without a path.
        case url(String)
        /// HTTP over a unix socket; its path.
        case unixSocket(String)
    }

    /// One request.
    package struct Request: Sendable {
        package var method: String
        /// The path with the query, percent-encoded; begins with a slash.
        package var path: String
        package var headers: [(name: String, value: String)]
        package var body: [UInt8]?
        /// Unit: seconds; nil for none, as for streams that never end.
        package var timeoutSeconds: Int?

        package init(
            _ method: String,
            _ path: String,
            headers: [(name: String, value: String)] = [],
            body: [UInt8]? = nil,
            timeoutSeconds: Int? = 30
        ) {
            self.method = method
            self.path = path
            self.headers = headers
            self.body = body
            self.timeoutSeconds = timeoutSeconds
        }
    }

    /// What came back.
    package struct Response: Sendable {
        package var status: Int
        package var contentType: String
        package var body: [UInt8]

        /// The body as text; bytes that aren't UTF-8 are replaced.
        package var text: String { String(decoding: body, as: UTF8.self) }
        package var isSuccess: Bool { (200..<300).contains(status) }
    }

    private static let connectSeconds = 10
    private static let isInitialized: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    private let endpoint: Endpoint
    private let handle: UnsafeMutableRawPointer
    private let filter: AddressFilter?

    /// - Parameter allowsAddress: Asked before each connection with the 4 or 16 bytes of the address a name has led to; false refuses it. With
    ///   it, proxies of the environment are not used.
    package init(_ endpoint: Endpoint, allowsAddress: (([UInt8]) -> Bool)? = nil) {
        precondition(Self.isInitialized, "libcurl can't be initialised")
        guard let handle = curl_easy_init() else { fatalError("libcurl gives no handle") }
        self.endpoint = endpoint
        self.handle = handle
        filter = allowsAddress.map(AddressFilter.init)
    }

    deinit { curl_easy_cleanup(handle) }

    /// Sends a request and waits for the whole reply.
    /// - Throws: `EngineError` with code `busUnavailable` when the host can't be reached or the connection breaks, naming it.
    package func send(_ request: Request) throws(EngineError) -> Response {
        let exchange = Exchange { _ in true }
        exchange.keepsBody = true
        try perform(request, exchange)
        return Response(status: exchange.status(handle), contentType: exchange.contentType(handle), body: exchange.body)
    }

    /// Sends a request and hands over the reply piece by piece as it comes.
    ///
    /// A reply that isn't a success is not handed over but returned whole.
    /// - Parameter receive: Called on this thread; false ends the request. It is also asked, with no bytes, about once a
    ///   second while nothing comes.
    /// - Returns: The reply's status; the body is empty for a success.
    package func stream(
        _ request: Request,
        receive: @escaping ([UInt8]) -> Bool
    ) throws(EngineError) -> Response {
        let exchange = Exchange(receive)
        exchange.keepsBody = false
        try perform(request, exchange)
        return Response(status: exchange.status(handle), contentType: exchange.contentType(handle), body: exchange.body)
    }

    private func perform(_ request: Request, _ exchange: Exchange) throws(EngineError) {
        precondition(request.path.hasPrefix("/"), "the path \(request.path) doesn't begin with a slash")
        curl_easy_reset(handle)
        let base: String
        switch endpoint {
        case .url(let url):
            base = url
        case .unixSocket(let path):
            base = "http://localhost"
            _ = ccurl_set_string(handle, CURLOPT_UNIX_SOCKET_PATH, path)
        }
        _ = ccurl_set_string(handle, CURLOPT_URL, base + request.path)
        // Only these two: an address in a configuration must not become a file or another protocol.
        _ = ccurl_set_string(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        _ = ccurl_set_string(handle, CURLOPT_CUSTOMREQUEST, request.method)
        _ = ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        _ = ccurl_set_long(handle, CURLOPT_PATH_AS_IS, 1)
        _ = ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT, Self.connectSeconds)
        _ = ccurl_set_long(handle, CURLOPT_TIMEOUT, request.timeoutSeconds ?? 0)
        if request.method == "HEAD" { _ = ccurl_set_long(handle, CURLOPT_NOBODY, 1) }
        // The environment's proxies are for the outside world, not for the engine beside us.
        if case .unixSocket = endpoint { _ = ccurl_set_string(handle, CURLOPT_NOPROXY, "*") }
        if let filter {
            _ = ccurl_set_string(handle, CURLOPT_NOPROXY, "*")
            filter.install(on: handle)
        }

        var list: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(list) }
        // No "Expect: 100-continue": it costs a second where the other side doesn't answer it.
        for line in ["Expect:"] + request.headers.map({ "\($0.name): \($0.value)" }) {
            list = curl_slist_append(list, line)
        }
        _ = ccurl_set_list(handle, CURLOPT_HTTPHEADER, list)

        let context = Unmanaged.passUnretained(exchange).toOpaque()
        exchange.handle = handle
        _ = ccurl_set_data_callback(handle, CURLOPT_WRITEFUNCTION, Exchange.write)
        _ = ccurl_set_pointer(handle, CURLOPT_WRITEDATA, context)
        _ = ccurl_set_progress_callback(handle, Exchange.progress)
        _ = ccurl_set_pointer(handle, CURLOPT_XFERINFODATA, context)
        _ = ccurl_set_long(handle, CURLOPT_NOPROGRESS, 0)

        let code: CURLcode
        if let body = request.body {
            code = body.withUnsafeBytes { bytes in
                _ = ccurl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
                // Never nil, or curl would read the body from standard input.
                let start = bytes.baseAddress ?? UnsafeRawPointer(context)
                _ = ccurl_set_pointer(handle, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: start))
                return curl_easy_perform(handle)
            }
        } else {
            code = curl_easy_perform(handle)
        }
        withExtendedLifetime(exchange) {}
        guard code != CURLE_OK, !exchange.endedByReceiver else { return }
        let refused = filter?.takeRefusal()
        let reason = refused ?? exchange.problem ?? String(cString: curl_easy_strerror(code))
        throw EngineError(.busUnavailable, "\(request.method) \(place(request.path)): \(reason)")
    }

    /// The request's target for an error message, without what might be secret in a query.
    private func place(_ path: String) -> String {
        let visible = path.prefix { $0 != "?" }
        return switch endpoint {
        case .url(let url): url + visible
        case .unixSocket(let socket): "\(visible) on \(socket)"
        }
    }
}

/// The state of one request while curl works on it.
private final class Exchange {
    /// A reply longer than this ends the request with an error. Unit: bytes.
    private static let longestReply = 1 << 30
    var handle: UnsafeMutableRawPointer?
    var keepsBody = true
    var body: [UInt8] = []
    var problem: String?
    var endedByReceiver = false
    private let receive: ([UInt8]) -> Bool

    init(_ receive: @escaping ([UInt8]) -> Bool) { self.receive = receive }

    func status(_ handle: UnsafeMutableRawPointer) -> Int {
        var status = 0
        _ = ccurl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        return status
    }

    func contentType(_ handle: UnsafeMutableRawPointer) -> String {
        var text: UnsafeMutablePointer<CChar>?
        _ = ccurl_get_string(handle, CURLINFO_CONTENT_TYPE, &text)
        return text.map { String(cString: $0) } ?? ""
    }

    /// - Returns: How many bytes were taken; fewer than came end the request.
    private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        if keepsBody || !(200..<300).contains(handle.map { status($0) } ?? 0) {
            guard body.count + bytes.count <= Self.longestReply else {
                problem = "the reply is longer than \(Self.longestReply) bytes"
                return 0
            }
            body.append(contentsOf: bytes)
            return bytes.count
        }
        guard receive(Array(bytes)) else {
            endedByReceiver = true
            return 0
        }
        return bytes.count
    }

    static let write: ccurl_data_callback = { data, size, count, context in
        guard let context else { return 0 }
        let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        return exchange.take(UnsafeRawBufferPointer(start: data, count: size * count))
    }

    static let progress: ccurl_progress_callback = { context, _, _, _, _ in
        guard let context else { return 1 }
        let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        guard !exchange.keepsBody, !exchange.receive([]) else { return 0 }
        exchange.endedByReceiver = true
        return 1
    }
}
