// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Foundation
import Synchronization
import TestSupport
import Testing

/// Commits when told to, and not before.
private final class HeldSink: SampleSink {
    struct State {
        var samples: [IncomingSample] = []
        var held: [@Sendable (StoreOutcome) -> Void] = []
        var isHolding = false
        var outcome = StoreOutcome()
    }

    let state = Monitor(State())

    func submit(_ samples: [IncomingSample], completion: @escaping @Sendable (StoreOutcome) -> Void) throws {
        let now: StoreOutcome? = state.update { state in
            state.samples += samples
            guard state.isHolding else { return state.outcome }
            state.held.append(completion)
            return nil
        }
        if let now { completion(now) }
    }

    func hold() { state.withLock { $0.isHolding = true } }

    func release() {
        let held = state.update { state in
            defer { (state.held, state.isHolding) = ([], false) }
            return state.held
        }
        for completion in held { completion(StoreOutcome()) }
    }

    /// Waits until so many samples came.
    func waitFor(_ count: Int) -> [IncomingSample] {
        state.wait(timeoutMilliseconds: 120_000) { $0.samples.count >= count ? $0.samples : nil } ?? []
    }
}

/// A client's end of a TCP connection.
private final class Client {
    let descriptor: Int32

    init(port: UInt16, datagram: Bool = false) throws {
        descriptor = socket(AF_INET, Int32((datagram ? SOCK_DGRAM : SOCK_STREAM).rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(status == 0)
        var time = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ text: String) { _ = Glibc.send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) }
    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    enum Ending: Equatable { case orderly, reset, data, nothing }

    /// How the engine ends the connection.
    func ending(flags: Int32 = 0) -> Ending {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, flags)
        if count == 0 { return .orderly }
        if count > 0 { return .data }
        return errno == ECONNRESET || errno == EPIPE ? .reset : .nothing
    }
}

@Suite struct GraphiteListenerTests {
    private func listener(
        _ sink: HeldSink,
        _ adjust: (inout GraphiteListener.Configuration) -> Void = { _ in }
    ) throws -> (GraphiteListener, port: UInt16, IngestCounters) {
        var configuration = GraphiteListener.Configuration(addresses: [ListenAddress(host: "127.0.0.1", port: 0)])
        adjust(&configuration)
        let counters = IngestCounters()
        let listener = GraphiteListener(
            configuration: configuration,
            sink: sink,
            counters: counters,
            logger: SilentLogger()
        )
        let sockets = try listener.start()
        return (listener, sockets[0].port, counters)
    }

    @Test func theConnectionEndsInOrderOnlyAfterTheCommit() throws {
        let sink = HeldSink()
        sink.hold()
        let (listener, port, _) = try listener(sink)
        defer { listener.stop() }
        let client = try Client(port: port)
        client.send("a 1 10\na 2 20")
        client.finish()
        // The last line has no line feed: it counts once the sender has finished.
        #expect(sink.waitFor(2).map(\.sample.value) == [1, 2])
        #expect(client.ending(flags: Int32(MSG_DONTWAIT)) == .nothing)
        sink.release()
        #expect(client.ending() == .orderly)
    }

    @Test func whatCouldNotBeStoredEndsInAReset() throws {
        let sink = HeldSink()
        sink.state.withLock { $0.outcome = StoreOutcome(error: EngineError(.storageUnavailable, "the disk is full")) }
        let (listener, port, _) = try listener(sink)
        defer { listener.stop() }
        let client = try Client(port: port)
        client.send("a 1 10\n")
        client.finish()
        #expect(client.ending() == .reset)
    }

    @Test func stoppingStoresWhatWasReadAndResetsTheConnection() throws {
        let sink = HeldSink()
        let (listener, port, _) = try listener(sink)
        let client = try Client(port: port)
        client.send("a 1 10\nhalf 12")
        #expect(sink.waitFor(1).count == 1)
        listener.stop()
        #expect(client.ending() == .reset)
        #expect(sink.state.withLock { $0.samples.count } == 1)
        #expect(listener.openConnections == 0)
    }

    @Test func badLinesAreCountedAndTheRestIsStored() throws {
        let sink = HeldSink()
        let (listener, port, counters) = try listener(sink)
        defer { listener.stop() }
        let client = try Client(port: port)
        client.send("a 1 10\nbroken\nb nan 10\nc 3 30\n")
        client.finish()
        #expect(client.ending() == .orderly)
        #expect(sink.waitFor(2).map(\.name) == ["a", "c"])
        #expect(counters.refused == [.fieldCount: 1, .notFinite: 1])
    }

