// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTMEngine
import Testing

@Suite struct StandardErrorLoggerTests {
    @Test func textLinesCarryUTCLevelAndService() {
        let line = StandardErrorLogger.line(
            .text,
            time: 0,
            level: .warning,
            service: "storer",
            message: "a\nb\u{1B}[31m"
        )
        #expect(line == "1970-01-01 00:00:00Z warning storer: a\\nb\\u{1b}[31m\n")
    }

    @Test func jsonLinesAreJSON() throws {
        let line = StandardErrorLogger.line(
            .json,
            time: 1_434_229_721,
            level: .info,
            service: "http",
            message: "say \"hi\"\n"
        )
        let value = try JSONValue.parse(line)
        #expect(value["time"]?.stringValue == "2015-06-13T21:08:41Z")
        #expect(value["level"]?.stringValue == "info")
        #expect(value["message"]?.stringValue == "say \"hi\"\n")
    }
}
