// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The work of `detect` without files: bytes go in as they come, scored lines and complaints come out.
///
/// Either everything is read before the first score (NAB's schedule needs the number of records, and the default range
/// their extremes), or scores follow their records at once, in parity mode after 288 of them when the range isn't given.
package struct DetectSession: Sendable {
    /// When scores are written.
    package enum Pace: Equatable, Sendable {
        /// After all input.
        case whole
        /// As records come.
        case streaming
    }

    /// Records from which a stream's range is estimated, as the engine does: a day of five-minute values.
    package static let recordsForRange = 288

    private let options: SeriesScorer.Options
    private let pace: Pace
    private var reader = DelimitedReader()
    private var parser = SeriesRecordParser()
    private var scorer: SeriesScorer?
    /// Records read and not yet scored.
    private var waiting: [SeriesRecord] = []
    private var observed: ClosedRange<Double>?

    /// Lines scored or waiting.
    package private(set) var usedCount = 0
    /// Lines that couldn't be used.
    package private(set) var skippedCount = 0
    /// Complaints about lines, one each, since they were last taken.
    private var complaints: [String] = []

    package init(options: SeriesScorer.Options, pace: Pace) {
        precondition(
            pace == .whole || options.mode == .evidence || !options.usesNABSchedule,
            "NAB's schedule needs the number of records"
        )
        self.options = options
        self.pace = pace
    }

    /// The line above all scores.
    package var header: String { SeriesScorer.header(explains: options.explains) }

    /// Takes the next bytes.
    ///
    /// - Returns: Scored lines that are due.
    /// - Throws: ParameterError when no model can have the values' range.
    package mutating func consume(_ bytes: some Sequence<UInt8>) throws -> String {
        reader.append(bytes)
        return try readRecords()
    }

    /// Ends the input.
    ///
    /// - Parameter progress: Called with the share of the waiting records that has been scored.
    /// - Returns: Nothing: all scored lines go through `output`, in portions.
    package mutating func finish(progress: (Double) -> Void = { _ in }, output: (String) -> Void) throws {
        reader.finish()
        let due = try readRecords()
        if !due.isEmpty {
            output(due)
        }
        guard usedCount > 0, scorer == nil || !waiting.isEmpty else { return }
        try start()
        var portion = ""
        for (index, record) in waiting.enumerated() {
            portion += line(record)
            if portion.utf8.count >= 1 << 15 {
                output(portion)
                portion = ""
            }
            if index % 64 == 0 {
                progress(Double(index) / Double(waiting.count))
            }
        }
        waiting = []
        output(portion)
    }

    /// Complaints about lines since the last call.
    package mutating func takeComplaints() -> [String] {
        defer { complaints = [] }
        return complaints
    }

    private mutating func readRecords() throws -> String {
        var due = ""
        while let record = reader.next() {
            switch parser.parse(record.content) {
            case .header:
                break
            case .bad(let reason):
                skippedCount += 1
                complaints.append("line \(record.line): \(reason)")
            case .record(let sample):
                usedCount += 1
                due += try take(sample)
            }
        }
        return due
    }

    private mutating func take(_ record: SeriesRecord) throws -> String {
        if scorer != nil {
            return line(record)
        }
        if let value = record.value {
            observed = min(observed?.lowerBound ?? value, value)...max(observed?.upperBound ?? value, value)
        }
        waiting.append(record)
        let hasEnough = options.mode == .evidence || options.range != nil || waiting.count >= Self.recordsForRange
        guard pace == .streaming, hasEnough else { return "" }
        try start()
        defer { waiting = [] }
        return waiting.reduce(into: "") { $0 += line($1) }
    }

    private mutating func line(_ record: SeriesRecord) -> String {
        let score = scorer!.score(record)
        return scorer!.line(record, score)
    }

    private mutating func start() throws {
        scorer = try SeriesScorer(options: options, observed: observed, recordCount: usedCount)
    }
}
