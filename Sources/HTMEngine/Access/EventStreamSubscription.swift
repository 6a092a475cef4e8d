// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTTPClient

/// Follows `GET /_stream` of an engine on its unix socket; connects again when the engine was restarted, and goes on behind the
/// last event it saw.
final class EventStreamSubscription: MessageSubscription {
    private struct State {
        var messages: [EngineMessage] = []
        var cancelled = false
        var dropped: Int64 = 0
        var gaps: Int64 = 0
    }

    private static let capacity = 100_000
    private static let pauseMilliseconds = 500
    /// The engine says that it can't go on behind the event named: it was started anew, or keeps no events as old as that.
    private static let gapEvent = "gap"
    private let state = Monitor(State())

    /// - Parameters:
    ///   - socketPath: The socket of the engine.
    ///   - logger: Is told of events that can't be read; those that follow are delivered.
    init(socketPath: String, logger: any Logger) {
        // The thread holds the state, not the subscription: it ends when the last reader has gone.
        let state = state
        let started = ServiceThread.startDetached(name: "event-stream", stackBytes: 1 << 20) {
            Self.follow(socketPath, state, logger)
        }
        precondition(started, "the system refuses a thread for the event stream")
    }

    deinit { cancel() }

    func next(timeoutMilliseconds: Int) -> [EngineMessage]? {
        state.wait(timeoutMilliseconds: timeoutMilliseconds) { state -> [EngineMessage]?? in
            if !state.messages.isEmpty {
                defer { state.messages = [] }
                return .some(state.messages)
            }
            return state.cancelled ? .some(nil) : nil
        } ?? []
    }

    var dropped: Int64 { state.withLock { $0.dropped } }

    var gaps: Int64 { state.withLock { $0.gaps } }

    func cancel() { state.update { $0.cancelled = true } }

    private static func follow(_ socketPath: String, _ state: Monitor<State>, _ logger: any Logger) {
        var parser = EventStreamParser()
        // Whoever waits for an engine to come up, or to come back, wants to hear what it says first: a connection of its own takes longer
        // than the engine needs to go on with its models.
        var hasWaited = false
        while !state.withLock({ $0.cancelled }) {
            let client = HTTPClient(.unixSocket(socketPath))
            var headers = [(name: "Accept", value: "text/event-stream")]
            if let id = parser.lastEventID { headers.append(("Last-Event-ID", id)) }
            parser.beginConnection()
            let request = HTTPClient.Request(
                "GET",
                hasWaited ? "/_stream?from=start" : "/_stream",
                headers: headers,
                timeoutSeconds: nil
            )
            hasWaited = true
            _ = try? client.stream(request) { bytes in
                let hadPlace = parser.lastEventID != nil
                let events = parser.read(bytes)
                let messages = events.compactMap { message($0, logger) }
                // The place in the stream comes first of all: with it, listening begins.
                let gaps =
                    events.count { $0.name == gapEvent } + (hadPlace || parser.lastEventID == nil ? 0 : 1)
                return state.update { state in
                    state.gaps += Int64(gaps)
                    state.messages += messages
                    if state.messages.count > capacity {
                        state.gaps += 1
                        state.dropped += Int64(state.messages.count - capacity)
                        state.messages.removeFirst(state.messages.count - capacity)
                    }
                    return !state.cancelled
                }
            }
            _ = state.wait(timeoutMilliseconds: pauseMilliseconds) { $0.cancelled ? true : nil }
        }
    }

    private static func message(_ event: EventStreamParser.Event, _ logger: any Logger) -> EngineMessage? {
        guard event.name == "result" || event.name == "command" else { return nil }
        do {
            return try EngineMessage(json: JSONValue.parse(event.data), isCommand: event.name == "command")
        } catch {
            logger.warning(
                "stream",
                "an event \(event.name) of the engine can't be read: \(error): \(event.data.prefix(200))"
            )
            return nil
        }
    }
}

/// Cuts a stream of server-sent events (HTML standard, section 9.2) into events.
struct EventStreamParser {
    struct Event: Equatable {
        var name = "message"
        var data = ""
    }

    /// The id of the last complete event, for going on behind it.
    private(set) var lastEventID: String?
    private var line: [UInt8] = []
    private var event = Event()
    private var id: String?
    private var hasData = false

    /// A new connection starts with a new event.
    mutating func beginConnection() {
        line = []
        event = Event()
        id = nil
        hasData = false
    }

    /// Reads the next piece.
    /// - Returns: The events it completed.
    mutating func read(_ bytes: [UInt8]) -> [Event] {
        var events: [Event] = []
        for byte in bytes {
            guard byte == 0x0A else {
                line.append(byte)
                continue
            }
            if line.last == 0x0D { line.removeLast() }
            if line.isEmpty { finishEvent(&events) } else { readField(String(decoding: line, as: UTF8.self)) }
            line.removeAll(keepingCapacity: true)
        }
        return events
    }

    private mutating func finishEvent(_ events: inout [Event]) {
        if let id { lastEventID = id }
        if hasData { events.append(event) }
        event = Event()
        id = nil
        hasData = false
    }

    private mutating func readField(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        var value = parts.count > 1 ? parts[1] : ""
        if value.first == " " { value.removeFirst() }
        switch parts[0] {
        case "event": event.name = String(value)
        case "id": id = String(value)
        case "data":
            event.data += (hasData ? "\n" : "") + value
            hasData = true
        default: break  // comments (the field before the colon is empty) and fields nobody knows
        }
    }
}
