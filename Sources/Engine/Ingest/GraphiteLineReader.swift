// SPDX-License-Identifier: Apache-2.0

import CSystem
import EngineCore

/// Cuts a stream of bytes into Graphite lines `name value time`, of any length of pieces, and parses them.
///
/// A value type without I/O: bytes go in, samples and refusals come out. A line over the limit is refused once, as a whole, and
/// costs no memory; nothing a sender writes harms the lines after it.
package struct GraphiteLineReader {
    /// A line longer than this is refused; in bytes, without the line feed.
    package static let longestLine = 4096

    /// Samples read so far; the caller takes them.
    package private(set) var samples: [IncomingSample] = []
    /// Lines refused so far and why, with the beginning of each; the caller takes them.
    package private(set) var refusals: [(reason: SampleRefusal, line: String)] = []
    /// Whether an HTTP request came instead, as a browser sends it when a page of another site posts to this port: nothing after its
    /// first line is read, since its body would look like any sender's lines.
    package private(set) var isHTTP = false
    private var names = MetricNameCache()
    /// The beginning of a line whose end hasn't come.
    private var partial: [UInt8] = []
    /// Whether the rest of a line that was too long is being passed over.
    private var skipping = false

    package init() {}

    /// Whether a line has begun whose end hasn't come.
    package var isInsideLine: Bool { skipping || !partial.isEmpty }

    /// Takes the samples and refusals.
    package mutating func take() -> (samples: [IncomingSample], refusals: [(reason: SampleRefusal, line: String)]) {
        defer {
            samples = []
            refusals = []
        }
        return (samples, refusals)
    }

    /// Reads the next piece of the stream.
    package mutating func read(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty {
            let end = cs_find_byte(rest.baseAddress, 0x0A, rest.count)
            guard end >= 0 else { return keep(rest) }
            let line = UnsafeRawBufferPointer(rebasing: rest[..<end])
            if skipping {
                skipping = false
            } else if partial.isEmpty {
                readLine(line)
            } else {
                keep(line)
                finishPartialLine()
                skipping = false
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
        }
    }

    /// The stream has ended: a last line without a line feed counts.
    package mutating func finish() {
        finishPartialLine()
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        guard !skipping else { return }
        partial.append(contentsOf: bytes.prefix(Self.longestLine + 1 - partial.count))
        guard partial.count > Self.longestLine else { return }
        refuse(.lineTooLong, partial.withUnsafeBytes { Self.excerpt($0) })
        partial.removeAll(keepingCapacity: true)
        skipping = true
    }

    private mutating func finishPartialLine() {
        guard !partial.isEmpty else { return }
        let line = partial
        partial.removeAll(keepingCapacity: true)
        line.withUnsafeBytes { readLine($0) }
    }

    /// A line without its line feed. A blank line is nothing and no error.
    private mutating func readLine(_ line: UnsafeRawBufferPointer) {
        if isHTTP { return }
        guard line.count <= Self.longestLine else { return refuse(.lineTooLong, Self.excerpt(line)) }
        var fields = WhitespaceFields(line)
        guard let name = fields.next() else { return }
        guard let value = fields.next(), let time = fields.next(), fields.next() == nil else {
            return refuse(.fieldCount, Self.excerpt(line))
        }
        if time.starts(with: "HTTP/".utf8) {
            isHTTP = true
            return refuse(.badTimestamp, Self.excerpt(line))
        }
        do {
            let sample = Sample(timestamp: try SampleText.time(time), value: try SampleText.value(value))
            samples.append(IncomingSample(name: try names.name(name), sample: sample))
        } catch {
            refuse(error, Self.excerpt(line))
        }
    }

    private mutating func refuse(_ reason: SampleRefusal, _ line: String) {
        refusals.append((reason, line))
    }

    /// The beginning of a line, fit for a log: at most 80 bytes, no control characters.
    private static func excerpt(_ line: UnsafeRawBufferPointer) -> String {
        let text = String(decoding: line.prefix(80), as: UTF8.self)
        let printable = String(
            text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : Character($0) }
        )
        return line.count > 80 ? printable + "…" : printable
    }
}

/// The fields of a line: runs of bytes between blanks, tabs and other ASCII white space.
package struct WhitespaceFields {
    private let line: UnsafeRawBufferPointer
    private var index = 0

    package init(_ line: UnsafeRawBufferPointer) { self.line = line }

    /// The next field; nil at the end.
    package mutating func next() -> UnsafeRawBufferPointer? {
        while index < line.count, Self.isSpace(line[index]) { index += 1 }
        let start = index
        while index < line.count, !Self.isSpace(line[index]) { index += 1 }
        return index > start ? UnsafeRawBufferPointer(rebasing: line[start..<index]) : nil
    }

    /// Blank, tab, line feed, vertical tab, form feed, carriage return.
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }
}
