// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// What the holder of a key may do; each role may do what the ones before it may.
package enum APIRole: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Look at everything.
    case read
    /// Send samples, monitor and unmonitor, annotate, acknowledge.
    case write
    /// Delete data, and everything else.
    case admin

    private var rank: Int {
        switch self {
        case .read: 0
        case .write: 1
        case .admin: 2
        }
    }

    package static func < (left: APIRole, right: APIRole) -> Bool { left.rank < right.rank }
}

/// One entry of `[security] api_keys`: `NAME:ROLE:HASH`, the hash being the SHA-256 of the key in hexadecimal.
///
/// A key is `htmk_` and 64 hexadecimal digits: 256 random bits. Nobody can try that many, so its hash needs no salt and no slow function;
/// a hash in a leaked file doesn't give the key away.
package struct APIKey: Sendable, Hashable {
    /// Letters, digits, `-`, `_` and `.`; for logs and for people.
    package let name: String
    package let role: APIRole
    /// 32 bytes.
    package let hash: [UInt8]

    /// Reads an entry.
    /// - Throws: `EngineError` with code `configuration`, which never repeats the hash.
    package init(entry: String) throws {
        let parts = entry.split(separator: ":", omittingEmptySubsequences: false)
        let expected = "expected NAME:ROLE:HASH as `htmengine key new` prints it"
        guard parts.count == 3 else {
            throw EngineError(.configuration, "an API key has \(parts.count) part(s); \(expected)")
        }
        let name = String(parts[0])
        try Self.check(name: name)
        guard let role = APIRole(rawValue: String(parts[1])) else {
            throw EngineError(
                .configuration,
                "the API key '\(name)' has an unknown role; expected read, write or admin"
            )
        }
        guard let hash = Digest.bytes(hex: String(parts[2])), hash.count == 32 else {
            throw EngineError(.configuration, "the API key '\(name)' has no SHA-256 in hexadecimal; \(expected)")
        }
        self.name = name
        self.role = role
        self.hash = hash
    }

    private init(name: String, role: APIRole, hash: [UInt8]) {
        self.name = name
        self.role = role
        self.hash = hash
    }

    /// Makes a key.
    /// - Returns: The key itself, which is kept nowhere, and the entry for the configuration.
    /// - Throws: `EngineError` with code `invalidArgument` for a wrong name.
    package static func make(name: String, role: APIRole) throws -> (secret: String, key: APIKey) {
        do { try check(name: name) } catch { throw EngineError(.invalidArgument, "\(error)") }
        let secret = "htmk_" + Digest.hex(try Digest.randomBytes(32))
        return (secret, APIKey(name: name, role: role, hash: hash(of: secret)))
    }

    /// As it stands in the configuration.
    package var entry: String { "\(name):\(role.rawValue):\(Digest.hex(hash))" }

    package static func hash(of secret: String) -> [UInt8] { Digest.sha256(Array(secret.utf8)) }

    private static func check(name: String) throws {
        let isRight =
            (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || "-_.".utf8.contains(byte)
            }
        guard isRight else {
            throw EngineError(
                .configuration,
                "a key's name has 1 to 64 letters, digits, hyphens, underscores or dots; this one hasn't"
            )
        }
    }
}
