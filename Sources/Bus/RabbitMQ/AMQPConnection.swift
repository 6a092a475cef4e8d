// SPDX-License-Identifier: Apache-2.0

internal import CRabbitMQ
import EngineCore
import Glibc

/// A message as it came from a queue.
package struct AMQPDelivery: Sendable {
    package var channel: UInt16
    package var tag: UInt64
    package var body: [UInt8]
    /// Header `dataType` of the results exchange, where there is one.
    package var dataType: String?
}

/// What to send.
package struct AMQPMessage: Sendable {
    /// The empty one leads to the queue named by `routingKey`.
    package var exchange = ""
    package var routingKey = ""
    package var body: [UInt8]
    /// Text headers.
    package var headers: [(name: String, value: String)] = []
    package var isPersistent = true
    /// Whether the broker must give it back when no queue takes it.
    package var isMandatory = false

    package init(body: [UInt8]) { self.body = body }
}

/// One connection to the broker through rabbitmq-c, with one channel for operations and others as needed.
///
/// Used by one thread at a time. Heartbeats are exchanged in `receive` and `publish` only, so one of them is called every few
/// seconds. After an error of kind `connection` the object is of no more use.
package final class AMQPConnection {
    /// The channel of everything that doesn't consume.
    package static let operations: UInt16 = 1

    private let state: amqp_connection_state_t
    private var openChannels: Set<UInt16> = []
    /// Publishes not confirmed yet, by number.
    private var unconfirmed: Set<UInt64> = []
    private var published: UInt64 = 0
    private var confirms = false
    /// Deliveries read while waiting for something else.
    private var waiting: [AMQPDelivery] = []
    /// Consumers the broker has cancelled, e.g. because their queue was deleted.
    package private(set) var cancelledChannels: Set<UInt16> = []

    /// Connects and logs in.
    ///
    /// - Throws: `AMQPError` of kind `connection`.
    package init(_ configuration: RabbitMQConfiguration, name: String) throws {
        guard let state = amqp_new_connection() else {
            throw AMQPError(kind: .connection, message: "out of memory")
        }
        self.state = state
        // Everything is initialised: when one of these throws, `deinit` runs.
        try open(configuration)
        try login(configuration, name: name)
        try openChannel(Self.operations)
    }

    deinit {
        amqp_destroy_connection(state)
    }

    private func open(_ configuration: RabbitMQConfiguration) throws {
        let socket: OpaquePointer?
        if let tls = configuration.tls {
            socket = amqp_ssl_socket_new(state)
            guard let socket else { throw AMQPError(kind: .connection, message: "TLS can't be initialised") }
            amqp_ssl_socket_set_verify_peer(socket, tls.verifiesServer ? 1 : 0)
            amqp_ssl_socket_set_verify_hostname(socket, tls.verifiesServer ? 1 : 0)
            if let file = tls.authorityFile, amqp_ssl_socket_set_cacert(socket, file) != 0 {
                throw AMQPError(kind: .connection, message: "can't read the authority's certificates in \(file)")
            }
            if let certificate = tls.certificateFile, let key = tls.keyFile,
                amqp_ssl_socket_set_key(socket, certificate, key) != 0
            {
                throw AMQPError(kind: .connection, message: "can't read certificate \(certificate) or key \(key)")
            }
        } else {
            socket = amqp_tcp_socket_new(state)
        }
        var timeout = timeval(tv_sec: configuration.connectTimeout, tv_usec: 0)
        let status = amqp_socket_open_noblock(socket, configuration.host, Int32(configuration.port), &timeout)
        guard status == AMQP_STATUS_OK.rawValue else { throw AMQPError.status(status, doing: "connecting") }
        // Answers come in time or the broker counts as gone.
        var answer = timeval(tv_sec: max(configuration.connectTimeout, 10), tv_usec: 0)
        amqp_set_rpc_timeout(state, &answer)
        amqp_set_handshake_timeout(state, &answer)
    }

    private func login(_ configuration: RabbitMQConfiguration, name: String) throws {
        // Without the capability the broker reports a refused login as a lost connection only after some seconds.
        let reply = Self.withTable([("connection_name", name)], capabilities: true) { table in
            crabbitmq_login(
                state,
                configuration.virtualHost,
                configuration.heartbeat,
                table,
                configuration.user,
                configuration.password
            )
        }
        guard let error = AMQPError(reply, doing: "login as \(configuration.user)") else { return }
        throw AMQPError(kind: .connection, message: error.message)
    }

    // MARK: channels

    /// Opens a channel unless it is open.
    package func openChannel(_ channel: UInt16) throws {
        guard !openChannels.contains(channel) else { return }
        amqp_channel_open(state, channel)
        try check("opening a channel", channel)
        openChannels.insert(channel)
        cancelledChannels.remove(channel)
    }

    /// Closes a channel and with it its consumer; messages not acknowledged go back to the queue.
    package func closeChannel(_ channel: UInt16) {
        guard openChannels.remove(channel) != nil else { return }
        _ = amqp_channel_close(state, channel, 200)
        amqp_maybe_release_buffers_on_channel(state, channel)
        waiting.removeAll { $0.channel == channel }
        cancelledChannels.remove(channel)
    }

    /// Throws what the last operation ended with; a channel the broker closed is opened again when it is the one for operations.
    private func check(_ what: String, _ channel: UInt16) throws {
        guard let error = AMQPError(amqp_get_rpc_reply(state), doing: what) else { return }
        if case .channel = error.kind { try acceptClose(of: channel) }
        throw error
    }

    private func acceptClose(of channel: UInt16) throws {
        var ok = amqp_channel_close_ok_t()
        let status = amqp_send_method(state, channel, 0x0014_0029, &ok)
        guard status == AMQP_STATUS_OK.rawValue else { throw AMQPError.status(status, doing: "closing a channel") }
        amqp_maybe_release_buffers_on_channel(state, channel)
        openChannels.remove(channel)
        if channel == Self.operations {
            try openChannel(channel)
            if confirms { try restartConfirms() }
        }
    }

    // MARK: entities

    /// Declares a queue that outlives everything, unless said otherwise.
    /// - Returns: Its name (which the broker chooses for the empty one), ready messages, and consumers.
    @discardableResult
    package func declareQueue(
        _ name: String,
        durable: Bool = true,
        exclusive: Bool = false,
        passive: Bool = false,
        arguments: [(String, Int64)] = [],
        texts: [(String, String)] = []
    ) throws -> (name: String, messages: Int, consumers: Int) {
        let answer = Self.withBytes(name) { queue in
            Self.withTable(texts, numbers: arguments) { table in
                amqp_queue_declare(
                    state,
                    Self.operations,
                    queue,
                    passive ? 1 : 0,
                    durable ? 1 : 0,
                    exclusive ? 1 : 0,
                    exclusive ? 1 : 0,
                    table.pointee
                )
            }
        }
        try check("declaring queue \(name)", Self.operations)
        defer { amqp_maybe_release_buffers_on_channel(state, Self.operations) }
        guard let answer else { return (name, 0, 0) }
        return (String(answer.pointee.queue), Int(answer.pointee.message_count), Int(answer.pointee.consumer_count))
    }

    /// What a queue holds.
    ///
    /// - Returns: Ready messages and consumers; nil when there is no such queue.
    package func inspectQueue(_ name: String) throws -> (messages: Int, consumers: Int)? {
        do {
            let answer = try declareQueue(name, passive: true)
            return (answer.messages, answer.consumers)
        } catch let error as AMQPError where error.kind == .channel(code: 404) {
            return nil
        }
    }

    /// Declares a durable fanout exchange.
    package func declareFanout(_ name: String) throws {
        Self.withBytes(name) { exchange in
            Self.withBytes("fanout") { type in
                _ = amqp_exchange_declare(state, Self.operations, exchange, type, 0, 1, 0, 0, amqp_empty_table)
            }
        }
        try check("declaring exchange \(name)", Self.operations)
    }

    package func bind(queue: String, exchange: String) throws {
        Self.withBytes(queue) { queue in
            Self.withBytes(exchange) { exchange in
                _ = amqp_queue_bind(state, Self.operations, queue, exchange, amqp_empty_bytes, amqp_empty_table)
            }
        }
        try check("binding queue \(queue) to \(exchange)", Self.operations)
    }

    /// Deletes a queue with all its messages.
    ///
    /// None there is fine.
    package func deleteQueue(_ name: String) throws {
        Self.withBytes(name) { _ = amqp_queue_delete(state, Self.operations, $0, 0, 0) }
        do {
            try check("deleting queue \(name)", Self.operations)
        } catch let error as AMQPError where error.kind == .channel(code: 404) {}
    }

    // MARK: publishing

    /// From now on the broker confirms what it has taken over.
    package func selectConfirms() throws {
        guard !confirms else { return }
        confirms = true
        try restartConfirms()
    }

    private func restartConfirms() throws {
        amqp_confirm_select(state, Self.operations)
        try check("asking for confirms", Self.operations)
        published = 0
        unconfirmed = []
    }

    /// Sends a message; with confirms it is taken over when `waitForConfirms` has returned.
    package func publish(_ message: AMQPMessage) throws {
        var properties = amqp_basic_properties_t()
        properties._flags = amqp_flags_t(1 << 12)  // AMQP_BASIC_DELIVERY_MODE_FLAG
        properties.delivery_mode = message.isPersistent ? 2 : 1
        let status = Self.withTable(message.headers) { table in
            if !message.headers.isEmpty {
                properties._flags |= amqp_flags_t(1 << 13)  // AMQP_BASIC_HEADERS_FLAG
                properties.headers = table.pointee
            }
            return Self.withBytes(message.exchange) { exchange in
                Self.withBytes(message.routingKey) { key in
                    message.body.withUnsafeBytes { body in
                        amqp_basic_publish(
                            state,
                            Self.operations,
                            exchange,
                            key,
                            message.isMandatory ? 1 : 0,
                            0,
                            &properties,
                            amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
                        )
                    }
                }
            }
        }
        guard status == AMQP_STATUS_OK.rawValue else { throw AMQPError.status(status, doing: "publishing") }
        if confirms {
            published += 1
            unconfirmed.insert(published)
        }
    }

    /// Waits until the broker has taken over all that was published.
    ///
    /// - Throws: `notTaken` when it refused one, or when a mandatory one met no queue; `connection` when it doesn't answer.
    package func waitForConfirms(timeoutSeconds: Int = 30) throws {
        let deadline = SystemClock().monotonicNanoseconds() + UInt64(timeoutSeconds) * 1_000_000_000
        var refused: String?
        while !unconfirmed.isEmpty {
            let now = SystemClock().monotonicNanoseconds()
            guard now < deadline else {
                throw AMQPError(kind: .connection, message: "publishing: not confirmed in time")
            }
            refused = try readFrame(milliseconds: Int((deadline - now) / 1_000_000) + 1) ?? refused
        }
        if let refused { throw AMQPError(kind: .notTaken, message: refused) }
    }

    // MARK: consuming

    /// Consumes from `queue` on a channel of its own.
    ///
    /// - Parameters:
    ///   - prefetch: Most messages delivered and not acknowledged; 0 for no limit.
    ///   - acknowledges: Whether each message must be acknowledged; else it counts as done when sent.
    /// - Throws: kind `channel` with code 403 when `exclusive` and another consumes already.
    package func consume(
        _ queue: String,
        channel: UInt16,
        exclusive: Bool,
        prefetch: UInt16 = 0,
        acknowledges: Bool = true
    ) throws {
        try openChannel(channel)
        if prefetch > 0 {
            amqp_basic_qos(state, channel, 0, prefetch, 0)
            try check("limiting deliveries", channel)
        }
        Self.withBytes(queue) { name in
            _ = amqp_basic_consume(
                state,
                channel,
                name,
                amqp_empty_bytes,
                0,
                acknowledges ? 0 : 1,
                exclusive ? 1 : 0,
                amqp_empty_table
            )
        }
        try check("consuming from \(queue)", channel)
    }

    /// The next delivery of any consumer; serves heartbeats meanwhile.
    ///
    /// - Returns: nil when none came in time.
    package func receive(timeoutMilliseconds: Int) throws -> AMQPDelivery? {
        if !waiting.isEmpty { return waiting.removeFirst() }
        let deadline = SystemClock().monotonicNanoseconds() + UInt64(max(0, timeoutMilliseconds)) * 1_000_000
        while true {
            let now = SystemClock().monotonicNanoseconds()
            var timeout = Self.interval(milliseconds: now < deadline ? Int((deadline - now + 999_999) / 1_000_000) : 0)
            var envelope = amqp_envelope_t()
            amqp_maybe_release_buffers(state)
            let reply = amqp_consume_message(state, &envelope, &timeout, 0)
            if reply.reply_type == AMQP_RESPONSE_NORMAL {
                defer { amqp_destroy_envelope(&envelope) }
                return Self.delivery(envelope.message, channel: envelope.channel, tag: envelope.delivery_tag)
            }
            guard reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION else {
                throw AMQPError(reply, doing: "receiving") ?? AMQPError(kind: .connection, message: "receiving failed")
            }
            if reply.library_error == AMQP_STATUS_TIMEOUT.rawValue { return nil }
            guard reply.library_error == AMQP_STATUS_UNEXPECTED_STATE.rawValue else {
                throw AMQPError.status(reply.library_error, doing: "receiving")
            }
            // A frame that is no delivery: a confirm, a cancelled consumer, a closed channel.
            _ = try readFrame(milliseconds: 0)
            if !waiting.isEmpty { return waiting.removeFirst() }
            if !cancelledChannels.isEmpty { return nil }
        }
    }

    /// Reads what the broker has sent meanwhile and answers its heartbeats; deliveries are kept for `receive`.
    package func serveHeartbeats() throws {
        let kept = waiting
        waiting = []
        var more: [AMQPDelivery] = []
        while let delivery = try receive(timeoutMilliseconds: 0) { more.append(delivery) }
        waiting = kept + more
    }

    /// Acknowledges a delivery, with all before it on its channel when `multiple`.
    package func acknowledge(_ delivery: AMQPDelivery, multiple: Bool = false) throws {
        let status = amqp_basic_ack(state, delivery.channel, delivery.tag, multiple ? 1 : 0)
        guard status == AMQP_STATUS_OK.rawValue else { throw AMQPError.status(status, doing: "acknowledging") }
    }

    private static func delivery(_ message: amqp_message_t, channel: UInt16, tag: UInt64) -> AMQPDelivery {
        let bytes = message.body
        var dataType: String?
        if message.properties._flags & amqp_flags_t(1 << 13) != 0 {
            let table = message.properties.headers
            for index in 0..<Int(table.num_entries) where String(table.entries[index].key) == "dataType" {
                dataType = String(table.entries[index].value.value.bytes)
            }
        }
        return AMQPDelivery(
            channel: channel,
            tag: tag,
            body: Array(UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len)),
            dataType: dataType
        )
    }

    /// Reads one frame and does what it says.
    /// - Returns: Why the broker refused a message, when it says so.
    private func readFrame(milliseconds: Int) throws -> String? {
        var frame = amqp_frame_t()
        var timeout = Self.interval(milliseconds: milliseconds)
        let status = amqp_simple_wait_frame_noblock(state, &frame, &timeout)
        if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
        guard status == AMQP_STATUS_OK.rawValue else { throw AMQPError.status(status, doing: "receiving") }
        guard frame.frame_type == UInt8(AMQP_FRAME_METHOD) else { return nil }
        let method = frame.payload.method
        switch method.id {
        case crabbitmq_basic_deliver:
            let tag = method.decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee.delivery_tag
            var message = amqp_message_t()
            let reply = amqp_read_message(state, frame.channel, &message, 0)
            if let error = AMQPError(reply, doing: "receiving") { throw error }
            defer { amqp_destroy_message(&message) }
            waiting.append(Self.delivery(message, channel: frame.channel, tag: tag))
        case crabbitmq_basic_ack:
            let ack = method.decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
            confirm(ack.delivery_tag, multiple: ack.multiple != 0)
        case crabbitmq_basic_nack:
            let nack = method.decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
            confirm(nack.delivery_tag, multiple: nack.multiple != 0)
            return "the broker refused a message"
        case crabbitmq_basic_return:
            let answer = method.decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee
            let text = "\(String(answer.reply_text)): \(String(answer.routing_key))"
            var message = amqp_message_t()
            let reply = amqp_read_message(state, frame.channel, &message, 0)
            if let error = AMQPError(reply, doing: "receiving") { throw error }
            amqp_destroy_message(&message)
            return text
        case crabbitmq_basic_cancel: cancelledChannels.insert(frame.channel)
        case crabbitmq_channel_close:
            let error = AMQPError(closing: method, doing: "channel \(frame.channel)")
            cancelledChannels.insert(frame.channel)
            try acceptClose(of: frame.channel)
            if frame.channel == Self.operations { throw error }
        case crabbitmq_connection_close: throw AMQPError(closing: method, doing: "connection")
        default: break
        }
        return nil
    }

    private func confirm(_ tag: UInt64, multiple: Bool) {
        if multiple {
            unconfirmed = unconfirmed.filter { $0 > tag }
        } else {
            unconfirmed.remove(tag)
        }
    }

    // MARK: C

    private static func interval(milliseconds: Int) -> timeval {
        timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
    }

    private static func withBytes<Result>(_ text: String, _ body: (amqp_bytes_t) throws -> Result) rethrows -> Result {
        var text = text
        return try text.withUTF8 { bytes in
            try body(amqp_bytes_t(len: bytes.count, bytes: UnsafeMutableRawPointer(mutating: bytes.baseAddress)))
        }
    }

    /// Calls `body` with a table that lives as long as the call.
    private static func withTable<Result>(
        _ texts: [(String, String)],
        numbers: [(String, Int64)] = [],
        capabilities: Bool = false,
        _ body: (UnsafePointer<amqp_table_t>) -> Result
    ) -> Result {
        var pool = amqp_pool_t()
        init_amqp_pool(&pool, 4096)
        defer { empty_amqp_pool(&pool) }
        func bytes(_ text: String) -> amqp_bytes_t {
            let utf8 = Array(text.utf8)
            var result = amqp_bytes_t()
            amqp_pool_alloc_bytes(&pool, max(1, utf8.count), &result)
            result.len = utf8.count
            if !utf8.isEmpty { memcpy(result.bytes, utf8, utf8.count) }
            return result
        }
        func entry(_ name: String, _ kind: UInt8) -> amqp_table_entry_t {
            var entry = amqp_table_entry_t()
            entry.key = bytes(name)
            entry.value.kind = kind
            return entry
        }
        var entries: [amqp_table_entry_t] = []
        for (name, text) in texts {
            var item = entry(name, UInt8(ascii: "S"))
            item.value.value.bytes = bytes(text)
            entries.append(item)
        }
        for (name, number) in numbers {
            var item = entry(name, UInt8(ascii: "l"))
            item.value.value.i64 = number
            entries.append(item)
        }
        var flags = [
            entry("authentication_failure_close", UInt8(ascii: "t")),
            entry("consumer_cancel_notify", UInt8(ascii: "t")),
        ]
        for index in flags.indices { flags[index].value.value.boolean = 1 }
        return flags.withUnsafeMutableBufferPointer { flags in
            if capabilities {
                var item = entry("capabilities", UInt8(ascii: "F"))
                item.value.value.table = amqp_table_t(num_entries: Int32(flags.count), entries: flags.baseAddress)
                entries.append(item)
            }
            return entries.withUnsafeMutableBufferPointer { entries in
                var table = amqp_table_t(num_entries: Int32(entries.count), entries: entries.baseAddress)
                return body(&table)
            }
        }
    }
}
