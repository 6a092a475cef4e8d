// SPDX-License-Identifier: Apache-2.0

import EngineCLI
import Testing

@Suite struct DelimitedReaderTests {
    /// Records as text: fields joined with `|`, problems in brackets, each behind its line number.
    private func read(_ text: String, portion: Int = .max) -> [String] {
        var reader = DelimitedReader()
        var records: [String] = []
        func takeAll() {
            while let record = reader.next() {
                switch record.content {
                case .fields(let fields):
                    let texts = fields.map { String(decoding: $0, as: UTF8.self) }
                    records.append("\(record.line):" + texts.joined(separator: "|"))
                case .problem(let reason):
                    records.append("\(record.line):[\(reason)]")
                }
            }
        }
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let end = portion >= bytes.count - start ? bytes.count : start + portion
            reader.append(bytes[start..<end])
            start = end
            takeAll()
        }
        reader.finish()
        takeAll()
        return records
    }

    @Test(
        arguments: [
            ("a,b\nc,d\n", ["1:a|b", "2:c|d"]),
            ("a,b\r\n\r\nc,d\r\n", ["1:a|b", "3:c|d"]),
            ("a,b\rc,d", ["1:a|b", "2:c|d"]),
            ("\u{FEFF}a,b\n", ["1:a|b"]),
            ("\n  \n\ta , b \n", ["3:a|b"]),
            ("\"a\",\"b,\"\"c\"\"\"\n", ["1:a|b,\"c\""]),
            ("\"a\nb\",c\nd,e\n", ["1:a\nb|c", "3:d|e"]),
            ("\"a,b\nc,d\n", ["1:[a quote is never closed]", "2:c|d"]),
            ("a;b\nc;d,e\n", ["1:a|b", "2:c|d,e"]),
            ("a\tb\n\tc\n", ["1:a|b", "2:|c"]),
            ("a,,\n,\n", ["1:a||", "2:|"]),
            ("", []),
            ("\r\n\n", []),
            ("last", ["1:last"]),
        ] as [(String, [String])],
        [1, 2, 3, Int.max]
    )
    func recordsAreTheSameHoweverBytesArrive(_ sample: (text: String, records: [String]), portion: Int) {
        #expect(read(sample.text, portion: portion) == sample.records)
    }

    @Test func anOverlongLineCostsOnlyItself() {
        let long = String(repeating: "x", count: DelimitedReader.longestLine + 10)
        #expect(
            read("a,b\n\(long)\nc,d\n", portion: 100_000) == ["1:a|b", "2:[longer than 1048576 bytes]", "3:c|d"]
        )
        #expect(read("a,b\n\(long)", portion: 100_000) == ["1:a|b", "2:[longer than 1048576 bytes]"])
    }

    @Test func anUnclosedQuoteIsGivenUpBeforeTheEndOfAStream() {
        let text = "\"a,b\n" + String(repeating: "c,d\n", count: 100)
        var reader = DelimitedReader()
        reader.append(Array(text.utf8))
        #expect(reader.next()?.content == .problem("a quote is never closed"))
        let second = reader.next()
        #expect(second?.line == 2)
        #expect(second?.content == .fields([[UInt8(ascii: "c")], [UInt8(ascii: "d")]]))
    }
}

@Suite struct SeriesTimestampTests {
    @Test(
        arguments: [
            ("2015-01-01 00:00:00", 1_420_070_400), ("2015-01-01T00:00:00", 1_420_070_400),
            ("2015-01-01T00:00:00Z", 1_420_070_400), ("2015-01-01t00:00:00.999z", 1_420_070_400),
            ("2015-01-01", 1_420_070_400), ("2015-01-01 00:05", 1_420_070_700),
            ("2015-01-01T02:00:00+02:00", 1_420_070_400), ("2014-12-31T19:30-0430", 1_420_070_400),
            ("2015-01-01 00:00:00 +00", 1_420_070_400), ("1420070400", 1_420_070_400),
            ("1420070400.75", 1_420_070_400), ("-1", -1), ("0", 0), ("2016-02-29 12:00:00", 1_456_747_200),
        ] as [(String, Int64)]
    )
    func knownForms(text: String, expected: Int64) {
        #expect(SeriesTimestamp.seconds(Array(text.utf8)) == expected)
    }

    @Test(
        arguments: [
            "", "abc", "2015-13-01", "2015-02-29", "2015-01-01 24:00:00", "2015-01-01 00:60", "2015-01-01T", "-",
            "01/02/2015", "2015-01-01 00:00:00 CET", "1420070400000000", "1e9", "2015-01-01 00:00:00.", "1.2.3",
        ]
    )
    func otherTextIsRefused(text: String) {
        #expect(SeriesTimestamp.seconds(Array(text.utf8)) == nil)
    }
}
