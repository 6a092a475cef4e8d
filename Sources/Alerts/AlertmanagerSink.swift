// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Posts alerts to Prometheus' Alertmanager, interface v2.
///
/// The labels are the same at start and end, so that the end closes what the start opened. A start says that it lasts for 30 days, because
/// Alertmanager would close by itself in minutes what isn't sent again.
package struct AlertmanagerSink: AlertSink {
    package let name = "alertmanager"
    private let target: HTTPTarget

    /// - Parameter url: `http://host:9093`, with whatever path comes before `/api/v2`.
    package init(url: String, policy: OutboundPolicy) throws {
        target = try HTTPTarget(url: url, path: "/api/v2/alerts", policy: policy)
    }

    package func deliver(_ delivery: AlertDelivery) throws {
        try target.post(Self.json(delivery), headers: [(name: "Content-Type", value: "application/json")])
    }

    static func json(_ delivery: AlertDelivery) -> String {
        let event = delivery.event
        let end =
            delivery.phase == .end
            ? max(event.endedAt ?? event.startedAt, event.startedAt + 1) : event.startedAt + 30 * 86_400
        var writer = JSONWriter()
        writer.beginArray()
        writer.beginObject()
        writer.key("labels")
        writer.beginObject()
        writer.field("alertname", event.kind == .anomaly ? "HTMAnomaly" : "HTMSilentMetric")
        writer.field("metric", event.metric)
        if !event.server.isEmpty { writer.field("server", event.server) }
        writer.field("uid", event.uid)
        writer.endObject()
        writer.key("annotations")
        writer.beginObject()
        writer.field("summary", AlertText.subject(AlertDelivery(event: event, phase: .start, sink: delivery.sink)))
        writer.field("description", AlertText.body(delivery))
        writer.field("score", NumberFormat.shortest(event.peakScore))
        writer.field("value", NumberFormat.shortest(event.peakValue))
        writer.field("event", event.id)
        writer.endObject()
        writer.field("startsAt", time(event.startedAt))
        writer.field("endsAt", time(end))
        writer.endObject()
        writer.endArray()
        return writer.text
    }

    /// RFC 3339.
    private static func time(_ seconds: Int64) -> String {
        Timestamps.sqlText(seconds).replacing(" ", with: "T") + "Z"
    }
}
