// SPDX-License-Identifier: Apache-2.0

internal import CRabbitMQ
import EngineCore

/// What went wrong between the broker and us.
package struct AMQPError: Error, Sendable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// The connection can't be made or is gone.
        case connection
        /// The broker closed the channel: 403 in use or not allowed, 404 no such queue, 406 other arguments.
        case channel(code: Int)
        /// The broker couldn't take a message over.
        case notTaken
    }

    package var kind: Kind
    package var message: String

    package var description: String { message }

    /// The error as callers of the bus see it.
    package func engineError(_ configuration: RabbitMQConfiguration) -> EngineError {
        EngineError(.busUnavailable, "RabbitMQ at \(configuration.place): \(message)")
    }

    static func status(_ status: Int32, doing what: String) -> AMQPError {
        AMQPError(kind: .connection, message: "\(what): \(String(cString: amqp_error_string2(status)))")
    }

    /// The error in `reply`; nil when there is none.
    init?(_ reply: amqp_rpc_reply_t, doing what: String) {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return nil
        case AMQP_RESPONSE_LIBRARY_EXCEPTION: self = .status(reply.library_error, doing: what)
        case AMQP_RESPONSE_SERVER_EXCEPTION: self.init(closing: reply.reply, doing: what)
        default: self.init(kind: .connection, message: "\(what): no answer")
        }
    }

    /// The broker's reason for closing channel or connection.
    init(closing method: amqp_method_t, doing what: String) {
        if method.id == crabbitmq_channel_close, let decoded = method.decoded {
            let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            self.init(kind: .channel(code: Int(close.reply_code)), message: "\(what): \(String(close.reply_text))")
        } else if method.id == crabbitmq_connection_close, let decoded = method.decoded {
            let close = decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            self.init(kind: .connection, message: "\(what): \(String(close.reply_text))")
        } else {
            self.init(kind: .connection, message: "\(what): unexpected answer")
        }
    }

    init(kind: Kind, message: String) {
        self.kind = kind
        self.message = message
    }
}

extension String {
    init(_ bytes: amqp_bytes_t) {
        self = String(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }
}
