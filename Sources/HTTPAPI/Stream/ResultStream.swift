// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// The engine's results and model commands as server-sent events, for any number of readers.
///
/// One thread takes the messages from the bus and keeps the latest ones, numbered. A reader is a place in that sequence: it costs no queue
/// of its own, can't hold anyone up, and finds its place again after a lost connection. One that falls behind what is kept is told so with
/// an event `gap`. A message becomes text when the first reader wants it: most are wanted by nobody.
package final class ResultStream: Sendable {
    /// One message.
    struct Entry {
        private enum Content {
            case results(InferenceResults)
            case text(String)
        }

        let uid: String
        let name: String?
        private var content: Content

        init(_ results: InferenceResults) {
            uid = results.metric.uid
            name = results.metric.name
            content = .results(results)
        }

        init(uid: String, name: String?, text: String) {
            self.uid = uid
            self.name = name
            content = .text(text)
        }

        /// The lines of the event but its id; made once.
        mutating func text() -> String {
            switch content {
            case .text(let text): return text
            case .results(let results):
                var writer = JSONWriter()
                results.write(to: &writer) { reason, writer in reason.write(to: &writer) }
                let text = ResultStream.event("result", writer.text)
                content = .text(text)
                return text
            }
        }
    }

    struct State {
        /// Number of the first entry kept.
        var first: Int64 = 1
        var entries: [Entry] = []
        var ended = false

        var end: Int64 { first + Int64(entries.count) }
    }

    /// Messages kept for readers that lag or come back.
    private static let capacity = 16_384

    /// Changes with every start of the process, so that numbers of an earlier one aren't taken for ours.
    let epoch: String
    let state = Monitor(State())
    private let subscription: any MessageSubscription
    /// Has the reasons that messages from a broker don't carry; nil when they can't be had.
    private let repository: (any MetricRepository)?
    private let thread = Monitor<ServiceThread?>(nil)

    /// Subscribes and begins to collect.
    package init(bus: any MessageBus, repository: (any MetricRepository)? = nil) throws {
        self.repository = repository
        epoch = String(UInt32.random(in: 0...UInt32.max), radix: 16)
        subscription = try bus.subscribe(capacity: 4096)
        thread.withLock { thread in thread = ServiceThread(name: "stream") { [self] in collect() } }
    }

    /// Ends all readers and the thread.
    package func stop() {
        subscription.cancel()
        state.update { $0.ended = true }
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    private func collect() {
        while let messages = subscription.next(timeoutMilliseconds: 1000) {
            guard !messages.isEmpty else { continue }
            let entries = messages.compactMap(entry)
            state.update { state in
                state.entries.append(contentsOf: entries)
                // Removing from the front moves the rest: do it seldom.
                if state.entries.count > 2 * Self.capacity {
                    let surplus = state.entries.count - Self.capacity
                    state.entries.removeFirst(surplus)
                    state.first += Int64(surplus)
                }
            }
        }
        state.update { $0.ended = true }
    }

    private func entry(_ message: EngineMessage) -> Entry? {
        switch message {
        case .inferenceResults(let results): return Entry(explained(results))
        case .commandResult(let result):
            return Entry(
                uid: result.modelId,
                name: result.modelInfo?.metricName,
                text: Self.event("command", message.json)
            )
        case .foreign: return nil  // on a broker others publish too; it isn't the engine's
        }
    }

    /// An event of the stream. Text may hold line breaks (a taken-over database holds JSON as others wrote it): each of its lines is a
    /// `data` line, which the reader joins again.
    fileprivate static func event(_ name: String, _ text: String) -> String {
        // Only these end a line of a stream; what else Unicode calls a line break may be part of a JSON string.
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) else {
            return "event: \(name)\ndata: \(text)\n\n"
        }
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
        return "event: \(name)\n" + lines.map { "data: \($0)\n" }.joined() + "\n"
    }

    /// The results with their reasons, where rows have any.
    private func explained(_ results: InferenceResults) -> InferenceResults {
        guard let repository, let first = results.rows.first, let last = results.rows.last, first.rowid <= last.rowid,
            results.rows.contains(where: { $0.reason == nil && ($0.anomalyScore ?? 0) > AnomalyReason.scoreAbove }),
            // Without the database the scores still go out.
            let reasons = try? repository.read({
                try $0.reasons(uid: results.metric.uid, rowids: first.rowid...last.rowid)
            })
        else { return results }
        var results = results
        for index in results.rows.indices where results.rows[index].reason == nil {
            results.rows[index].reason = reasons[results.rows[index].rowid]
        }
        return results
    }

    // MARK: HTTP

    /// Answers `GET /_stream`: all messages from now on, or those after `Last-Event-ID`; `?metric=` (name, name
    /// pattern or uid, any number of times) selects. With `?from=start` a reader without a place in this process's sequence begins with
    /// the oldest message kept: one that was waiting for the engine to come up misses nothing of what it said first.
    package func respond(to request: HTTPRequest) throws -> HTTPResponse {
        let wanted = request.query.filter { $0.name == "metric" && !$0.value.isEmpty }.map(\.value)
        guard wanted.count <= 1000 else {
            throw HTTPError.problem(400, "metric is given \(wanted.count) times; at most 1000 are taken")
        }
        let headers = [
            HTTPField("Content-Type", "text/event-stream; charset=utf-8"), HTTPField("Cache-Control", "no-store"),
        ]
        if request.method == "HEAD" { return HTTPResponse(status: 200, headers: headers) }
        let last = request.header("Last-Event-ID") ?? request.queryValue("last_event_id")
        guard (last?.utf8.count ?? 0) <= 100 else {
            throw HTTPError.problem(400, "the last event's id has more than 100 bytes")
        }
        let from = request.queryValue("from")
        guard from == nil || from == "start" else {
            throw HTTPError.problem(400, "from is \"\(from ?? "")\"; expected start, or no from at all")
        }
        let reader = ResultStreamReader(stream: self, wanted: wanted, after: last, fromStart: from != nil)
        return HTTPResponse(status: 200, headers: headers, body: .stream(reader))
    }
}

