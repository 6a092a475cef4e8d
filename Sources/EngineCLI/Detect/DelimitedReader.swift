// SPDX-License-Identifier: Apache-2.0

/// One record of a CSV file.
package struct DelimitedRecord: Equatable, Sendable {
    /// The line it begins on, from 1.
    package let line: Int
    /// Its fields without quotes and surrounding blanks, or why it can't be read.
    package let content: Content

    package enum Content: Equatable, Sendable {
        case fields([[UInt8]])
        case problem(String)
    }
}

/// Splits bytes into records as they come: RFC 4180, with everything real files do differently.
///
/// Lines end with LF, CRLF or CR; blank lines are passed over; a byte-order mark is passed over. Fields may be quoted, with
/// doubled quotes inside, and a quoted field may hold line ends. A quote that is never closed costs its own line only: after
/// 64 lines or at the end of input the line is given up and reading goes on with the next one. The delimiter is the comma
/// unless the first line has none but a semicolon or a tab.
package struct DelimitedReader {
    /// The longest line taken; a bound on memory.
    package static let longestLine = 1 << 20
    /// A quoted field ends within this many lines.
    package static let mostLinesOfRecord = 64

    private var buffer: [UInt8] = []
    private var position = 0
    private var isAtEnd = false
    private var isSkippingLongLine = false
    private var nextLineNumber = 1
    private var delimiter: UInt8?

    package init() {}

    /// Takes the next bytes of the input.
    package mutating func append(_ bytes: some Sequence<UInt8>) {
        if position > 0, position >= buffer.count / 2 {
            buffer.removeFirst(position)
            position = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// No bytes follow: a last line without a line end counts as well.
    package mutating func finish() {
        isAtEnd = true
    }

    /// The next record that isn't blank; nil when more bytes are needed, or at the end.
    package mutating func next() -> DelimitedRecord? {
        while true {
            let (startPosition, startLine) = (position, nextLineNumber)
            guard let first = nextLine() else { return nil }
            if first.isTooLong {
                return DelimitedRecord(line: startLine, content: .problem("longer than \(Self.longestLine) bytes"))
            }
            let line =
                startLine == 1 && first.bytes.starts(with: [0xEF, 0xBB, 0xBF])
                ? Array(first.bytes.dropFirst(3)) : first.bytes
            if line.allSatisfy(Self.isBlank) { continue }
            let delimiter = delimiter ?? Self.delimiter(of: line)
            self.delimiter = delimiter
            switch record(line, delimiter) {
            case .complete(let content):
                return DelimitedRecord(line: startLine, content: content)
            case .needsMoreInput:
                (position, nextLineNumber) = (startPosition, startLine)
                return nil
            }
        }
    }

    private enum Reading {
        case complete(DelimitedRecord.Content)
        case needsMoreInput
    }

    /// Reads the record that begins with `line`, taking further lines while a quote is open.
    private mutating func record(_ line: [UInt8], _ delimiter: UInt8) -> Reading {
        var text = line
        let (afterFirst, lineAfterFirst) = (position, nextLineNumber)
        var lines = 1
        while true {
            if let fields = Self.fields(of: text, delimiter) {
                return .complete(.fields(fields))
            }
            let isGivenUp = lines == Self.mostLinesOfRecord || text.count > Self.longestLine
            guard !isGivenUp, let more = nextLine(), !more.isTooLong else {
                if !isGivenUp, !isAtEnd {
                    return .needsMoreInput
                }
                (position, nextLineNumber) = (afterFirst, lineAfterFirst)
                return .complete(.problem("a quote is never closed"))
            }
            lines += 1
            text.append(10)
            text += more.bytes
        }
    }

    // MARK: Lines

    private mutating func nextLine() -> (bytes: [UInt8], isTooLong: Bool)? {
        var end = position
        while end < buffer.count, buffer[end] != 10, buffer[end] != 13 {
            end += 1
        }
        if end - position > Self.longestLine {
            isSkippingLongLine = true
        }
        guard end < buffer.count else {
            if isSkippingLongLine, !isAtEnd {
                // Nothing of it is needed any more.
                position = end
                return nil
            }
            guard isAtEnd, position < end || isSkippingLongLine else { return nil }
            return take(upTo: end, next: end)
        }
        // Whether LF follows decides where the next line begins.
        if buffer[end] == 13, end + 1 == buffer.count, !isAtEnd { return nil }
        let isPair = buffer[end] == 13 && end + 1 < buffer.count && buffer[end + 1] == 10
        return take(upTo: end, next: end + (isPair ? 2 : 1))
    }

    private mutating func take(upTo end: Int, next: Int) -> (bytes: [UInt8], isTooLong: Bool) {
        defer {
            position = next
            nextLineNumber += 1
            isSkippingLongLine = false
        }
        return isSkippingLongLine ? ([], true) : (Array(buffer[position..<end]), false)
    }

    // MARK: Fields

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 32 || byte == 9
    }

    private static func delimiter(of line: [UInt8]) -> UInt8 {
        let candidates = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]
        return candidates.first { line.contains($0) } ?? UInt8(ascii: ",")
    }

    /// The fields of a record, or nil when a quote is still open at its end.
    private static func fields(of text: [UInt8], _ delimiter: UInt8) -> [[UInt8]]? {
        let quote = UInt8(ascii: "\"")
        var fields: [[UInt8]] = []
        var index = 0
        while true {
            while index < text.count, isBlank(text[index]), text[index] != delimiter {
                index += 1
            }
            var field: [UInt8] = []
            if index < text.count, text[index] == quote {
                index += 1
                while true {
                    guard index < text.count else { return nil }
                    if text[index] != quote {
                        field.append(text[index])
                    } else if index + 1 < text.count, text[index + 1] == quote {
                        field.append(quote)
                        index += 1
                    } else {
                        break
                    }
                    index += 1
                }
                index += 1
            }
            // What is not quoted; after a closing quote only blanks should follow, anything else is kept.
            while index < text.count, text[index] != delimiter {
                field.append(text[index])
                index += 1
            }
            while let last = field.last, isBlank(last) {
                field.removeLast()
            }
            fields.append(field)
            guard index < text.count else { return fields }
            index += 1
        }
    }
}
