// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Graphite
import Testing

@Suite struct GraphitePatternTests {
    @Test(arguments: [
        ("a.b", "a.b", true), ("a.b", "a.bc", false), ("a.*", "a.b", true), ("a.*", "a.b.c", false), ("*", "a", true),
        ("*", "a.b", false), ("a?c", "abc", true), ("a?c", "ac", false), ("[abc]x", "bx", true),
        ("[abc]x", "dx", false),
        ("[a-c]x", "cx", true), ("[!a-c]x", "cx", false), ("[!a-c]x", "dx", true), ("{a,b}.c", "b.c", true),
        ("{a,b}.c", "c.c", false), ("x{1,2}y{3,4}", "x2y3", true), ("web*.{load,cpu*}", "web7.cpu0", true),
        ("a\\*b", "a*b", true), ("a\\*b", "axb", false), ("*a*b*", "xxaxxbxx", true), ("[x", "[x", true),
        ("{a,}b", "b", true),
        ("[]]x", "]x", true), ("größe.?", "größe.ü", true), ("**", "abc", true),
    ])
    func matchesAsGraphiteDoes(pattern: String, name: String, expected: Bool) throws {
        #expect(try GraphitePattern(pattern).matches(name) == expected)
    }

    @Test func knowsWhetherItIsOneName() throws {
        #expect(try GraphitePattern("a.b\\*c").exactName == "a.b*c")
        #expect(try GraphitePattern("a.{b}").exactName == "a.b")
        #expect(try GraphitePattern("a.*").exactName == nil)
        #expect(try GraphitePattern("a.{b,c}").exactName == nil)
    }

    @Test func theCoarsePatternLetsThroughAtLeastAsMuch() throws {
        #expect(try GraphitePattern("a.[bc]?.{d,e}").coarse == "a.??.*")
        #expect(try GraphitePattern("anomaly.web.*").coarseAfterFirstNode == "web.*")
        #expect(try GraphitePattern("anomaly").coarseAfterFirstNode == nil)
    }

    @Test func bracesCannotExplode() {
        #expect(throws: EngineError.self) { try GraphitePattern(String(repeating: "{a,b}", count: 11)) }
    }

    @Test func manyStarsTakeNoExponentialTime() throws {
        let pattern = try GraphitePattern(String(repeating: "*a", count: 50) + "*b")
        #expect(!pattern.matches(String(repeating: "a", count: 2000)))
    }
}
