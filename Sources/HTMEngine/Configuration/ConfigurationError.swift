// SPDX-License-Identifier: Apache-2.0

/// A configuration that can't be used; the message names file, section, key, value and what is expected.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// What is wrong, for the person who wrote the configuration.
    ///
    /// Never holds a secret.
    public let message: String

    package init(message: String) {
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
