// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A TCP or unix connection byte by byte, for requests no decent client would send.
package final class RawConnection {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        package let code: Int32
    }

    package private(set) var descriptor: Int32

    /// Connects to 127.0.0.1.
    package init(port: UInt16, receiveTimeoutSeconds: Int = 120) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            let code = errno
            Foundation.close(descriptor)
            throw Failure(description: "connect: \(String(cString: strerror(code)))", code: code)
        }
        var timeout = timeval(tv_sec: receiveTimeoutSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close() }

    package func close() {
        if descriptor >= 0 { Foundation.close(descriptor) }
        descriptor = -1
    }

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else {
                throw Failure(description: "send: \(String(cString: strerror(errno)))", code: errno)
            }
            sent += count
        }
    }

    /// Says that nothing more will be sent.
    package func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// The next bytes; empty at the end of the stream.
    ///
    /// A reset or a timeout is thrown.
    package func receive() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw Failure(description: "recv: \(String(cString: strerror(errno)))", code: errno) }
        return Array(buffer[..<count])
    }

    /// Everything up to the end of the stream.
    package func receiveAll() throws -> String {
        var all: [UInt8] = []
        while case let chunk = try receive(), !chunk.isEmpty { all += chunk }
        return String(decoding: all, as: UTF8.self)
    }

    /// Everything until the text has appeared.
    package func receive(until text: String) throws -> String {
        var all = ""
        while !all.contains(text) {
            let chunk = try receive()
            guard !chunk.isEmpty else {
                throw Failure(description: "the stream ended before '\(text)': \(all)", code: 0)
            }
            all += String(decoding: chunk, as: UTF8.self)
        }
        return all
    }
}
