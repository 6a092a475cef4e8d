// SPDX-License-Identifier: Apache-2.0

import EngineCLI
import Foundation
import HTM
import Testing

@Suite struct DetectSessionTests {
    /// All scored lines and complaints for a text.
    private func detect(
        _ text: String,
        _ options: SeriesScorer.Options = .init(),
        pace: DetectSession.Pace = .whole
    ) throws -> (lines: [String], complaints: [String]) {
        var session = DetectSession(options: options, pace: pace)
        var output = try session.consume(Array(text.utf8))
        try session.finish { output += $0 }
        return (output.split(separator: "\n").map(String.init), session.takeComplaints())
    }

    private func fields(_ line: String) -> [String] {
        line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    @Test(
        arguments: [
            "timestamp,value\n2015-01-01 00:00:00,5\n", "value,timestamp\n5,2015-01-01 00:00:00\n",
            "\"Value\",\"host\",\"Timestamp\"\r\n5,a,2015-01-01 00:00:00\r\n", "2015-01-01 00:00:00,5",
            "time;load\n2015-01-01 00:00:00;5\n", "when,how much\n2015-01-01 00:00:00, 5 ,x,y\n",
            "id,timestamp,value\n7,2015-01-01 00:00:00,5\n",
        ]
    )
    func columnsAreFoundByTheirNames(text: String) throws {
        let (lines, complaints) = try detect(text)
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix("2015-01-01 00:00:00,5,1.0,0.5") == true)
        #expect(complaints.isEmpty)
    }

    @Test func badLinesAreNamedAndSkipped() throws {
        let text = """
            timestamp,value
            2015-01-01 00:00:00,5
            2015-01-01 00:05:00,abc
            yesterday,6

            2015-01-01 00:10:00
            2015-01-01 00:15:00,inf
            2015-01-01 00:20:00,0x10
            2015-01-01 00:25:00,7
            """
        let (lines, complaints) = try detect(text)
        #expect(lines.map { fields($0)[1] } == ["5", "7"])
        #expect(complaints.count == 5)
        #expect(complaints[0] == "line 3: value 'abc' is not a number")
        #expect(complaints[1].hasPrefix("line 4: timestamp 'yesterday' is not ISO 8601"))
        #expect(complaints[2] == "line 6: 1 field, expected at least 2")
        #expect(complaints[3] == "line 7: value 'inf' is not finite")
        #expect(complaints[4] == "line 8: value '0x10' is not a number")
    }

    @Test func missingValuesAreScored() throws {
        let (lines, complaints) = try detect("1,5\n2,\n3,NaN\n4,6\n")
        #expect(complaints.isEmpty)
        #expect(lines.count == 4)
        #expect(lines[1].hasPrefix("2,,"))
        #expect(lines[2].hasPrefix("3,,"))
        #expect(Double(fields(lines[2])[2]) != nil)
    }

    @Test func nothingUsableGivesNothing() throws {
        for text in ["", "timestamp,value\n", "a\nb\n"] {
            var session = DetectSession(options: .init(), pace: .whole)
            _ = try session.consume(Array(text.utf8))
            try session.finish { Issue.record("unexpected output \($0)") }
            #expect(session.usedCount == 0)
        }
    }

    @Test func aStreamIsScoredLineByLineOnceItsRangeIsKnown() throws {
        var options = SeriesScorer.Options()
        options.usesNABSchedule = false
        var session = DetectSession(options: options, pace: .streaming)
        for index in 1...400 {
            let due = try session.consume(Array("\(index * 300),\(index % 7)\n".utf8))
            let expected = index < 288 ? 0 : index == 288 ? 288 : 1
            #expect(due.split(separator: "\n").count == expected, "line \(index)")
        }
        options.range = 0...10
        var ranged = DetectSession(options: options, pace: .streaming)
        let first = try ranged.consume(Array("300,1\n".utf8))
        #expect(first == "300,1,1.0,0.0,\(AnomalyLikelihood.logLikelihood(0))\n")
    }

    @Test func aShortStreamTakesItsRangeFromWhatIsThere() throws {
        var options = SeriesScorer.Options()
        options.usesNABSchedule = false
        let text = (1...50).map { "\($0 * 300),\($0 % 7)\n" }.joined()
        let streamed = try detect(text, options, pace: .streaming)
        let whole = try detect(text, options, pace: .whole)
        #expect(streamed.lines.count == 50)
        #expect(streamed.lines == whole.lines)
    }

    @Test func equalAndFallingTimestampsAreScored() throws {
        #expect(try detect("300,1\n300,2\n200,3\n").lines.count == 3)
    }
}

/// `detect` on the reference files: raw scores exactly, likelihoods within 1e-9.
@Suite(.enabled(if: GoldenFiles.directory != nil, "golden files absent: set HTMENGINE_GOLDEN"))
struct GoldenDetectTests {
    // The whole half is compared in HTMTests; here it is the way through text that counts.
    @Test(arguments: ["realTraffic/occupancy_6005.csv", "artificialNoAnomaly/art_daily_no_noise.csv"])
    func outputEqualsTheReference(name: String) throws {
        let text = try String(contentsOfFile: "\(GoldenFiles.directory!)/\(name)", encoding: .utf8)
        var session = DetectSession(options: .init(), pace: .whole)
        var output = try session.consume(Array(text.utf8))
        try session.finish { output += $0 }
        let expected = text.split(separator: "\n").dropFirst()
        let actual = output.split(separator: "\n")
        #expect(actual.count == expected.count)
        for (actual, expected) in zip(actual, expected) {
            let (actual, expected) = (actual.split(separator: ","), expected.split(separator: ","))
            #expect(actual[0..<2] == expected[0..<2])
            #expect(Double(actual[2]) == Double(expected[2]))
            #expect(abs(Double(actual[3])! - Double(expected[3])!) < 1e-9)
            #expect(abs(Double(actual[4])! - Double(expected[4])!) < 1e-9)
        }
    }
}

/// Where the reference files lie.
enum GoldenFiles {
    static let directory: String? = {
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let beside = package.deletingLastPathComponent().appendingPathComponent("shared/golden").path
        let path = ProcessInfo.processInfo.environment["HTMENGINE_GOLDEN"] ?? beside
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()
}