    @Test func anEndlessLineCostsNoMemoryAndHarmsNobody() throws {
        let sink = HeldSink()
        let (listener, port, counters) = try listener(sink)
        defer { listener.stop() }
        let endless = try Client(port: port)
        let megabyte = String(repeating: "x", count: 1 << 20)
        for _ in 0..<8 { endless.send(megabyte) }
        let other = try Client(port: port)
        other.send("b 1 10\n")
        other.finish()
        #expect(other.ending() == .orderly)
        endless.send("\na 1 10\n")
        endless.finish()
        #expect(endless.ending() == .orderly)
        #expect(Set(sink.waitFor(2).map(\.name)) == ["a", "b"])
        #expect(counters.refused == [.lineTooLong: 1])
    }

    @Test func connectionsBeyondTheLimitAreTurnedAway() throws {
        let sink = HeldSink()
        let (listener, port, counters) = try listener(sink) { $0.connectionLimit = 2 }
        defer { listener.stop() }
        let first = try Client(port: port)
        let second = try Client(port: port)
        first.send("a 1 10\n")
        second.send("b 1 10\n")
        _ = sink.waitFor(2)
        let third = try Client(port: port)
        #expect(third.ending() == .reset)
        #expect(counters.snapshot()["htmengine_graphite_connections_refused_total{reason=\"limit\"}"] == 1)
        first.finish()
        #expect(first.ending() == .orderly)
    }

    @Test func onlyAllowedSendersAreHeard() throws {
        let sink = HeldSink()
        let elsewhere = try #require(AddressRange(parsing: "192.0.2.0/24"))
        let (listener, port, counters) = try listener(sink) { $0.allow = [elsewhere] }
        defer { listener.stop() }
        let client = try Client(port: port)
        #expect(client.ending() == .reset)
        #expect(counters.snapshot()["htmengine_graphite_connections_refused_total{reason=\"not_allowed\"}"] == 1)
    }

    @Test func anIdleConnectionIsClosed() throws {
        let sink = HeldSink()
        let (listener, port, _) = try listener(sink) { $0.idleSeconds = 3 }
        defer { listener.stop() }
        let client = try Client(port: port)
        client.send("a 1 10\n")
        #expect(client.ending() == .orderly)
    }

    /// Half lines that never end, from thousands of senders at once.
    @Test func thousandsOfIdleConnectionsLeaveRoomForOthers() throws {
        // Both ends of each are this process's.
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, 8192))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        try #require(limit.rlim_cur >= 8192, "the system lets a process open \(limit.rlim_max) files, 8192 are needed")
        let sink = HeldSink()
        let (listener, port, counters) = try listener(sink) { $0.connectionLimit = 2500 }
        defer { listener.stop() }
        var idle: [Client] = []
        for number in 0..<2400 {
            idle.append(try Client(port: port))
            idle[number].send("half.\(number) 1")
        }
        let busy = try Client(port: port)
        busy.send("a 1 10\n")
        busy.finish()
        #expect(busy.ending() == .orderly)
        #expect(sink.waitFor(1).map(\.name) == ["a"])
        #expect(listener.openConnections >= 2400)
        // Each of them goes on where it was.
        for client in idle.suffix(10) {
            client.send("5 20\n")
            client.finish()
            #expect(client.ending() == .orderly)
        }
        #expect(
            Set(sink.waitFor(11).map(\.sample)) == [Sample(timestamp: 10, value: 1), Sample(timestamp: 20, value: 15)]
        )
        #expect(counters.refused.isEmpty)
    }

    @Test func datagramsOfAllowedSendersOnlyAreRead() throws {
        let sink = HeldSink()
        let elsewhere = try #require(AddressRange(parsing: "192.0.2.0/24"))
        let (listener, port, counters) = try listener(sink) {
            $0.udp = true
            $0.allow = [elsewhere]
        }
        defer { listener.stop() }
        let client = try Client(port: port, datagram: true)
        client.send("a 1 10\n")
        let name = "htmengine_graphite_datagrams_refused_total{reason=\"not_allowed\"}"
        try eventually("the datagram is counted") { counters.snapshot()[name] == 1 ? true : nil }
        #expect(sink.state.withLock { $0.samples.isEmpty })
    }

    @Test func allowedSendersAreHeardOnTCPAndUDP() throws {
        let sink = HeldSink()
        let ranges = try ["192.0.2.0/24", "127.0.0.0/8"].map { try #require(AddressRange(parsing: $0)) }
        let (listener, port, _) = try listener(sink) {
            $0.udp = true
            $0.allow = ranges
        }
        defer { listener.stop() }
        let client = try Client(port: port)
        client.send("a 1 10\n")
        client.finish()
        #expect(client.ending() == .orderly)
        try Client(port: port, datagram: true).send("b 2 20\n")
        #expect(sink.waitFor(2).map(\.name) == ["a", "b"])
    }

    @Test func datagramsMayHoldSeveralLines() throws {
        let sink = HeldSink()
        let (listener, port, _) = try listener(sink) { $0.udp = true }
        defer { listener.stop() }
        let client = try Client(port: port, datagram: true)
        client.send("a 1 10\nb 2 20\nbad\nc 3 30")
        #expect(sink.waitFor(3).map(\.name) == ["a", "b", "c"])
    }
}
