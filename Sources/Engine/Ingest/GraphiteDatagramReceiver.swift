// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Glibc

/// Takes Graphite lines from UDP datagrams, each of which may hold several.
///
/// UDP promises nothing: what comes faster than it can be stored is dropped by the kernel.
struct GraphiteDatagramReceiver: Sendable {
    private static let longestDatagram = 65_536
    private static let datagramsPerBatch = 256
    /// A batch ends with the datagram that brings it to so many samples.
    private static let samplesPerBatch = 4096
    /// Samples that wait to be stored: beyond it the kernel drops what comes, so that a flood neither takes memory nor keeps senders
    /// waiting that are answered.
    private static let samplesInWork = 16_384
    /// The kernel's buffer for what we haven't read; it may give less.
    private static let kernelBufferBytes: Int32 = 4 << 20

    let sockets: [ListeningSocket]
    /// Readable when the listener stops.
    let wake: Int32
    /// Empty for all.
    let allow: [AddressRange]
    let sink: any SampleSink
    let counters: IngestCounters
    let refusals: RefusalLog

    /// Receives until woken.
    func run() {
        let inWork = Monitor(0)
        for socket in sockets {
            var size = Self.kernelBufferBytes
            setsockopt(socket.descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.longestDatagram, alignment: 16)
        defer { buffer.deallocate() }
        var reader = GraphiteLineReader()
        var polled = (sockets.map(\.descriptor) + [wake]).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while true {
            guard poll(&polled, nfds_t(polled.count), -1) >= 0 || errno == EINTR else { return }
            if polled[polled.count - 1].revents != 0 { return }
            // Not for ever: the one who wakes us has to be seen.
            guard inWork.wait(timeoutMilliseconds: 100, { $0 < Self.samplesInWork ? true : nil }) == true else {
                continue
            }
            for entry in polled.dropLast() where entry.revents != 0 {
                receiveBatch(entry.fd, buffer: buffer, reader: &reader, inWork)
            }
        }
    }

    private func receiveBatch(
        _ descriptor: Int32,
        buffer: UnsafeMutableRawBufferPointer,
        reader: inout GraphiteLineReader,
        _ inWork: Monitor<Int>
    ) {
        var datagrams = 0
        var refused = 0
        while datagrams < Self.datagramsPerBatch, reader.samples.count < Self.samplesPerBatch {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let (count, sender) = withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    let count = recvfrom(
                        descriptor,
                        buffer.baseAddress,
                        buffer.count,
                        Int32(MSG_DONTWAIT),
                        address,
                        &length
                    )
                    return (count, count >= 0 && !allow.isEmpty ? SocketAddress(address) : nil)
                }
            }
            guard count >= 0 else { break }
            datagrams += 1
            guard allow.isEmpty || sender.map({ sender in allow.contains { $0.contains(sender) } }) == true else {
                refused += 1
                continue
            }
            reader.read(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            reader.finish()
        }
        guard datagrams > 0 else { return }
        counters.addDatagrams(datagrams)
        counters.addDatagramsRefused(refused)
        submit(&reader, inWork)
    }

    private func submit(_ reader: inout GraphiteLineReader, _ inWork: Monitor<Int>) {
        let (samples, refused) = reader.take()
        for (reason, line) in refused {
            counters.addRefused(reason)
            refusals.note(reason, line, sender: "udp")
        }
        guard !samples.isEmpty else { return }
        counters.addSamples(samples.count)
        inWork.update { $0 += samples.count }
        do {
            try sink.submit(samples) { [counters, refusals] outcome in
                inWork.update { $0 -= samples.count }
                for (index, reason) in outcome.refusals {
                    counters.addRefused(reason)
                    refusals.note(reason, samples[index].name, sender: "udp")
                }
                if outcome.error != nil { counters.addDatagrams(0, lost: 1) }
            }
        } catch {
            inWork.update { $0 -= samples.count }
            counters.addDatagrams(0, lost: 1)
        }
    }
}
