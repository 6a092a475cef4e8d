// SPDX-License-Identifier: Apache-2.0

import Foundation

/// SIGINT and SIGTERM as something to wait for, instead of handlers that may interrupt anything.
struct TerminationSignals {
    private var set = sigset_t()

    /// Blocks the two signals in this thread and in all it makes from now on.
    init() {
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Waits for the first of them.
    func wait() -> String {
        var set = set
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
        return number == SIGINT ? "SIGINT" : "SIGTERM"
    }

    /// Ends the process after a while whatever happens: everything acknowledged is committed, what isn't saved is replayed after the
    /// next start.
    func exitAfter(seconds: Double) {
        let thread = Thread {
            Thread.sleep(forTimeInterval: seconds)
            FileHandle.standardError.write(
                Data("some models couldn't be saved in time: they are replayed at the next start\n".utf8)
            )
            _exit(0)
        }
        thread.start()
    }
}
