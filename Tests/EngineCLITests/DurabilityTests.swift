// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What the engine asks the system for, in the order it asks, as strace sees it.
private struct SystemCalls {
    /// One finished call, such as `fdatasync(6</data/htmengine.sqlite-wal>) = 0`.
    let lines: [String]

    static let obstacle: String? = {
        do {
            let tried = try run(["strace", "-o", "/dev/null", "true"])
            return tried.status == 0 ? nil : "strace can't trace here: \(tried.errorOutput)"
        } catch {
            return "\(error)"
        }
    }()

    /// strace as a grandchild of the engine, so that the engine keeps its place as the child of the test.
    static func wrapper(_ file: String) -> [String] {
        let calls = "trace=write,fsync,fdatasync,rename,sendmsg,setsockopt"
        return ["strace", "-D", "-f", "-y", "-s", "120", "-e", calls, "-e", "signal=none", "-o", file]
    }

    /// Reads what strace wrote. A call that others interrupted counts from where it ended.
    init(_ file: String) throws {
        var unfinished: [Substring: Substring] = [:]
        var lines: [String] = []
        for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
            guard let space = line.firstIndex(of: " ") else { continue }
            let thread = line[..<space]
            let call = line[space...].drop { $0 == " " }
            if let end = call.range(of: " <unfinished ...>") {
                unfinished[thread] = call[..<end.lowerBound]
            } else if call.hasPrefix("<... "), let begin = unfinished.removeValue(forKey: thread),
                let end = call.range(of: " resumed>")
            {
                // strace puts results of short calls below each other.
                lines.append(String(begin + call[end.upperBound...]).replacing(#/\) +=/#, with: ") ="))
            } else {
                lines.append(String(call))
            }
        }
        self.lines = lines
    }
}

/// Nothing is acknowledged, and no checkpoint counts, before the disk has it: in the order of the system calls.
@Suite(.enabled(if: SystemCalls.obstacle == nil, "\(SystemCalls.obstacle ?? "")"))
struct DurabilityTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test func theDiskHasItFirst() throws {
        _ = try directory.write("[repository]\nengine = sqlite\n[bus]\nengine = memory\n", to: "conf/application.conf")
        let swapper = "[model_runner]\ntarget_requests_per_checkpoint = 10\n"
        _ = try directory.write(swapper, to: "conf/model-swapper.conf")
        let file = try directory.write("", to: "calls")
        let engine = try RunningEngine(
            dataDirectory: directory.path("data"),
            options: ["--config", directory.path("conf")],
            wrapper: SystemCalls.wrapper(file)
        )
        #expect(try engine.curl("/m", "-X", "PUT", "-d", #"{"min":0, "max":10}"#).output.hasPrefix("Created"))
        // One checkpoint after the other: the later one of two that wait to be saved takes the place of the earlier.
        for checkpoint in 1...2 {
            for row in 10 * checkpoint - 10..<10 * checkpoint {
                #expect(try engine.curl("/m", "-d", "1 \(1_600_000_000 + 2 * row)").output.hasPrefix("Saved"))
                let sender = try RawConnection(port: engine.graphitePort)
                try sender.send("m 2 \(1_600_000_001 + 2 * row)\n")
                sender.finishSending()
                #expect(try sender.receive().isEmpty)
            }
            try eventually("all rows are scored; \(engine.log)") {
                try engine.curl("/m").output.contains("None") ? nil : true
            }
            try eventually("\(checkpoint) checkpoints are saved") {
                let found = try engine.curl("/metrics").output.firstMatch(
                    of: #/htmengine_checkpoints_saved_total ([0-9]+)/#
                )
                return found.flatMap { Int($0.1) }.map { $0 >= checkpoint } == true ? true : nil
            }
        }
        #expect(engine.stop() == 0, "\(engine.log)")

        let calls = try eventually("strace has written everything") {
            let calls = try SystemCalls(file)
            return calls.lines.last?.hasPrefix("+++ exited") == true ? calls : nil
        }
        var isSynced = false
        var replies = 0
        var endings = 0
        for line in calls.lines {
            if line.hasPrefix("fdatasync("), line.hasSuffix("/htmengine.sqlite-wal>) = 0") { isSynced = true }
            if line.hasPrefix("sendmsg("), line.contains("\"Saved /m ") {
                #expect(isSynced, "the reply came first: \(line)")
                isSynced = false
                replies += 1
            }
            // From here on the connection ends in order, which acknowledges; until here its end would be a reset.
            if line.hasPrefix("setsockopt("), line.contains("SO_LINGER, {l_onoff=0") {
                #expect(isSynced, "the orderly end came first: \(line)")
                isSynced = false
                endings += 1
            }
        }
        #expect(replies == 20)
        #expect(endings == 20)

        let renames = calls.lines.indices.filter {
            calls.lines[$0].hasPrefix("rename(") && calls.lines[$0].contains(".checkpoint\") = 0")
        }
        #expect(renames.count >= 2)
        for index in renames {
            let names = calls.lines[index].split(separator: "\"")
            let (temporary, final) = (names[1], names[3])
            let before = calls.lines[..<index]
            let written = before.lastIndex { $0.hasPrefix("write(") && $0.contains("<\(temporary)>") }
            let synced = before.lastIndex { $0.hasPrefix("fsync(") && $0.hasSuffix("<\(temporary)>) = 0") }
            #expect(try #require(written) < #require(synced), "\(calls.lines[index])")
            let folder = final[..<(final.lastIndex(of: "/") ?? final.startIndex)]
            let folderSynced = calls.lines[index...].contains {
                $0.hasPrefix("fsync(") && $0.hasSuffix("<\(folder)>) = 0")
            }
            #expect(folderSynced, "\(calls.lines[index])")
        }
    }
}
