// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A bound socket, ready to accept connections (or, for UDP, datagrams).
///
/// It is closed by whoever it is handed to.
package struct ListeningSocket: Sendable {
    package enum Kind: Sendable { case stream, datagram }

    package let descriptor: Int32
    /// For people: `127.0.0.1:2003`, `[::1]:2003` or the path of a unix socket.
    package let name: String
    /// The port in use, also when 0 was asked for; 0 for a unix socket.
    package let port: UInt16

    package func close() { _ = Glibc.close(descriptor) }
}

/// Binding failed; says which address and why.
package struct ListeningError: Error, CustomStringConvertible {
    package let address: String
    package let reason: String

    package init(address: String, reason: String) {
        self.address = address
        self.reason = reason
    }

    package var description: String { "can't listen on \(address): \(reason)" }
}

extension ListeningSocket {
    /// Binds every address the text stands for; all get the same port, also when the system chooses it.
    ///
    /// `localhost` gives 127.0.0.1 and, if the machine has IPv6, ::1: curl tries ::1 first.
    ///
    /// - Throws: ``ListeningError``; nothing stays open then.
    package static func bind(_ address: ListenAddress, kind: Kind = .stream) throws -> [ListeningSocket] {
        let attempts = address.port == 0 ? 20 : 1
        for attempt in 1...attempts {
            do {
                return try bindOnce(address, kind: kind)
            } catch let error as BindFailure where error.code == EADDRINUSE && attempt < attempts {
                continue  // The port the system chose for the first address is taken on the second: choose again.
            } catch let error as BindFailure {
                throw ListeningError(address: error.address, reason: String(cString: strerror(error.code)))
            }
        }
        throw ListeningError(address: address.description, reason: "no free port found")
    }

    private struct BindFailure: Error {
        var address: String
        var code: Int32
    }

    private static func bindOnce(_ address: ListenAddress, kind: Kind) throws -> [ListeningSocket] {
        var port = address.port
        var sockets: [ListeningSocket] = []
        do {
            switch address.host {
            case ListenAddress.loopbackHost:
                sockets.append(try bindOne(host: "127.0.0.1", port: port, kind: kind))
                port = sockets[0].port
                if let second = try optional({ try bindOne(host: "::1", port: port, kind: kind) }) {
                    sockets.append(second)
                }
            case "*":
                sockets.append(try bindOne(host: "0.0.0.0", port: port, kind: kind))
                port = sockets[0].port
                if let second = try optional({ try bindOne(host: "::", port: port, kind: kind) }) {
                    sockets.append(second)
                }
            default:
                sockets.append(try bindOne(host: address.host, port: port, kind: kind))
            }
        } catch {
            for socket in sockets { socket.close() }
            throw error
        }
        return sockets
    }

    /// Nil where the machine has no IPv6 at all; other failures count.
    private static func optional(_ body: () throws -> ListeningSocket) throws -> ListeningSocket? {
        do {
            return try body()
        } catch let error as BindFailure where [EADDRNOTAVAIL, EAFNOSUPPORT, EPROTONOSUPPORT].contains(error.code) {
            return nil
        }
    }

    private static func bindOne(host: String, port: UInt16, kind: Kind) throws -> ListeningSocket {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32((kind == .stream ? SOCK_STREAM : SOCK_DGRAM).rawValue)
        hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &found)
        guard status == 0, let entry = found else {
            throw ListeningError(
                address: ListenAddress(host: host, port: port).description,
                reason: String(cString: gai_strerror(status))
            )
        }
        defer { freeaddrinfo(found) }
        let family = entry.pointee.ai_family
        let failure = { BindFailure(address: ListenAddress(host: host, port: port).description, code: errno) }
        let type = entry.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, type, 0)
        guard descriptor >= 0 else { throw failure() }
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        if kind == .stream { setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size) }
        if family == AF_INET6 { setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, size) }
        guard Glibc.bind(descriptor, entry.pointee.ai_addr, entry.pointee.ai_addrlen) == 0,
            kind == .datagram || listen(descriptor, 1024) == 0
        else {
            defer { _ = Glibc.close(descriptor) }
            throw failure()
        }
        let chosen = boundPort(descriptor) ?? port
        let name = ListenAddress(host: host, port: chosen).description
        return ListeningSocket(descriptor: descriptor, name: name, port: chosen)
    }

    private static func boundPort(_ descriptor: Int32) -> UInt16? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> UInt16? in
                guard getsockname(descriptor, address, &length) == 0 else { return nil }
                return SocketAddress(address)?.port
            }
        }
    }
}

// MARK: - Unix sockets

extension ListeningSocket {
    /// Binds a unix socket that only its owner may use (mode 600), replacing whatever a dead process left there.
    ///
    /// The caller holds the lock of the directory, so nobody else listens on that path. The path may be longer than the 107 bytes
    /// a socket address holds: the directory is then reached through its descriptor.
    package static func bindUnix(path: String) throws -> ListeningSocket {
        let failure = { ListeningError(address: path, reason: String(cString: strerror(errno))) }
        let directoryDescriptor = open(UnixSocketPath.directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directoryDescriptor >= 0 else { throw failure() }
        defer { _ = Glibc.close(directoryDescriptor) }
        let descriptor = socket(
            AF_UNIX,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
            0
        )
        guard descriptor >= 0 else { throw failure() }
        unlink(path)
        // On Linux the mode of the descriptor becomes the mode of the file: it is never open to others, not even for a moment.
        guard fchmod(descriptor, 0o600) == 0,
            UnixSocketPath.withAddress(
                path,
                directoryDescriptor: directoryDescriptor,
                { Glibc.bind(descriptor, $0, $1) }
            ) == 0,
            chmod(path, 0o600) == 0,
            listen(descriptor, 1024) == 0
        else {
            defer { _ = Glibc.close(descriptor) }
            throw failure()
        }
        return ListeningSocket(descriptor: descriptor, name: path, port: 0)
    }
}

/// The address of a unix socket whose path may be too long for one.
enum UnixSocketPath {
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func fileName(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }

    static func withAddress(
        _ path: String,
        directoryDescriptor: Int32,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path) - 1
        let text = path.utf8.count <= capacity ? path : "/proc/self/fd/\(directoryDescriptor)/\(fileName(of: path))"
        guard text.utf8.count <= capacity else {
            errno = ENAMETOOLONG
            return -1
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: text.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
