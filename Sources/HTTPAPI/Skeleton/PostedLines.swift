// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// The lines of a POST body: `value time`, value first, blanks or tabs between, time in whole Unix seconds.
package struct PostedLines {
    /// Longest line, as on the Graphite port.
    static let longestLine = 4096

    package enum Line {
        case sample(Sample)
        case refused(String, SampleRefusal)
    }

    package private(set) var lines: [Line] = []

    /// Reads a body as it is, whatever its content type; a last line without a line end counts, so does a CR before one.
    package init(_ body: [UInt8]) {
        body.withUnsafeBytes { bytes in
            var start = 0
            while start < bytes.count {
                var end = start
                while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
                lines.append(Self.read(UnsafeRawBufferPointer(rebasing: bytes[start..<end])))
                start = end + 1
            }
        }
    }

    private static func read(_ line: UnsafeRawBufferPointer) -> Line {
        guard line.count <= longestLine else { return refused(.lineTooLong) }
        var fields: [UnsafeRawBufferPointer] = []
        var index = 0
        while index < line.count {
            while index < line.count, isBlank(line[index]) { index += 1 }
            let start = index
            while index < line.count, !isBlank(line[index]) { index += 1 }
            if index > start { fields.append(UnsafeRawBufferPointer(rebasing: line[start..<index])) }
        }
        guard fields.count == 2 else {
            var reason = "\(SampleRefusal.fieldCount.reason): expected 'value time', found \(fields.count)"
            if fields.count > 2 { reason += "; curl -d joins lines, --data-binary keeps them apart" }
            return .refused(reason, .fieldCount)
        }
        do {
            let value = try SampleText.value(fields[0])
            let time = try SampleText.time(fields[1], wholeOnly: true)
            return .sample(Sample(timestamp: time, value: value))
        } catch {
            return refused(error)
        }
    }

    private static func refused(_ reason: SampleRefusal) -> Line { .refused(reason.reason, reason) }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }
}
