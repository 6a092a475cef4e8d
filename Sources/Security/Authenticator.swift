// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation

/// Tells from an `Authorization` header who is asking.
///
/// `Bearer KEY`, or `Basic` with the key as the user name and no password (as Grok's clients sent it) or as the password of any user (as
/// Grafana does).
package struct Authenticator: Sendable {
    package enum Outcome: Sendable, Hashable {
        /// No header.
        case anonymous
        case known(name: String, role: APIRole)
        /// A header that fits no key or can't be read.
        case wrong
    }

    private let keys: [APIKey]

    /// - Throws: `EngineError` with code `configuration` when two keys have one name.
    package init(keys: [APIKey]) throws {
        for (index, key) in keys.enumerated() where keys[..<index].contains(where: { $0.name == key.name }) {
            throw EngineError(.configuration, "two API keys are named '\(key.name)'")
        }
        self.keys = keys
    }

    /// Whether anybody needs a key at all.
    package var hasKeys: Bool { !keys.isEmpty }

    package func authenticate(authorization: String?) -> Outcome {
        guard let authorization else { return .anonymous }
        guard authorization.utf8.count <= 4096 else { return .wrong }
        // All candidates against all keys, whatever matched before: the time says nothing about which came near.
        var found: APIKey?
        for candidate in Self.candidates(authorization) {
            let hash = APIKey.hash(of: candidate)
            for key in keys where Digest.equal(key.hash, hash) { found = key }
        }
        return found.map { .known(name: $0.name, role: $0.role) } ?? .wrong
    }

    private static func candidates(_ authorization: String) -> [String] {
        let parts = authorization.split(separator: " ", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
        guard parts.count == 2 else { return [] }
        switch parts[0].lowercased() {
        case "bearer": return [parts[1]]
        case "basic":
            guard let data = Data(base64Encoded: parts[1]), let text = String(data: data, encoding: .utf8),
                let colon = text.firstIndex(of: ":")
            else { return [] }
            let password = text[text.index(after: colon)...]
            return [String(password.isEmpty ? text[..<colon] : password)]
        default: return []
        }
    }
}
