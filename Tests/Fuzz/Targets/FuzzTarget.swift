// SPDX-License-Identifier: Apache-2.0

/// A parser of bytes from outside, with what must hold for any bytes: it returns or throws, it doesn't trap, and what it returns is
/// consistent.
package struct FuzzTarget: Sendable {
    /// Name of the folder of its corpus, and what `FUZZ_TARGET` chooses it by.
    package let name: String
    private let body: @Sendable ([UInt8]) throws -> Void

    init(_ name: String, _ body: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.body = body
    }

    /// Feeds the parser.
    ///
    /// - Throws: ``BrokenPromise`` only: refusing the input is what parsers are for.
    package func run(_ bytes: [UInt8]) throws {
        do {
            try body(bytes)
        } catch let broken as BrokenPromise {
            throw broken
        } catch {
            // Refused.
        }
    }

    package static let all: [FuzzTarget] = [
        .graphiteLine, .csv, .timestamp, .ini, .json, .modelSpec, .modelParameters, .customMetricMessage,
        .resultMessage, .resultBody, .modelHint, .postedLines, .modelFile,
        .graphiteTarget, .graphiteTime, .checkpointFile, .modelState,
    ]
}

/// A parser did something it never may.
package struct BrokenPromise: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

func promise(_ holds: Bool, _ what: @autoclosure () -> String) throws {
    if !holds {
        throw BrokenPromise(what())
    }
}
