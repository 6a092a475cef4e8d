// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import Security
import Testing

@Suite struct AuthenticatorTests {
    private func basic(_ user: String, _ password: String) -> String {
        "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    }

    @Test func aKeyIsKnownInEveryFormClientsSendItIn() throws {
        let (secret, key) = try APIKey.make(name: "grafana", role: .read)
        let (other, _) = try APIKey.make(name: "other", role: .admin)
        let authenticator = try Authenticator(keys: [try APIKey(entry: key.entry)])
        let known = Authenticator.Outcome.known(name: "grafana", role: .read)
        for header in ["Bearer \(secret)", "bearer  \(secret) ", basic(secret, ""), basic("anybody", secret)] {
            #expect(authenticator.authenticate(authorization: header) == known, "\(header.prefix(12))")
        }
        let wrong = [
            "", "Bearer", "Bearer ", "Bearer \(other)", "Bearer \(secret)x", "Bearer \(secret.dropLast())", "Basic ???",
            basic("anybody", ""), basic(secret, "x"), secret, "Digest \(secret)", "Bearer \(Digest.hex(key.hash))",
            "Bearer " + String(repeating: "x", count: 10_000),
        ]
        for header in wrong {
            #expect(authenticator.authenticate(authorization: header) == .wrong, "\(header.prefix(12))")
        }
        #expect(authenticator.authenticate(authorization: nil) == .anonymous)
    }

    @Test func keysAreLongRandomAndNeverTheSame() throws {
        let secrets = try (0..<50).map { _ in try APIKey.make(name: "n", role: .write).secret }
        #expect(Set(secrets).count == 50)
        for secret in secrets { #expect(secret.utf8.count == 69 && secret.hasPrefix("htmk_")) }
    }

    @Test(arguments: [
        "", "a:read", "a:read:00", "a:owner:\(String(repeating: "0", count: 64))",
        ":read:\(String(repeating: "0", count: 64))",
        "a b:read:\(String(repeating: "0", count: 64))", "a:read:\(String(repeating: "z", count: 64))",
    ])
    func wrongEntriesAreRefusedWithoutRepeatingTheHash(entry: String) {
        do {
            _ = try APIKey(entry: entry)
            Issue.record("\(entry) was taken")
        } catch {
            #expect(!"\(error)".contains("0000"))
        }
    }

    @Test func twoKeysOfOneNameAreRefused() throws {
        let first = try APIKey.make(name: "same", role: .read).key
        let second = try APIKey.make(name: "same", role: .admin).key
        #expect(throws: EngineError.self) { try Authenticator(keys: [first, second]) }
    }

    @Test func rolesIncludeTheOnesBelow() {
        #expect(APIRole.read < .write && APIRole.write < .admin)
    }
}

@Suite struct FailureLimiterTests {
    private final class SteppedClock: EngineClock, @unchecked Sendable {
        // Used by one test on one thread.
        var seconds: UInt64 = 1
        func wallSeconds() -> Int64 { Int64(seconds) }
        func monotonicNanoseconds() -> UInt64 { seconds * 1_000_000_000 }
    }

    @Test func anAddressWaitsAfterTooManyFailuresAndOthersDoNot() {
        let clock = SteppedClock()
        let limiter = FailureLimiter(limit: 3, spanSeconds: 60, clock: clock)
        for _ in 0..<2 { limiter.noteFailure(of: "a") }
        #expect(limiter.waitSeconds(for: "a") == nil)
        clock.seconds += 10
        limiter.noteFailure(of: "a")
        #expect(limiter.waitSeconds(for: "a") == 50)
        #expect(limiter.waitSeconds(for: "b") == nil)
        clock.seconds += 50
        #expect(limiter.waitSeconds(for: "a") == nil)
        limiter.noteFailure(of: "a")
        #expect(limiter.waitSeconds(for: "a") == nil)
    }

    @Test func aRightKeyClearsTheCount() {
        let limiter = FailureLimiter(limit: 2, clock: SteppedClock())
        limiter.noteFailure(of: "a")
        limiter.noteSuccess(of: "a")
        limiter.noteFailure(of: "a")
        #expect(limiter.waitSeconds(for: "a") == nil)
    }

    @Test func aFloodOfAddressesTakesBoundedMemory() {
        let clock = SteppedClock()
        let limiter = FailureLimiter(limit: 1, capacity: 10, clock: clock)
        for number in 0..<1000 {
            limiter.noteFailure(of: "\(number)")
            clock.seconds += number.isMultiple(of: 100) ? 1 : 0
        }
        #expect((0..<1000).count { limiter.waitSeconds(for: "\($0)") != nil } <= 10)
        #expect(limiter.waitSeconds(for: "999") != nil)
    }
}
