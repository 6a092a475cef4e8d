// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTMEngine

/// What a command may touch: its outputs and its surroundings, so that tests can give it others.
package struct CommandContext: Sendable {
    /// Writes to standard output, as it is: a line needs its own line end.
    package let output: @Sendable (String) -> Void
    /// Writes to standard error.
    package let errorOutput: @Sendable (String) -> Void
    package let environment: [String: String]
    /// True when a person watches standard error: progress is shown only then.
    package let isInteractive: Bool

    package init(
        output: @escaping @Sendable (String) -> Void,
        errorOutput: @escaping @Sendable (String) -> Void,
        environment: [String: String],
        isInteractive: Bool
    ) {
        self.output = output
        self.errorOutput = errorOutput
        self.environment = environment
        self.isInteractive = isInteractive
    }

    /// The process's own. A closed pipe ends the process quietly, as it does for other Unix tools.
    package static var process: CommandContext {
        CommandContext(
            output: { writeAll($0, to: STDOUT_FILENO) },
            errorOutput: { writeAll($0, to: STDERR_FILENO) },
            environment: ProcessInfo.processInfo.environment,
            isInteractive: isatty(STDERR_FILENO) == 1
        )
    }

    /// Reads the configuration that `--config` and `--data` (see ``Option/engine``) name.
    package func configuration(_ arguments: Arguments, overrides: [Configuration.Override] = []) throws -> Configuration
    {
        try Configuration(
            configurationDirectory: arguments.value("--config"),
            dataDirectory: arguments.value("--data"),
            environment: environment,
            overrides: overrides
        )
    }
}

private func writeAll(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
        var rest = UnsafeRawBufferPointer(bytes)
        while !rest.isEmpty {
            let count = write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { exit(errno == EPIPE ? 0 : 1) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}
