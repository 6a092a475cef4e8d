// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Glibc

/// One sender's TCP connection, served by one thread.
final class GraphiteConnection: Sendable {
    private struct Progress {
        /// Samples waiting for their commit.
        var outstanding = 0
        var failed = false
    }

    private enum Ending { case senderFinished, idle, stopped, broken }

    private static let pieceBytes = 64 << 10
    /// Samples waiting for their commit; reading stops beyond, which slows the sender down. As many as two transactions take, so that the
    /// next one gathers while one is written.
    private static let mostOutstanding = 200_000
    private let descriptor: Int32
    private let sender: String
    private let idleSeconds: Int?
    private let sink: any SampleSink
    private let counters: IngestCounters
    private let refusals: RefusalLog
    private let isStopping: @Sendable () -> Bool
    private let progress = Monitor(Progress())

    init(
        descriptor: Int32,
        sender: String,
        idleSeconds: Int?,
        sink: any SampleSink,
        counters: IngestCounters,
        refusals: RefusalLog,
        isStopping: @escaping @Sendable () -> Bool
    ) {
        self.descriptor = descriptor
        self.sender = sender
        self.idleSeconds = idleSeconds
        self.sink = sink
        self.counters = counters
        self.refusals = refusals
        self.isStopping = isStopping
    }

    /// Reads to the end and waits until everything read is committed.
    ///
    /// - Returns: Whether the connection may be closed in order: all of it was read to its end, and stored or refused.
    func run() -> Bool {
        if let idleSeconds { setReceiveTimeout(idleSeconds) }
        var reader = GraphiteLineReader()
        let ending = readToEnd(&reader)
        if ending == .senderFinished {
            reader.finish()
            submit(&reader)
        }
        let failed = progress.wait { $0.outstanding == 0 ? $0.failed : nil } ?? true
        return !failed && (ending == .senderFinished || (ending == .idle && !reader.isInsideLine))
    }

    private func readToEnd(_ reader: inout GraphiteLineReader) -> Ending {
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceBytes, alignment: 16)
        defer { piece.deallocate() }
        while true {
            let count = recv(descriptor, piece.baseAddress!, piece.count, 0)
            let code = errno
            if isStopping() { return .stopped }
            if count == 0 { return .senderFinished }
            if count < 0 {
                if code == EINTR { continue }
                return code == EAGAIN || code == EWOULDBLOCK ? .idle : .broken
            }
            reader.read(UnsafeRawBufferPointer(rebasing: piece[..<count]))
            submit(&reader)
            if reader.isHTTP { return .broken }
            let failed = progress.wait { $0.outstanding < Self.mostOutstanding || $0.failed ? $0.failed : nil } ?? false
            if failed { return .broken }
        }
    }

    private func submit(_ reader: inout GraphiteLineReader) {
        let (samples, refused) = reader.take()
        for (reason, line) in refused {
            counters.addRefused(reason)
            refusals.note(reason, line, sender: sender)
        }
        guard !samples.isEmpty else { return }
        counters.addSamples(samples.count)
        progress.withLock { $0.outstanding += samples.count }
        do {
            try sink.submit(samples) { [progress, counters, refusals, sender] outcome in
                for (index, reason) in outcome.refusals {
                    counters.addRefused(reason)
                    refusals.note(reason, samples[index].name, sender: sender)
                }
                progress.update { progress in
                    progress.outstanding -= samples.count
                    if outcome.error != nil { progress.failed = true }
                }
            }
        } catch {
            progress.update { progress in
                progress.outstanding -= samples.count
                progress.failed = true
            }
        }
    }

    private func setReceiveTimeout(_ seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Chooses what closing the socket does, also when the kernel closes it for a killed process: a reset, or an orderly end.
    static func resetOnClose(_ descriptor: Int32, _ reset: Bool) {
        var option = linger(l_onoff: reset ? 1 : 0, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }
}
