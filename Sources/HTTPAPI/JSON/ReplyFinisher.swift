// SPDX-License-Identifier: Apache-2.0

internal import CZlib
import EngineCore

/// What every reply gets on its way out: problem+json for errors of the API, entity tags, compression, security headers.
package enum ReplyFinisher {
    /// Bytes from which a reply is worth compressing.
    static let compressionFloor = 1024

    /// Pages load nothing but the engine's own files; nothing is inline, nothing is evaluated.
    static let contentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    package static func finish(_ request: HTTPRequest, _ response: inout HTTPResponse) {
        guard case .bytes(var bytes) = response.body else { return }
        let path = request.encodedPath
        let isOurs = path.hasPrefix("/_") || path == "/" || path == "/metrics"
        if isOurs, response.status >= 400, contentType(response).hasPrefix("text/plain") {
            // Refusals of the server and the router, which don't know what the path speaks.
            let text = String(decoding: bytes, as: UTF8.self)
            let kept = response.headers.filter { $0.name != "Content-Type" }
            response = .problem(response.status, text.trimmingLineEnd, headers: kept)
            guard case .bytes(let problem) = response.body else { return }
            bytes = problem
        }
        if contentType(response).hasPrefix("text/html") {
            response.setHeader("Content-Security-Policy", contentSecurityPolicy)
            response.setHeader("Referrer-Policy", "no-referrer")
            response.setHeader("X-Frame-Options", "DENY")
        }
        guard isOurs else { return }
        if response.status == 200, ["GET", "HEAD"].contains(request.method), path != "/metrics", path != "/_health" {
            let tag = "\"\(String(fnv1a64(bytes), radix: 36))-\(bytes.count)\""
            response.setHeader("ETag", tag)
            if !response.headers.contains(where: { $0.name == "Cache-Control" }) {
                response.setHeader("Cache-Control", "no-cache")
            }
            if let known = request.header("If-None-Match"), known.contains(tag) || known == "*" {
                response.status = 304
                response.headers.removeAll { $0.name == "Content-Type" }
                response.body = .bytes([])
                return
            }
        }
        response.setHeader("Vary", "Accept-Encoding")
        if bytes.count >= compressionFloor, accepts(request), !isAskedByAnotherSite(request),
            let compressed = gzip(bytes)
        {
            response.setHeader("Content-Encoding", "gzip")
            response.body = .bytes(compressed)
        }
    }

    private static func contentType(_ response: HTTPResponse) -> String {
        response.headers.first { $0.name.lowercased() == "content-type" }?.value ?? ""
    }

    /// Whether a browser asks for another site's page. Such a page could put guesses into the request and learn from the size of the
    /// compressed reply what else is in it, through TLS too (BREACH).
    private static func isAskedByAnotherSite(_ request: HTTPRequest) -> Bool {
        if let site = request.header("Sec-Fetch-Site")?.lowercased(), site != "same-origin", site != "none" {
            return true
        }
        guard let referer = request.header("Referer"), let host = request.header("Host")?.lowercased() else {
            return false
        }
        let parts = referer.lowercased().split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count < 3 || parts[2] != host
    }

    private static func accepts(_ request: HTTPRequest) -> Bool {
        guard let accepted = request.header("Accept-Encoding")?.lowercased() else { return false }
        return accepted.split(separator: ",").contains { item in
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " } }
            return parts.first == "gzip" && !parts.dropFirst().contains { $0 == "q=0" || $0 == "q=0.0" }
        }
    }

    /// The bytes in gzip's format at zlib's fastest level; nil when zlib refuses.
    static func gzip(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        let gzipWindow: Int32 = 15 + 16
        guard
            deflateInit2_(
                &stream,
                1,
                Z_DEFLATED,
                gzipWindow,
                8,
                Z_DEFAULT_STRATEGY,
                zlibVersion(),
                Int32(MemoryLayout<z_stream>.size)
            ) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(bytes.count))) + 18
        var output = [UInt8](repeating: 0, count: bound)
        let written = bytes.withUnsafeBufferPointer { input in
            output.withUnsafeMutableBufferPointer { target -> Int? in
                stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                return deflate(&stream, Z_FINISH) == Z_STREAM_END ? target.count - Int(stream.avail_out) : nil
            }
        }
        guard let written else { return nil }
        output.removeLast(bound - written)
        return output
    }
}

extension String {
    fileprivate var trimmingLineEnd: String { hasSuffix("\n") ? String(dropLast()) : self }
}
