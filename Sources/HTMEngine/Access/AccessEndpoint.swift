// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Foundation
import HTTPAPI

/// The engine's end of the unix socket: carries out what `SocketAccess` asks.
struct AccessEndpoint: Sendable {
    let access: any EngineAccess
    let maintenance: any MaintenanceAccess

    /// Adds `POST /_engine/<verb>`, which only the unix socket answers.
    func add(to router: inout HTTPRouter) {
        router.on("POST", AccessVerb.prefix + "{verb}") { request, parameters in
            guard request.peer == .local, let verb = AccessVerb(rawValue: parameters["verb"]) else {
                throw HTTPError(status: 404, text: "There is nothing at \(request.path)\n")
            }
            return .json(answer(verb, request.body))
        }
    }

    private func answer(_ verb: AccessVerb, _ body: [UInt8]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        do {
            let result = try carryOut(verb, try JSONValue.parse(body))
            writer.key("result")
            result(&writer)
        } catch {
            let known = error as? EngineError ?? EngineError(.failed, "\(error)")
            writer.key("error")
            known.wire.write(to: &writer)
        }
        writer.endObject()
        return writer.takeBytes()
    }

    /// - Returns: What writes the result.
    private func carryOut(_ verb: AccessVerb, _ arguments: JSONValue) throws -> (inout JSONWriter) -> Void {
        func text(_ name: String) throws -> String { try JSONFields(arguments, path: "$").string(name) }
        func whole(_ name: String) throws -> Int64 {
            guard let number = arguments[name]?.integerValue else {
                throw EngineError(.invalidArgument, "$.\(name) is not a whole number")
            }
            return number
        }
        let modelSpec = arguments["modelSpec"] ?? .null
        switch verb {
        case .createMetric: return written(.string(try access.createMetric(named: try text("name"))))
        case .monitor: return written(.string(try access.monitor(modelSpec)))
        case .importModel: return written(.string(try access.importModel(modelSpec)))
        case .exportModel: return written(try access.exportModel(uid: try text("uid")))
        case .exportLearnedModel:
            let file = try access.exportLearnedModel(uid: try text("uid"))
            return written(.string(Data(file).base64EncodedString()))
        case .importLearnedModel:
            guard let file = Data(base64Encoded: try text("file")) else {
                throw EngineError(.invalidArgument, "$.file is not Base64")
            }
            let name = arguments["name"]?.stringValue
            return written(.string(try access.importLearnedModel(Array(file), name: name)))
        case .activateModel: return written(try access.activateModel(uid: try text("uid")))
        case .unmonitor: return written(try access.unmonitor(uid: try text("uid")))
        case .retry: return written(try access.retry(uid: try text("uid")))
        case .deleteMetric: return written(try access.deleteMetric(named: try text("name")))
        case .metricByName: return written(try access.metric(named: try text("name")))
        case .metricByUID: return written(try access.metric(uid: try text("uid")))
        case .metrics:
            let metrics = try access.metrics(
                pattern: arguments["pattern"]?.stringValue,
                after: arguments["after"]?.stringValue,
                limit: Int(try whole("limit"))
            )
            return { writer in
                writer.beginArray()
                for metric in metrics { metric.write(to: &writer) }
                writer.endArray()
            }
        case .rows:
            let rows = try access.rows(uid: try text("uid"), after: try whole("after"), limit: Int(try whole("limit")))
            return { writer in
                writer.beginArray()
                for row in rows { row.write(to: &writer) }
                writer.endArray()
            }
        case .explainedRows:
            let rows = try access.explainedRows(
                pattern: arguments["pattern"]?.stringValue,
                limit: Int(try whole("limit"))
            )
            return { writer in
                writer.beginArray()
                for row in rows { row.write(to: &writer) }
                writer.endArray()
            }
        case .reasons:
            let (first, last) = (try whole("first"), try whole("last"))
            guard first <= last else { throw EngineError(.invalidArgument, "$.first is beyond $.last") }
            let reasons = try access.reasons(uid: try text("uid"), rowids: first...last)
            return { writer in
                writer.beginArray()
                for (rowid, reason) in reasons.sorted(by: { $0.key < $1.key }) {
                    writer.beginArray()
                    writer.value(rowid)
                    reason.write(to: &writer)
                    writer.endArray()
                }
                writer.endArray()
            }
        case .verify, .removeRows, .backup: return written(try maintenance.answer(verb, arguments))
        case .setCollectorError:
            let names = (arguments["metrics"]?.arrayValue ?? []).compactMap(\.stringValue)
            return written(try access.setCollectorError(arguments["message"]?.stringValue, metrics: names))
        case .send:
            let refusals = try access.send(try SampleColumns.read(arguments))
            return written(
                .array(refusals.map { .array([.integer(Int64($0.index)), .string($0.reason.rawValue)]) })
            )
        }
    }

    private func written(_ json: JSONValue) -> (inout JSONWriter) -> Void {
        { writer in json.write(to: &writer) }
    }

    private func written(_ nothing: Void) -> (inout JSONWriter) -> Void { written(.null) }

    private func written(_ summary: MetricSummary?) -> (inout JSONWriter) -> Void {
        { writer in
            if let summary { summary.write(to: &writer) } else { writer.null() }
        }
    }
}