/// One reader's place in the stream.
final class ResultStreamReader: HTTPBodySource {
    /// A comment is sent after so long without an event: it keeps proxies from closing, and finds out that a client has gone.
    private static let heartbeatMilliseconds = 10_000
    private static let eventsPerChunk = 500
    /// What is sent at once; one event may be longer. It is made while the thread that collects waits.
    private static let bytesPerChunk = 1 << 18

    private struct Place {
        var next: Int64
        var greeting: String?
        var cancelled = false
    }

    private let stream: ResultStream
    private let wanted: Set<String>
    private let patterns: [NamePattern]
    private let place: Monitor<Place>

    init(stream: ResultStream, wanted: [String], after lastID: String?, fromStart: Bool) {
        self.stream = stream
        self.wanted = Set(wanted)
        patterns = wanted.filter { $0.contains("*") || $0.contains("?") }.map(NamePattern.init)
        // The comment gets the headers out at once; the retry time is the browser's pause before it comes back.
        var greeting = ": htmengine results\nretry: 1000\n\n"
        let (first, end) = stream.state.withLock { ($0.first, $0.end) }
        var next = fromStart ? first : end
        if let lastID {
            let parts = lastID.split(separator: "-")
            if parts.count == 2, parts[0] == stream.epoch, let number = Int64(parts[1]), number < end {
                next = number + 1
            } else {
                greeting += Self.gap
            }
        }
        // A client that loses the connection before its first event finds its place by this id.
        greeting += "id: \(stream.epoch)-\(next - 1)\n\n"
        place = Monitor(Place(next: next, greeting: greeting))
    }

    /// What came before can't be delivered any more: the client reads it from the database.
    private static let gap = "event: gap\ndata: {}\n\n"

    func next() -> [UInt8]? {
        let (greeting, start, cancelled) = place.withLock { place in
            defer { place.greeting = nil }
            return (place.greeting, place.next, place.cancelled)
        }
        if cancelled { return nil }
        if let greeting { return Array(greeting.utf8) }
        var text = ""
        var next = start
        let open: Bool? = stream.state.wait(timeoutMilliseconds: Self.heartbeatMilliseconds) { state in
            if place.withLock({ $0.cancelled }) || state.ended { return false }
            if next < state.first {
                text += Self.gap
                next = state.first
            }
            var events = 0
            while next < state.end, events < Self.eventsPerChunk, text.utf8.count < Self.bytesPerChunk {
                let index = Int(next - state.first)
                if isWanted(state.entries[index]) {
                    text += "id: \(stream.epoch)-\(next)\n\(state.entries[index].text())"
                    events += 1
                }
                next += 1
            }
            return text.isEmpty ? nil : true
        }
        if open == false { return nil }
        let reached = next
        place.withLock { $0.next = reached }
        return Array((text.isEmpty ? ": still here\n\n" : text).utf8)
    }

    func cancel() {
        place.withLock { $0.cancelled = true }
        // Wakes a next() that waits on the stream.
        stream.state.update { _ in }
    }

    private func isWanted(_ entry: ResultStream.Entry) -> Bool {
        wanted.isEmpty || wanted.contains(entry.uid)
            || entry.name.map { name in
                wanted.contains(name) || patterns.contains { $0.matches(name) }
            } == true
    }
}
