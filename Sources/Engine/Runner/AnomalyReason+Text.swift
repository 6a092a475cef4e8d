// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTM

extension AnomalyReason {
    init(_ explanation: AnomalyExplanation) {
        self.init(
            channel: explanation.channel.rawValue,
            expected: explanation.expected,
            actual: explanation.actual,
            oneIn: explanation.oneIn,
            modelAge: Int64(explanation.modelAge)
        )
    }

    /// One sentence for people.
    package var text: String {
        // A newer version may have written a channel this one doesn't know.
        guard let known = EvidenceChannel(rawValue: channel) else { return channel }
        let explanation = AnomalyExplanation(
            channel: known,
            expected: expected,
            actual: actual,
            oneIn: oneIn,
            modelAge: Int(modelAge)
        )
        return explanation.text
    }

    /// Writes the JSON object that events, the stream and commands give.
    package func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("channel", channel)
        writer.field("expected_low", expected?.lowerBound)
        writer.field("expected_high", expected?.upperBound)
        writer.field("actual", actual)
        writer.field("one_in", oneIn)
        writer.field("model_age", modelAge)
        writer.field("text", text)
        writer.endObject()
    }
}

extension ExplainedRow {
    /// Writes the JSON object that commands give and the engine's socket carries.
    package func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("uid", uid)
        writer.field("name", name)
        writer.field("rowid", rowid)
        writer.field("timestamp", timestamp)
        writer.field("value", value)
        writer.field("anomaly_score", anomalyScore)
        writer.key("explanation")
        reason.write(to: &writer)
        writer.endObject()
    }

    /// Reads what `write(to:)` wrote.
    package init(json: JSONValue) throws {
        let fields = try JSONFields(json, path: "$")
        func whole(_ name: String) throws -> Int64 {
            let value = try fields.required(name)
            guard let number = value.integerValue else { throw fields.wrong(name, value, expected: "a whole number") }
            return number
        }
        func number(_ name: String) throws -> Double {
            let value = try fields.required(name)
            guard let number = value.doubleValue else { throw fields.wrong(name, value, expected: "a number") }
            return number
        }
        self.init(
            uid: try fields.string("uid"),
            name: try fields.string("name"),
            rowid: try whole("rowid"),
            timestamp: try whole("timestamp"),
            value: try number("value"),
            anomalyScore: try number("anomaly_score"),
            reason: try AnomalyReason(json: try fields.required("explanation"))
        )
    }
}
