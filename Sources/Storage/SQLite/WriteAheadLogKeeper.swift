// SPDX-License-Identifier: Apache-2.0

internal import CSQLite
import EngineCore

/// Copies the write-ahead log back into the database on a thread of its own, so that commits don't wait for it.
///
/// SQLite starts the log anew at the first write after everything in it is copied. While writes go on, a copy beside them never
/// comes to the end, so the writer copies the little that is left between two transactions. A log that grows faster than it is
/// copied is left to the writer altogether, which bounds its size.
final class WriteAheadLogKeeper: Sendable {
    private struct State {
        var isWanted = false
        /// Copied but for what was written meanwhile.
        var isNearlyDone = false
        /// Length of the log below which nothing is asked for, after a copy that failed or couldn't come to an end. Unit: pages.
        var nextLength = 0
        var isClosed = false
        var copiedPages = 0
    }

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
                let copied = connection.copyLog()
                state.update {
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
            if length < wantedLength / 2 { state.withLock { $0.nextLength = 0 } }
            return
        }
        let isMine = state.update { state -> Bool in
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
