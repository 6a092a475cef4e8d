// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Glibc

/// Syncs the write-ahead log beside the writer, which goes on with the next transaction meanwhile.
///
/// What is added was committed before; it is told when a sync that began after that is done. Two threads, so that what comes while the
/// disk takes long over one sync doesn't wait for that one and then for its own. Each has a descriptor of its own, since the system tells of a
/// write that failed once a descriptor.
final class WriteAheadLogSyncer: Sendable {
    private struct State {
        /// Called with nil once a sync has made it durable.
        var waiting: [@Sendable (SQLError?) -> Void] = []
        var failure: SQLError?
        var isClosed = false
    }

    private let state = Monitor(State())
    private let descriptors: [Int32]
    private let threads: [ServiceThread]

    /// Fails when the log can't be opened. SQLite's locks aren't on this file, so that closing it drops none.
    ///
    /// - Parameters:
    ///   - path: The log, which stays this file as long as its database is open.
    ///   - run: Runs each sync; called by two threads at once.
    init?(path: String, run: @escaping SQLiteDatabase.Configuration.RunSync) {
        let opened = (0..<2).map { _ in open(path, O_RDONLY | O_CLOEXEC) }
        guard opened.allSatisfy({ $0 >= 0 }) else {
            for descriptor in opened where descriptor >= 0 { Glibc.close(descriptor) }
            return nil
        }
        let state = state
        descriptors = opened
        threads = opened.map { descriptor in
            ServiceThread(name: "sqlite-sync") {
                while let waiting = state.wait(Self.take), !waiting.isEmpty {
                    var failure: SQLError?
                    do throws(SQLError) {
                        try run { () throws(SQLError) in try Self.sync(descriptor, path) }
                    } catch {
                        failure = error
                    }
                    failure = state.withLock { [failure] state in
                        state.failure = state.failure ?? failure
                        return state.failure
                    }
                    for tell in waiting { tell(failure) }
                }
            }
        }
    }

    private static func sync(_ descriptor: Int32, _ path: String) throws(SQLError) {
        while fdatasync(descriptor) != 0 {
            let code = errno
            guard code != EINTR else { continue }
            let reason = String(cString: strerror(code))
            throw SQLError(
                kind: .connection,
                code: code,
                message: "\(path) can't be synced: \(reason); nothing more is stored until the next start"
            )
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
        for descriptor in descriptors { Glibc.close(descriptor) }
    }
}
