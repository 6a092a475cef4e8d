// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import HTTPClient

/// The values of a PromQL query, through Prometheus' HTTP API (`/api/v1/query_range`).
///
///     let server = "http://localhost:9090"
///     var load = PrometheusDatasource(url: server, metric: "load.$instance", query: "node_load1", step: .seconds(60))
///     load.schedule.backfill = .seconds(14 * 86_400)
///
/// Samples lie at whole multiples of the step. Values that are no finite numbers are left out.
public struct PrometheusDatasource: PolledDatasource {
    /// How the server knows who asks.
    public enum Credentials: Sendable, Hashable {
        /// No header.
        case none
        /// HTTP's Basic authentication.
        case basic(user: String, password: String)
        /// `Authorization: Bearer`.
        case bearer(String)
    }

    /// Prometheus refuses ranges with more points than this.
    private static let mostPoints: Int64 = 11_000
    private static let seconds = 30

    /// Address of the server, `http://` or `https://`, with a path where it isn't at the root.
    public let url: String
    /// Name of the metrics: `$label` stands for that label's value. Without one, the labels of a series stand behind the name, as in
    /// `up{instance="localhost:9090",job="prometheus"}`; a series without labels has the name alone.
    public let metric: String
    /// The query, in PromQL.
    public let query: String
    /// Between two samples of a metric; whole seconds, at least one.
    public let step: Duration
    /// When the server is asked. Its longest window is set to what Prometheus answers at once.
    public var schedule: PollSchedule
    /// How the server knows who asks.
    public var credentials = Credentials.none

    /// Describes one query.
    public init(url: String, metric: String, query: String, step: Duration) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.metric = metric
        self.query = query
        self.step = .seconds(max(1, step.components.seconds))
        schedule = PollSchedule(longestWindow: .seconds(self.step.components.seconds * (Self.mostPoints - 1)))
    }

    /// `prometheus-` and the metric's name, with a hash where characters had to be replaced.
    public var name: String {
        let plain = metric.map { $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0)) ? $0 : "_" }
        if plain.count <= 80, String(plain) == metric { return "prometheus-" + metric }
        return "prometheus-" + String(plain.prefix(60)) + "-" + String(fnv1a64(metric.utf8), radix: 16)
    }

    /// Whether a text is the address of a server.
    static func isServer(_ text: String) -> Bool {
        guard let parts = URLComponents(string: text), ["http", "https"].contains(parts.scheme),
            let host = parts.host, !host.isEmpty
        else { return false }
        return parts.query == nil && parts.fragment == nil && parts.user == nil
    }

    /// Asks the server.
    /// - Throws: ``HTMEngineError`` with the server's own message.
    public func samples(from start: Date, to end: Date) async throws -> [MetricSample] {
        let step = step.components.seconds
        let first = Int64((start.timeIntervalSince1970 / Double(step)).rounded(.up)) * step
        let last = Int64((end.timeIntervalSince1970 / Double(step)).rounded(.up)) * step - step
        guard first <= last else { return [] }
        return try await BlockingWork.run { try parse(ask(first, last)) }
    }

    private func ask(_ first: Int64, _ last: Int64) throws -> JSONValue {
        guard let parts = URLComponents(string: url), Self.isServer(url) else {
            throw EngineError(.invalidArgument, "\(url) is no address of a Prometheus server")
        }
        var form = URLComponents()
        form.queryItems = [
            URLQueryItem(name: "query", value: query), URLQueryItem(name: "start", value: "\(first)"),
            URLQueryItem(name: "end", value: "\(last)"),
            URLQueryItem(name: "step", value: "\(step.components.seconds)"),
        ]
        // A plus sign is a blank in a form.
        let body = (form.percentEncodedQuery ?? "").replacingOccurrences(of: "+", with: "%2B")
        var headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
        switch credentials {
        case .none: break
        case .basic(let user, let password):
            headers.append(("Authorization", "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()))
        case .bearer(let token): headers.append(("Authorization", "Bearer " + token))
        }
        var origin = parts
        origin.path = ""
        let client = HTTPClient(.url(origin.string ?? url))
        let path = parts.percentEncodedPath + "/api/v1/query_range"
        let reply = try client.send(
            HTTPClient.Request("POST", path, headers: headers, body: Array(body.utf8), timeoutSeconds: Self.seconds)
        )
        let json = try? JSONValue.parse(reply.body)
        guard reply.isSuccess, let json, json["status"]?.stringValue == "success" else {
            let reason = json?["error"]?.stringValue ?? String(reply.text.prefix(200))
            throw EngineError(.failed, "Prometheus at \(url) answered \(reply.status) to \(query): \(reason)")
        }
        return json
    }

    private func parse(_ json: JSONValue) throws -> [MetricSample] {
        let data = json["data"]
        guard data?["resultType"]?.stringValue == "matrix", let series = data?["result"]?.arrayValue else {
            throw unexpected("data.resultType is not matrix")
        }
        var samples: [MetricSample] = []
        var owners: [String: [String: String]] = [:]
        for item in series {
            let labels = (item["metric"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
            let name = name(for: labels)
            if let other = owners.updateValue(labels, forKey: name) {
                throw EngineError(
                    .failed,
                    "two series of \(query) would both be metric \(name): \(Self.text(other)) and \(Self.text(labels)); "
                        + "name a label that tells them apart, as in \(metric).$instance"
                )
            }
            for pair in item["values"]?.arrayValue ?? [] {
                guard let fields = pair.arrayValue, fields.count == 2, let time = fields[0].doubleValue,
                    let value = fields[1].stringValue.flatMap(Double.init)
                else { throw unexpected("data.result has the value \(pair.text)") }
                guard value.isFinite else { continue }
                samples.append(MetricSample(metric: name, value: value, time: Date(timeIntervalSince1970: time)))
            }
        }
        return samples
    }

    private func unexpected(_ what: String) -> EngineError {
        EngineError(.failed, "Prometheus at \(url) answered \(query) with something unexpected: \(what)")
    }

    /// The metric of a series.
    private func name(for labels: [String: String]) -> String {
        var result = ""
        var rest = metric[...]
        var isTemplate = false
        while let dollar = rest.firstIndex(of: "$") {
            let label = rest[rest.index(after: dollar)...].prefix {
                $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")
            }
            result += rest[..<dollar] + (label.isEmpty ? "$" : labels[String(label)] ?? "")
            isTemplate = isTemplate || !label.isEmpty
            rest = rest[label.endIndex...]
        }
        result += rest
        let distinct = labels.filter { $0.key != "__name__" }
        if !isTemplate, !distinct.isEmpty { result += Self.text(distinct) }
        // Names have no blanks.
        return String(result.map { $0.isWhitespace ? "_" : $0 })
    }

    private static func text(_ labels: [String: String]) -> String {
        "{" + labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\($0.value)\"" }.joined(separator: ",") + "}"
    }
}
