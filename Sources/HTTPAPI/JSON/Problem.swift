// SPDX-License-Identifier: Apache-2.0

import EngineCore

extension HTTPResponse {
    /// An error as `application/problem+json` (RFC 9457).
    ///
    /// - Parameter detail: What was wrong and what was expected, for people.
    package static func problem(_ status: Int, _ detail: String, headers: [HTTPField] = []) -> HTTPResponse {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("type", "about:blank")
        writer.field("title", reason(status))
        writer.field("status", Int64(status))
        writer.field("detail", detail)
        writer.endObject()
        return HTTPResponse(
            status: status,
            headers: [HTTPField("Content-Type", "application/problem+json")] + headers,
            body: .bytes(writer.bytes)
        )
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 429: "Too Many Requests"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        default: status < 500 ? "Bad Request" : "Internal Server Error"
        }
    }
}

extension HTTPError {
    package static func problem(_ status: Int, _ detail: String, headers: [HTTPField] = []) -> HTTPError {
        HTTPError(.problem(status, detail, headers: headers))
    }
}

extension EngineError {
    /// The answer to a request that failed with this error; the one place where codes become HTTP statuses for the JSON API.
    var problem: HTTPError {
        switch code {
        case .invalidArgument, .unsupportedDatasource: .problem(400, message)
        case .notFound: .problem(404, message)
        case .metricAlreadyExists, .metricAlreadyMonitored, .metricNotMonitored, .statisticsNotReady, .statusChanged:
            .problem(409, message)
        case .tooManyMetrics: .problem(409, message)
        case .storageUnavailable, .busUnavailable, .stopping:
            .problem(503, message, headers: [HTTPField("Retry-After", "1")])
        default: .problem(500, message)
        }
    }
}
