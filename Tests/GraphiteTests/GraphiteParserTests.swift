// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Graphite
import Testing

@Suite struct GraphiteParserTests {
    private func whole(_ value: Double) -> GraphiteExpression { .number(GraphiteNumber(value, isWhole: true)) }

    @Test func readsNestedCallsWithEveryKindOfArgument() throws {
        let parsed = try GraphiteParser.parse("summarize( scale(web.*.load,-1.5) , \"1h\", 'max', alignToFrom=true)")
        let scaled = GraphiteExpression.call(
            name: "scale",
            arguments: [.path("web.*.load"), .number(GraphiteNumber(-1.5, isWhole: false))],
            named: [:]
        )
        let expected = GraphiteExpression.call(
            name: "summarize",
            arguments: [scaled, .string("1h"), .string("max")],
            named: ["alignToFrom": .boolean(true)]
        )
        #expect(parsed == expected)
    }

    @Test func aPipeIsAFirstArgument() throws {
        let piped = try GraphiteParser.parse("web.{a,b}.load | scale(2) | alias(\"x\")")
        #expect(piped == (try GraphiteParser.parse("alias(scale(web.{a,b}.load,2),\"x\")")))
    }

    @Test(arguments: [
        "1min.load", "true.positives", "none.at.all", "a-b_c.d:e/f", "/load_average", "größe.ü", "a=b", "inf.x",
    ])
    func namesThatLookLikeSomethingElseAreNames(name: String) throws {
        #expect(try GraphiteParser.parse(name) == .path(name))
        if !name.contains("=") {
            let call = try GraphiteParser.parse("sum(\(name),b)")
            #expect(call == .call(name: "sum", arguments: [.path(name), .path("b")], named: [:]))
        }
    }

    @Test func numbersAreWholeOrNot() throws {
        let parsed = try GraphiteParser.parse("f(1,-2,3.5,1e3)")
        guard case .call(_, let arguments, _) = parsed else { return #expect(Bool(false), "\(parsed)") }
        #expect(
            arguments == [
                whole(1), whole(-2), .number(.init(3.5, isWhole: false)), .number(.init(1000, isWhole: false)),
            ]
        )
    }

    @Test(arguments: [
        "", " ", "f(", "f(a", "f(a,)", "f(a))", "a b", "f(\"open)", "a.{b", "a.b}", "a|b", "f(x=1,a)", "f(x=1,x=2)",
        "a\\",
        "a.{b{c}}",
    ])
    func refusesWhatItCannotRead(target: String) {
        #expect(throws: EngineError.self) { try GraphiteParser.parse(target) }
    }

    @Test func hostileTargetsAreRefusedAndDoNotCrash() {
        let deep = String(repeating: "f(", count: 5000) + "a" + String(repeating: ")", count: 5000)
        #expect(throws: EngineError.self) { try GraphiteParser.parse(deep) }
        let long = String(repeating: "a", count: GraphiteParser.longestTarget + 1)
        #expect(throws: EngineError.self) { try GraphiteParser.parse(long) }
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("ab.*?[]{}(),|'\"\\=1-e ")
        for _ in 0..<20_000 {
            let text = String((0..<Int.random(in: 0...24, using: &random)).map { _ in alphabet.randomElement()! })
            if case .path(let path)? = try? GraphiteParser.parse(text) { _ = try? GraphitePattern(path).matches("a.b") }
        }
    }
}
