// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Testing

@Suite struct GraphiteLineReaderTests {
    private func read(_ pieces: [[UInt8]]) -> (samples: [IncomingSample], refusals: [SampleRefusal]) {
        var reader = GraphiteLineReader()
        for piece in pieces { piece.withUnsafeBytes { reader.read($0) } }
        reader.finish()
        let (samples, refusals) = reader.take()
        return (samples, refusals.map(\.reason))
    }

    /// A page of another site may make a browser post to this port: the body must not become samples.
    @Test func whatABrowserPostsIsNoSample() {
        let request = "POST / HTTP/1.1\r\nHost: 127.0.0.1:2003\r\nContent-Type: text/plain\r\n\r\nevil 1 1700000000\n"
        for size in [1, 7, 4096] {
            let bytes = Array(request.utf8)
            let pieces = stride(from: 0, to: bytes.count, by: size).map {
                Array(bytes[$0..<min($0 + size, bytes.count)])
            }
            let (samples, refusals) = read(pieces)
            #expect(samples.isEmpty && refusals == [.badTimestamp])
        }
    }

    /// More names than a connection remembers, each after different ones: what is remembered mustn't change what is read.
    @Test func namesAreReadInWhateverOrderTheyCome() {
        var state: UInt64 = 1
        var names = (0..<25_000).map { "host\($0).load" }
        names += ["host1.load", "host1.loaf", "host1.loa", "host1.loads"]
        for _ in 0..<50_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            names.append("host\(state >> 33 % 30).load")
        }
        let (samples, refusals) = read(names.map { $0 + " 1 2\n" }.joined())
        #expect(refusals.isEmpty)
        #expect(samples.map(\.name) == names)
    }

    private func read(_ text: String) -> (samples: [IncomingSample], refusals: [SampleRefusal]) {
        read([Array(text.utf8)])
    }

    @Test(
        arguments: [
            ("a 1 2", 1.0, 2), (" a\t1  2 ", 1, 2), ("a 1. 2\r", 1, 2), ("a .5 2", 0.5, 2), ("a +5 2", 5, 2),
            ("a 1e3 2", 1000, 2), ("a -0.1 -5", -0.1, -5), ("a 7 1386288000.021", 7, 1_386_288_000),
            ("a 7 1386288000.999", 7, 1_386_288_000),
            ("a 0.1234567890123456789 1e9", 0.12345678901234568, 1_000_000_000),
            ("a 123456789012345680 1", 123_456_789_012_345_680, 1),
            ("a 2.5e-300 1", 2.5e-300, 1),
        ] as [(String, Double, Int64)]
    ) func goodLinesAreRead(line: String, value: Double, time: Int64) {
        let (samples, refusals) = read(line)
        #expect(refusals.isEmpty)
        #expect(samples == [IncomingSample(name: "a", sample: Sample(timestamp: time, value: value))])
    }

    @Test(
        arguments: [
            ("a 1", .fieldCount), ("a", .fieldCount), ("a 1 2 3", .fieldCount), ("a x 2", .notANumber),
            ("a 0x10 2", .notANumber), ("a 1_0 2", .notANumber), ("a 1e 2", .notANumber), ("a . 2", .notANumber),
            ("a - 2", .notANumber), ("a nan 2", .notFinite), ("a -NaN 2", .notFinite), ("a Infinity 2", .notFinite),
            ("a 1e400 2", .notFinite), ("a 1 x", .badTimestamp), ("a 1 nan", .badTimestamp),
            ("a 1 253402300800", .badTimestamp), ("a 1 1e12", .badTimestamp), ("a\u{7} 1 2", .nameHasBlanks),
            ("a\u{A0}b 1 2", .nameHasBlanks), (String(repeating: "n", count: 256) + " 1 2", .nameTooLong),
            (String(repeating: "n", count: 4097), .lineTooLong),
        ] as [(String, SampleRefusal)]
    ) func badLinesAreRefusedAndHarmNoOther(line: String, reason: SampleRefusal) {
        let (samples, refusals) = read("before 1 10\n\(line)\nafter 2 20\n")
        #expect(refusals == [reason])
        #expect(samples.map(\.name) == ["before", "after"])
    }

    @Test func anInvalidByteSpoilsOnlyItsLine() {
        let (samples, refusals) = read([Array("a 1 2\nb".utf8) + [0xFF] + Array(" 1 2\nc 1 2\n".utf8)])
        #expect(samples.map(\.name) == ["a", "c"])
        #expect(refusals == [.invalidUTF8])
    }

    @Test func nameOf255CharactersOfAnyKindIsTaken() {
        let name = String(repeating: "ü", count: 255)
        #expect(read("\(name) 1 2\n").samples.map(\.name) == [name])
    }

    @Test func blankLinesAreNothing() {
        let (samples, refusals) = read("\n  \r\na 1 2\n\n")
        #expect(samples.count == 1)
        #expect(refusals.isEmpty)
    }

    @Test func howTheStreamIsCutDoesNotMatter() {
        let text = "first 1 10\r\nsecond 2.5 20\n" + String(repeating: "x", count: 5000) + "\nthird -3 30\nfourth 4 40"
        let whole = read(text)
        #expect(whole.samples.map(\.name) == ["first", "second", "third", "fourth"])
        #expect(whole.refusals == [.lineTooLong])
        for size in [1, 2, 3, 7, 64, 4095, 4096, 4097, 5011] {
            let bytes = Array(text.utf8)
            let pieces = stride(from: 0, to: bytes.count, by: size).map {
                Array(bytes[$0..<min($0 + size, bytes.count)])
            }
            let cut = read(pieces)
            #expect(cut.samples == whole.samples, "pieces of \(size) bytes")
            #expect(cut.refusals == whole.refusals, "pieces of \(size) bytes")
        }
    }

    @Test func theLongestLineIsTakenAndOneByteMoreIsNot() {
        let filler = String(repeating: " ", count: GraphiteLineReader.longestLine - "a 1 2".utf8.count)
        #expect(read("a 1\(filler) 2\n").samples.count == 1)
        #expect(read("a 1\(filler)  2\n").refusals == [.lineTooLong])
    }

    @Test func everyPrintedDoubleIsReadBackExactly() {
        var state: UInt64 = 42
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value = Double(bitPattern: state ^ (state >> 17))
            guard value.isFinite else { continue }
            let short = (value * 1e-290).rounded() / 1000
            for number in [value, short.isFinite ? short : 0, Double(state >> 40) / 1000] {
                #expect(read("a \(number) 1").samples.first?.sample.value == number, "\(number)")
            }
        }
    }
}
