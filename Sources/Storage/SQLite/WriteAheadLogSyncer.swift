// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Syncs the write-ahead log beside the writer, which goes on with the next transaction meanwhile.
///
/// What is added was committed before; it is told when a sync that began after that is done. Two threads, so that what comes while the
/// disk takes long over one sync doesn't wait for that one and then for its own.
final class WriteAheadLogSyncer: Sendable {
    private struct State {
        /// Called with nil once a sync has made it durable.
        var waiting: [@Sendable (SQLError?) -> Void] = []
        var failure: SQLError?
        var isClosed = false
    }

    private let state = Monitor(State())
    private let threads: [ServiceThread]

    /// - Parameter sync: Makes durable what was written to the log before the call; called by two threads at once.
    init(sync: @escaping @Sendable () throws(SQLError) -> Void) {
        let state = state
        threads = (0..<2).map { _ in
            ServiceThread(name: "sqlite-sync") {
                while let waiting = state.wait(Self.take), !waiting.isEmpty {
                    var failure: SQLError?
                    do throws(SQLError) {
                        try sync()
                    } catch {
                        failure = error
                    }
                    failure = state.update { [failure] state in
                        state.failure = state.failure ?? failure
                        return state.failure
                    }
                    for tell in waiting { tell(failure) }
                }
            }
        }
    }

    /// Everything that waits; empty when closed.
    private static func take(_ state: inout State) -> [@Sendable (SQLError?) -> Void]? {
        guard !state.waiting.isEmpty else { return state.isClosed ? [] : nil }
        defer { state.waiting = [] }
        return state.waiting
    }

    func add(_ committed: [@Sendable (SQLError?) -> Void]) {
        state.update { $0.waiting += committed }
    }

    /// Why nothing is made durable any more. The system tells of a failed sync once, forgets what it couldn't write, and lets later syncs
    /// succeed: only what a new start reads from the file is known to be in it.
    var failure: SQLError? { state.withLock { $0.failure } }

    /// Ends once all that was added is durable.
    func close() {
        state.update { $0.isClosed = true }
        for thread in threads { thread.join() }
    }
}
