// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What the executable calls, and all it does.
package enum EngineCLI {
    /// Runs the command line of this process and returns its exit status.
    package static func main() -> Int32 {
        // A reader that closes our output early is seen as an error of write(2), not as a signal.
        signal(SIGPIPE, SIG_IGN)
        // So is a limit on the size of files (ulimit -f): as a disk that takes nothing more, not as the end of the process.
        signal(SIGXFSZ, SIG_IGN)
        return CommandRunner.run(Array(CommandLine.arguments.dropFirst()), context: .process).rawValue
    }
}
