// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Storage

/// Holds up the syncs of SQLite's log, or lets them fail.
package final class SyncControl: Sendable {
    package struct State: Sendable {
        package var isHeld = false
        package var fails = false
        /// Syncs asked for so far.
        package var begun = 0
    }

    package let state = Monitor(State())

    package init() {}

    /// For `SQLiteDatabase.Configuration.runSync`.
    package var runSync: SQLiteDatabase.Configuration.RunSync {
        { [state] (sync: () throws(SQLError) -> Void) throws(SQLError) in
            state.update { $0.begun += 1 }
            let fails = state.wait { $0.isHeld ? nil : $0.fails }
            if fails! { throw SQLError(kind: .connection, code: 1034, message: "the disk is gone") }
            try sync()
        }
    }
}
