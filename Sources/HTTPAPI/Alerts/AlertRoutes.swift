// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Alerts over HTTP: what was told and what held back, what is on its way, acknowledging and muting.
///
/// `GET /_alerts?limit=N`, `POST /_alerts/events/{id}/acknowledge`, `GET` and `POST /_alerts/mutes` with `{"pattern": "web.*", "seconds": 3600}`
/// (0 seconds unmutes).
package struct AlertRoutes: Sendable {
    private let store: any AlertStore
    private let clock: any EngineClock

    package init(store: any AlertStore, clock: any EngineClock = SystemClock()) {
        self.store = store
        self.clock = clock
    }

    package func register(on router: inout HTTPRouter) {
        let routes = self
        Self.add(&router, "GET", "/_alerts") { request, _ in try routes.list(request) }
        Self.add(&router, "GET", "/_alerts/mutes") { _, _ in try routes.mutes() }
        Self.add(&router, "POST", "/_alerts/mutes") { request, _ in try routes.mute(request) }
        Self.add(&router, "POST", "/_alerts/events/{id}/acknowledge") { _, parameters in
            try routes.acknowledge(parameters["id"])
        }
    }

    private static func add(
        _ router: inout HTTPRouter,
        _ method: String,
        _ path: String,
        _ handler: @escaping HTTPHandler
    ) {
        router.on(method, path) { request, parameters in
            do { return try handler(request, parameters) } catch let error as EngineError { throw error.problem }
        }
    }

    private func list(_ request: HTTPRequest) throws -> HTTPResponse {
        let text = request.queryValue("limit") ?? "100"
        guard let limit = Int(text), (1...10_000).contains(limit) else {
            throw EngineError(.invalidArgument, "limit is '\(text.prefix(40))'; expected 1 to 10000")
        }
        let counts = try store.alertDeliveryCounts()
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("deliveries")
        writer.beginObject()
        writer.field("pending", counts.pending)
        writer.field("delivered", counts.delivered)
        writer.field("failed", counts.failed)
        writer.endObject()
        writer.key("failures")
        writer.beginObject()
        for (sink, reason) in try store.alertFailures().sorted(by: { $0.key < $1.key }) { writer.field(sink, reason) }
        writer.endObject()
        writer.key("events")
        writer.beginArray()
        for event in try store.alertEvents(limit: limit) { Self.write(event, to: &writer) }
        writer.endArray()
        writer.endObject()
        return .json(writer.bytes)
    }

    private static func write(_ event: AlertEvent, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("id", event.id)
        writer.field("kind", event.kind.rawValue)
        writer.field("metric", event.metric)
        writer.field("uid", event.uid)
        writer.field("server", event.server)
        writer.field("started_at", event.startedAt)
        writer.field("ended_at", event.endedAt)
        writer.field("score", event.peakScore)
        writer.field("value", event.peakValue)
        writer.field("peak_at", event.peakAt)
        writer.field("telling", event.telling.word)
        writer.field("acknowledged_at", event.acknowledgedAt)
        writer.endObject()
    }

    private func acknowledge(_ id: String) throws -> HTTPResponse {
        let now = clock.wallSeconds()
        guard try store.acknowledgeAlert(id: id, at: now) else {
            throw EngineError(.notFound, "there is no alert of that id")
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("id", id)
        writer.field("acknowledged_at", now)
        writer.endObject()
        return .json(writer.bytes)
    }

    private func mutes() throws -> HTTPResponse {
        var writer = JSONWriter()
        writer.beginArray()
        for mute in try store.alertMutes() {
            writer.beginObject()
            writer.field("pattern", mute.pattern)
            writer.field("until", mute.until)
            writer.endObject()
        }
        writer.endArray()
        return .json(writer.bytes)
    }

    private func mute(_ request: HTTPRequest) throws -> HTTPResponse {
        let fields = try JSONFields(try JSONValue.parse(request.body), path: "the body")
        try fields.allow(["pattern", "seconds"])
        let pattern = try fields.string("pattern")
        if let refusal = Metric.refusal(ofName: pattern) {
            throw EngineError(.invalidArgument, "pattern is no pattern of metric names: \(refusal.reason)")
        }
        let given = try fields.required("seconds")
        guard let seconds = given.integerValue, (0...315_360_000).contains(seconds) else {
            throw EngineError(.invalidArgument, "seconds is wrong; expected a whole number from 0 to ten years")
        }
        let now = clock.wallSeconds()
        try store.setAlertMute(AlertMute(pattern: pattern, until: now + seconds), now: now)
        return try mutes()
    }
}
