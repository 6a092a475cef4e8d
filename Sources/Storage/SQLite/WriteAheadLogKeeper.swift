// SPDX-License-Identifier: Apache-2.0

internal import CSQLite
import EngineCore

/// Copies the write-ahead log back into the database on a thread of its own, so that commits don't wait for it.
///
/// SQLite starts the log anew at the first write after everything in it is copied. While writes go on, a copy beside them never
/// comes to the end: each leaves what was written meanwhile, which is less each time, since the disk takes the less time the less
/// there is to sync. SQLite syncs the database only when all of the log is in it, so the keeper does that after every copy: else the
/// writer would wait for all pages at once. When little is left, the writer copies it between two transactions; it waits for a sync
/// then, and the samples with it. A log that grows faster than it is copied is left to the writer altogether, which bounds its size.
final class WriteAheadLogKeeper: Sendable {
    private struct State {
        var isWanted = false
        /// Copied but for what was written meanwhile.
        var isNearlyDone = false
        /// Length of the log below which nothing is asked for, after a copy that failed or couldn't come to an end. Unit: pages.
        var nextLength = 0
        var isClosed = false
        var copiedPages = 0
        /// The log's length after the newest transaction. Unit: pages.
        var length = 0
    }

    /// What the writer copies itself. Unit: pages.
    private static let littleLeft = 200
    /// Copies in a row after which the writer takes over whatever is left.
    private static let mostCopies = 8

    /// Length from which on the log is copied. Unit: pages of 4 KiB.
    private let wantedLength: Int
    private let state: Monitor<State>
    private let thread: ServiceThread

    /// - Parameter connection: Used by this keeper's thread only.
    init(connection: SQLiteConnection, wantedLength: Int) {
        let state = Monitor(State())
        // The thread has the connection for itself.
        nonisolated(unsafe) let connection = connection
        thread = ServiceThread(name: "sqlite-log") {
            while state.wait({ $0.isClosed ? false : $0.isWanted ? true : nil }) == true {
                var copied = 0
                var before = state.withLock { $0.length }
                for _ in 0..<Self.mostCopies {
                    copied = connection.copyLog()
                    connection.syncFile()
                    let left = state.withLock { $0.length } - copied
                    // Not half of what it was: samples come as fast as they can be copied, a reader holds the log, or the disk is full.
                    if left <= Self.littleLeft || left > before / 2 { break }
                    before = left
                }
                state.update { [copied] in
                    $0.isWanted = false
                    $0.isNearlyDone = true
                    $0.copiedPages += copied
                }
            }
        }
        self.state = state
        self.wantedLength = wantedLength
    }

    /// To be called by the writer between transactions.
    func afterCommit(_ writer: SQLiteConnection) {
        let length = writer.logLength
        guard length >= wantedLength else {
            state.withLock { state in
                state.length = length
                if length < wantedLength / 2 { state.nextLength = 0 }
            }
            return
        }
        let isMine = state.update { state -> Bool in
            state.length = length
            if state.isNearlyDone || length >= 4 * wantedLength {
                state.isNearlyDone = false
                return true
            }
            if length >= state.nextLength { state.isWanted = true }
            return false
        }
        guard isMine else { return }
        writer.copyLog()
        // Not again at once: a reader may hold the end of the log, or the disk be full.
        state.withLock { $0.nextLength = length + wantedLength / 4 }
    }

    /// Pages found copied whenever this keeper's thread was done.
    var copiedPages: Int { state.withLock { $0.copiedPages } }

    func close() {
        state.update { $0.isClosed = true }
        thread.join()
    }
}
