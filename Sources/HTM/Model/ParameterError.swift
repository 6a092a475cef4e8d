// SPDX-License-Identifier: Apache-2.0

/// A model parameter that can't be used; the message says which, its value and what was expected.
public struct ParameterError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was wrong and what was expected.
    public let message: String

    /// Wraps a message.
    public init(_ message: String) {
        self.message = message
    }

    /// The message.
    public var description: String { message }
}

/// Throws a `ParameterError` unless the condition holds.
func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(ParameterError) {
    if !condition {
        throw ParameterError(message())
    }
}
