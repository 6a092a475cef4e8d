// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Glibc
import Synchronization

/// Takes Graphite plaintext over TCP, a thread for each connection, and over UDP.
///
/// What a sender may rely on over TCP: once it has closed its sending side, the engine closes the connection in order only when
/// all of its lines are committed (or refused). A connection ends with a reset when that isn't so: when the process dies, stops,
/// or can't store.
package final class GraphiteListener: Sendable {
    /// How to listen.
    package struct Configuration: Sendable {
        /// Each is bound for TCP and, with `udp`, for UDP too.
        package var addresses: [ListenAddress]
        /// Whether datagrams are taken as well. Nothing is promised of them.
        package var udp = false
        /// Only senders in one of these ranges; empty for all.
        package var allow: [AddressRange] = []
        /// A connection that sends nothing for so long is closed; nil for never. Unit: seconds.
        package var idleSeconds: Int?
        /// Connections beyond so many are closed at once.
        package var connectionLimit = 1024

        package init(addresses: [ListenAddress]) {
            self.addresses = addresses
        }
    }

    private struct State {
        var stopping = false
        /// Descriptors of open connections.
        var connections: Set<Int32> = []
        var listening: [ListeningSocket] = []
        var threads: [ServiceThread] = []
        /// Written to when the listener stops; -1 while not running.
        var wakeWriter: Int32 = -1
        var wakeReader: Int32 = -1
    }

    static let service = "listener"
    private static let connectionStackBytes = 512 << 10
    private let configuration: Configuration
    private let sink: any SampleSink
    private let counters: IngestCounters
    private let logger: any Logger
    private let refusals: RefusalLog
    private let state = Monitor(State())

    package init(
        configuration: Configuration,
        sink: any SampleSink,
        counters: IngestCounters,
        logger: any Logger
    ) {
        self.configuration = configuration
        self.sink = sink
        self.counters = counters
        self.logger = logger
        refusals = RefusalLog(logger: logger, service: Self.service)
    }

    /// Binds and begins to accept.
    ///
    /// - Returns: The addresses in use, TCP first.
    /// - Throws: ``ListeningError``; nothing stays open then.
    package func start() throws -> [ListeningSocket] {
        var streams: [ListeningSocket] = []
        var datagrams: [ListeningSocket] = []
        do {
            for address in configuration.addresses {
                let bound = try ListeningSocket.bind(address)
                streams += bound
                if configuration.udp, let port = bound.first?.port {
                    datagrams += try ListeningSocket.bind(
                        ListenAddress(host: address.host, port: port),
                        kind: .datagram
                    )
                }
            }
        } catch {
            for socket in streams + datagrams { socket.close() }
            throw error
        }
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "no pipe")
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (boundStreams, boundDatagrams, wake) = (streams, datagrams, ends[0])
        state.withLock { state in
            state.listening = boundStreams + boundDatagrams
            (state.wakeReader, state.wakeWriter) = (ends[0], ends[1])
            state.threads.append(
                ServiceThread(name: "graphite-accept") { [self] in accept(on: boundStreams, wake: wake) }
            )
            if !boundDatagrams.isEmpty {
                let receiver = GraphiteDatagramReceiver(
                    sockets: boundDatagrams,
                    wake: wake,
                    allow: configuration.allow,
                    sink: sink,
                    counters: counters,
                    refusals: refusals
                )
                state.threads.append(ServiceThread(name: "graphite-udp") { receiver.run() })
            }
        }
        return streams + datagrams
    }

    /// Stops taking data and returns when all that was taken is stored or refused and every connection is closed.
    package func stop() {
        let threads = state.update { state in
            guard !state.stopping, state.wakeWriter >= 0 else { return [ServiceThread]() }
            state.stopping = true
            var byte: UInt8 = 1
            _ = write(state.wakeWriter, &byte, 1)
            // Wakes the threads that wait for data. What they have read is stored; what they haven't is the sender's to repeat.
            for descriptor in state.connections { shutdown(descriptor, Int32(SHUT_RD)) }
            return state.threads
        }
        for thread in threads { thread.join() }
        _ = state.wait { $0.connections.isEmpty ? true : nil }
        state.withLock { state in
            guard state.wakeWriter >= 0 else { return }
            for socket in state.listening { socket.close() }
            close(state.wakeReader)
            close(state.wakeWriter)
            (state.wakeReader, state.wakeWriter) = (-1, -1)
            state.listening = []
        }
    }

    /// How many connections are open now.
    package var openConnections: Int { state.withLock { $0.connections.count } }

    private func accept(on sockets: [ListeningSocket], wake: Int32) {
        var polled = (sockets.map(\.descriptor) + [wake]).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while true {
            guard poll(&polled, nfds_t(polled.count), -1) >= 0 || errno == EINTR else { return }
            if polled[polled.count - 1].revents != 0 { return }
            for entry in polled.dropLast() where entry.revents != 0 { acceptAll(entry.fd) }
        }
    }

    private func acceptAll(_ listening: Int32) {
        while true {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let (descriptor, sender) = withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    let descriptor = Glibc.accept(listening, address, &length)
                    return (descriptor, descriptor >= 0 ? SocketAddress(address) : nil)
                }
            }
            guard descriptor >= 0 else {
                // Out of descriptors: leave the sender in the queue and try again a little later, rather than spin.
                if errno == EMFILE || errno == ENFILE { usleep(50_000) }
                return
            }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            GraphiteConnection.resetOnClose(descriptor, true)
            serve(descriptor, sender: sender)
        }
    }

    private func serve(_ descriptor: Int32, sender: SocketAddress?) {
        let allowed =
            configuration.allow.isEmpty
            || sender.map { sender in configuration.allow.contains { $0.contains(sender) } } ?? false
        guard allowed else {
            counters.addConnectionRefused("not_allowed")
            close(descriptor)
            return
        }
        let taken = state.update { state in
            guard !state.stopping, state.connections.count < configuration.connectionLimit else { return false }
            state.connections.insert(descriptor)
            return true
        }
        guard taken else {
            counters.addConnectionRefused("limit")
            close(descriptor)
            return
        }
        counters.addConnection()
        let connection = GraphiteConnection(
            descriptor: descriptor,
            sender: sender?.description ?? "unknown",
            idleSeconds: configuration.idleSeconds,
            sink: sink,
            counters: counters,
            refusals: refusals,
            isStopping: { [state] in state.withLock { $0.stopping } }
        )
        let started = ServiceThread.startDetached(name: "graphite", stackBytes: Self.connectionStackBytes) { [self] in
            let isOrderly = connection.run()
            if isOrderly { GraphiteConnection.resetOnClose(descriptor, false) }
            release(descriptor)
        }
        if !started {
            counters.addConnectionRefused("threads")
            release(descriptor)
        }
    }

    /// Closes under the lock: once the descriptor is free, its number may come back as another connection.
    private func release(_ descriptor: Int32) {
        state.update { state in
            state.connections.remove(descriptor)
            close(descriptor)
        }
    }
}
