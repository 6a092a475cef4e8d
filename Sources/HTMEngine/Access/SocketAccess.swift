// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Foundation
import HTTPClient
import Synchronization

/// Asks a running embedded engine through the unix socket in its data directory.
package final class SocketAccess: EngineAccess {
    static let seconds = 120
    private let path: String
    private let logger: any Logger
    private let idle = Mutex<[HTTPClientBox]>([])

    /// An HTTP client that is used by one thread at a time.
    private struct HTTPClientBox: @unchecked Sendable {
        // Sendable because whoever takes it out of `idle` has it alone.
        let client: HTTPClient
    }

    /// - Parameters:
    ///   - path: The socket of the engine.
    ///   - logger: Is told of events that can't be read.
    package init(socketPath path: String, logger: any Logger) {
        self.path = path
        self.logger = logger
    }

    /// Whether an engine answers there.
    package static func isAnswering(socketPath path: String) -> Bool {
        let client = HTTPClient(.unixSocket(path))
        return (try? client.send(HTTPClient.Request("GET", "/_health", timeoutSeconds: 5))) != nil
    }

    package func createMetric(named name: String) throws -> String {
        try text(ask(.createMetric, ["name": .string(name)]))
    }

    package func monitor(_ modelSpec: JSONValue) throws -> String { try text(ask(.monitor, ["modelSpec": modelSpec])) }

    package func activateModel(uid: String) throws { _ = try ask(.activateModel, ["uid": .string(uid)]) }

    package func unmonitor(uid: String) throws { _ = try ask(.unmonitor, ["uid": .string(uid)]) }

    package func deleteMetric(named name: String) throws { _ = try ask(.deleteMetric, ["name": .string(name)]) }

    package func exportModel(uid: String) throws -> JSONValue { try ask(.exportModel, ["uid": .string(uid)]) }

    package func importModel(_ modelSpec: JSONValue) throws -> String {
        try text(ask(.importModel, ["modelSpec": modelSpec]))
    }

    package func exportLearnedModel(uid: String) throws -> [UInt8] {
        guard let bytes = Data(base64Encoded: try text(ask(.exportLearnedModel, ["uid": .string(uid)]))) else {
            throw EngineError(.failed, "the engine's answer is not Base64")
        }
        return Array(bytes)
    }

    package func importLearnedModel(_ file: [UInt8], name: String?) throws -> String {
        let arguments: [String: JSONValue] = [
            "file": .string(Data(file).base64EncodedString()), "name": name.map(JSONValue.string) ?? .null,
        ]
        return try text(ask(.importLearnedModel, arguments))
    }

    package func retry(uid: String) throws { _ = try ask(.retry, ["uid": .string(uid)]) }

    package func metric(named name: String) throws -> MetricSummary? {
        try summary(ask(.metricByName, ["name": .string(name)]))
    }

    package func metric(uid: String) throws -> MetricSummary? { try summary(ask(.metricByUID, ["uid": .string(uid)])) }

    package func metrics(pattern: String?, after: String?, limit: Int) throws -> [MetricSummary] {
        let answer = try ask(
            .metrics,
            [
                "pattern": pattern.map(JSONValue.string) ?? .null, "after": after.map(JSONValue.string) ?? .null,
                "limit": .integer(Int64(limit)),
            ]
        )
        return try (answer.arrayValue ?? []).map(MetricSummary.init(wire:))
    }

    package func rows(uid: String, after rowid: Int64, limit: Int) throws -> [MetricRow] {
        let answer = try ask(
            .rows,
            ["uid": .string(uid), "after": .integer(rowid), "limit": .integer(Int64(limit))]
        )
        return try (answer.arrayValue ?? []).map(MetricRow.init(wire:))
    }

    package func explainedRows(pattern: String?, limit: Int) throws -> [ExplainedRow] {
        let answer = try ask(
            .explainedRows,
            ["pattern": pattern.map(JSONValue.string) ?? .null, "limit": .integer(Int64(limit))]
        )
        return try (answer.arrayValue ?? []).map(ExplainedRow.init(json:))
    }

    package func reasons(uid: String, rowids: ClosedRange<Int64>) throws -> [Int64: AnomalyReason] {
        let answer = try ask(
            .reasons,
            ["uid": .string(uid), "first": .integer(rowids.lowerBound), "last": .integer(rowids.upperBound)]
        )
        var reasons: [Int64: AnomalyReason] = [:]
        for item in answer.arrayValue ?? [] {
            guard let pair = item.arrayValue, pair.count == 2, let rowid = pair[0].integerValue else {
                throw EngineError(.failed, "the engine's answer holds \(item.text), which is no row with its reason")
            }
            reasons[rowid] = try AnomalyReason(json: pair[1])
        }
        return reasons
    }

    package func send(_ samples: [IncomingSample]) throws -> [(index: Int, reason: SampleRefusal)] {
        var writer = JSONWriter()
        SampleColumns.write(samples, to: &writer)
        let answer = try ask(.send, body: writer.bytes)
        return try (answer.arrayValue ?? []).map { item in
            guard let pair = item.arrayValue, pair.count == 2, let index = pair[0].integerValue,
                let reason = pair[1].stringValue.flatMap(SampleRefusal.init(rawValue:))
            else { throw EngineError(.failed, "the engine's answer holds \(item.text), which is not a refusal") }
            return (Int(index), reason)
        }
    }

    package func setCollectorError(_ message: String?, metrics names: [String]) throws {
        let arguments: [String: JSONValue] = [
            "message": message.map(JSONValue.string) ?? .null, "metrics": .array(names.map(JSONValue.string)),
        ]
        _ = try ask(.setCollectorError, arguments)
    }

    package func subscribe(queue: String?) throws -> any MessageSubscription {
        EventStreamSubscription(socketPath: path, logger: logger)
    }

    func ask(
        _ verb: AccessVerb,
        _ arguments: [String: JSONValue],
        seconds: Int = SocketAccess.seconds
    ) throws -> JSONValue {
        try ask(verb, body: Array(JSONValue.object(arguments).text.utf8), seconds: seconds)
    }

    private func ask(
        _ verb: AccessVerb,
        body: [UInt8],
        seconds: Int = SocketAccess.seconds
    ) throws -> JSONValue {
        let box = idle.withLock { $0.popLast() } ?? HTTPClientBox(client: HTTPClient(.unixSocket(path)))
        let request = HTTPClient.Request(
            "POST",
            AccessVerb.prefix + verb.rawValue,
            headers: [("Content-Type", "application/json")],
            body: body,
            timeoutSeconds: seconds
        )
        let response = try box.client.send(request)
        idle.withLock { $0.append(box) }
        guard let json = try? JSONValue.parse(response.body), let fields = json.objectValue else {
            throw EngineError(.failed, "the engine answered \(response.status): \(response.text.prefix(200))")
        }
        if let error = fields["error"] { throw EngineError(wire: error) }
        return fields["result"] ?? .null
    }

    private func text(_ json: JSONValue) throws -> String {
        guard let text = json.stringValue else {
            throw EngineError(.failed, "the engine answered \(json.text), expected a text")
        }
        return text
    }

    private func summary(_ json: JSONValue) throws -> MetricSummary? {
        json == .null ? nil : try MetricSummary(wire: json)
    }
}
