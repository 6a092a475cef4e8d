// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Where alerts go. Blocking; called from the sink's own thread.
package protocol AlertSink: Sendable {
    /// `webhook`, `alertmanager`, `mail` or `command`; also stands in the database.
    var name: String { get }
    /// Returns once the other side has taken the message over.
    /// - Throws: `EngineError`; the message is tried again later. Its text is shown to people and has no secrets.
    func deliver(_ delivery: AlertDelivery) throws
}

/// An alert in words and as JSON.
package enum AlertText {
    /// One line.
    package static func subject(_ delivery: AlertDelivery) -> String {
        let event = delivery.event
        return switch (event.kind, delivery.phase) {
        case (.anomaly, .start): "Anomaly: \(event.metric)"
        case (.anomaly, .end): "Anomaly over: \(event.metric)"
        case (.silent, .start): "Silent: \(event.metric)"
        case (.silent, .end): "No longer silent: \(event.metric)"
        }
    }

    /// A few lines, ended by LF.
    package static func body(_ delivery: AlertDelivery) -> String {
        let event = delivery.event
        var lines = [subject(delivery), ""]
        switch event.kind {
        case .anomaly:
            lines.append("Since:  \(Timestamps.sqlText(event.startedAt)) UTC")
            if let end = event.endedAt { lines.append("Until:  \(Timestamps.sqlText(end)) UTC") }
            let value = NumberFormat.shortest(event.peakValue)
            lines.append("Oddest: \(value) at \(Timestamps.sqlText(event.peakAt)) UTC")
            lines.append("Score:  \(NumberFormat.shortest(event.peakScore)) (anomaly likelihood)")
        case .silent:
            lines.append("Last sample: \(Timestamps.sqlText(event.startedAt)) UTC")
            if let end = event.endedAt { lines.append("Back since:  \(Timestamps.sqlText(end)) UTC") }
        }
        lines.append("Server: \(event.server)")
        lines.append("Event:  \(event.id)")
        return lines.joined(separator: "\n") + "\n"
    }

    /// What webhooks and commands get; times are Unix seconds.
    package static func json(_ delivery: AlertDelivery) -> String {
        let event = delivery.event
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("id", event.id)
        writer.field("phase", delivery.phase.rawValue)
        writer.field("kind", event.kind.rawValue)
        writer.field("metric", event.metric)
        writer.field("uid", event.uid)
        writer.field("server", event.server)
        writer.field("started_at", event.startedAt)
        writer.field("ended_at", delivery.phase == .end ? event.endedAt : nil)
        writer.field("score", event.peakScore)
        writer.field("value", event.peakValue)
        writer.field("peak_at", event.peakAt)
        writer.field("text", subject(delivery))
        writer.endObject()
        return writer.text
    }
}
