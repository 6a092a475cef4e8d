// SPDX-License-Identifier: Apache-2.0

/// A configuration that can't be used; the messages name file, section, key, value and what is expected.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// Everything that is wrong, one message each, for the person who wrote the configuration; never empty.
    ///
    /// They never hold a secret.
    public let problems: [String]

    package init(message: String) { problems = [message] }

    fileprivate init(problems: [String]) { self.problems = problems }

    /// The problems, one a line.
    public var message: String { problems.joined(separator: "\n") }

    /// The message.
    public var description: String { message }
}

/// Gathers what is wrong, so that all of it is named at once.
struct ConfigurationProblems {
    private var problems: [String] = []

    /// - Returns: What `body` returns; nil when it found something wrong.
    mutating func gather<Result>(_ body: () throws -> Result) rethrows -> Result? {
        do {
            return try body()
        } catch let error as ConfigurationError {
            problems += error.problems.filter { !problems.contains($0) }
            return nil
        }
    }

    /// - Throws: ``ConfigurationError`` when anything was wrong.
    func throwIfAny() throws {
        if !problems.isEmpty { throw ConfigurationError(problems: problems) }
    }
}
