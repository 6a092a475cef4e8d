// SPDX-License-Identifier: Apache-2.0

import Security
import Testing

@Suite struct DigestTests {
    /// FIPS 180-2, appendix B.1.
    @Test func sha256GivesTheStandardsAnswer() {
        let digest = Digest.hex(Digest.sha256(Array("abc".utf8)))
        #expect(digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    /// RFC 4231, test case 2.
    @Test func hmacGivesTheStandardsAnswer() {
        let code = Digest.hmacSHA256(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        #expect(Digest.hex(code) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test func hexReadsWhatItWrote() throws {
        let bytes = try Digest.randomBytes(33)
        #expect(Digest.bytes(hex: Digest.hex(bytes)) == bytes)
        #expect(Digest.bytes(hex: "abc") == nil)
        #expect(Digest.bytes(hex: "zz") == nil)
    }

    @Test func equalComparesLengthAndEveryByte() {
        #expect(Digest.equal([1, 2, 3], [1, 2, 3]))
        #expect(!Digest.equal([1, 2, 3], [1, 2, 4]))
        #expect(!Digest.equal([1, 2, 3], [1, 2]))
        #expect(Digest.equal([], []))
    }
}
