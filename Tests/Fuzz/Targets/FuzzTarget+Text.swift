// SPDX-License-Identifier: Apache-2.0

import Bus
import Engine
import EngineCLI
import EngineCore
import Graphite
import HTMEngine
import HTTPAPI

extension FuzzTarget {
    /// The listener's lines: where a stream is cut into pieces changes nothing.
    static let graphiteLine = FuzzTarget("graphite-line") { bytes in
        func read(_ pieces: [ArraySlice<UInt8>]) -> (samples: [IncomingSample], refusals: [String]) {
            var reader = GraphiteLineReader()
            for piece in pieces {
                piece.withUnsafeBytes { reader.read($0) }
            }
            reader.finish()
            let (samples, refusals) = reader.take()
            return (samples, refusals.map { "\($0.reason) \($0.line)" })
        }
        let whole = read([bytes[...]])
        let cut = bytes.isEmpty ? 0 : Int(bytes[0]) % bytes.count
        let pieces = read([bytes[..<cut], bytes[cut...]])
        try promise(whole == pieces, "cut at \(cut): \(pieces), expected \(whole)")
        let lines = bytes.split(separator: 10, omittingEmptySubsequences: false).count
        try promise(whole.samples.count + whole.refusals.count <= lines, "more results than lines")
        try promise(whole.samples.allSatisfy { $0.sample.value.isFinite }, "a sample that isn't finite")
    }

    /// `detect`'s input: where a stream is cut changes nothing, and lines come in order.
    static let csv = FuzzTarget("csv") { bytes in
        func read(_ pieces: [ArraySlice<UInt8>]) -> [DelimitedRecord] {
            var reader = DelimitedReader()
            var records: [DelimitedRecord] = []
            for piece in pieces {
                reader.append(piece)
                while let record = reader.next() { records.append(record) }
            }
            reader.finish()
            while let record = reader.next() { records.append(record) }
            return records
        }
        let whole = read([bytes[...]])
        let cut = bytes.isEmpty ? 0 : Int(bytes[0]) % bytes.count
        try promise(whole == read([bytes[..<cut], bytes[cut...]]), "cut at \(cut) the records differ")
        try promise(zip(whole, whole.dropFirst()).allSatisfy { $0.line < $1.line }, "lines out of order")
        var parser = SeriesRecordParser()
        for record in whole {
            if case .record(let sample) = parser.parse(record.content) {
                try promise(sample.value?.isFinite != false, "a value that isn't finite")
            }
        }
    }

    /// Times of CSV files; those of SQL are read the same by both readers.
    static let timestamp = FuzzTarget("timestamp") { bytes in
        let seconds = SeriesTimestamp.seconds(bytes)
        if let seconds {
            try promise(Timestamps.representable.contains(seconds), "\(seconds) can't be written")
            let text = Timestamps.sqlText(seconds)
            try promise(SeriesTimestamp.seconds(Array(text.utf8)) == seconds, "\(text) isn't \(seconds) again")
        }
        if let sql = bytes.withUnsafeBufferPointer({ Timestamps.parseSQLText($0) }) {
            try promise(seconds == sql, "\(String(describing: seconds)) and SQL's \(sql) differ")
        }
    }

    /// Configuration files.
    static let ini = FuzzTarget("ini") { bytes in
        let file = try ConfigurationFile(text: String(decoding: bytes, as: UTF8.self), path: "fuzz.conf")
        let names = file.options.map { "\($0.section)\u{0}\($0.name)" }
        try promise(Set(names).count == names.count, "an option is there twice")
    }

    /// JSON bodies: what is written again reads as the same, but that a whole number written 1e3 may become 1000 once.
    /// Both parsers agree.
    static let json = FuzzTarget("json") { bytes in
        let value = try JSONValue.parse(bytes)
        if let quick = JSONValue.parseQuickly(bytes) {
            let thorough = try? JSONValue.parseThoroughly(bytes)
            try promise(quick == thorough, "\(quick.text) with Jansson, \(thorough?.text ?? "nothing") with Foundation")
        }
        let text = value.text
        guard let again = try? JSONValue.parse(text) else { throw BrokenPromise("\(text) can't be read again") }
        let settled = try? JSONValue.parse(again.text)
        try promise(settled == again, "\(again.text) reads as \(settled?.text ?? "nothing")")
    }

    /// What a monitor request holds.
    static let modelSpec = FuzzTarget("model-spec") { bytes in
        let spec = try ModelSpec(json: try JSONValue.parse(bytes))
        let canonical = spec.canonicalJSON(name: "m")
        guard let again = try? ModelSpec(json: canonical) else {
            throw BrokenPromise("its canonical form \(canonical.text) is refused")
        }
        try promise(again.canonicalJSON(name: "m") == canonical, "\(canonical.text) changes when read again")
    }

    /// `metric.model_params`, also the original's.
    static let modelParameters = FuzzTarget("model-parameters") { bytes in
        _ = try ModelDefinition(text: String(decoding: bytes, as: UTF8.self)).modelParameters()
    }

    /// Messages on the custom-metric queue.
    static let customMetricMessage = FuzzTarget("custom-metric-message") { bytes in
        _ = try CustomMetricConsumer.lines(bytes)
    }

    /// Messages on the results exchange; the first byte says of which kind.
    static let resultMessage = FuzzTarget("result-message") { bytes in
        let kind = (bytes.first ?? 0) & 1 == 0 ? nil : EngineMessage.commandDataType
        _ = try ResultsCoding.decode(json: try JSONValue.parse(bytes.dropFirst()), dataType: kind)
    }

    /// The same as bodies of AMQP messages: zlib streams, also of what isn't JSON.
    static let resultBody = FuzzTarget("result-body") { bytes in
        let kind = (bytes.first ?? 0) & 1 == 0 ? nil : EngineMessage.commandDataType
        let message = try ResultsCoding.decode(Array(bytes.dropFirst()), dataType: kind)
        let body = ResultsCoding.encode(message, exchange: "").body
        guard let again = try? ResultsCoding.decode(body, dataType: kind) else {
            throw BrokenPromise("what is written again is refused")
        }
        try promise(ResultsCoding.encode(again, exchange: "").body == body, "read again it differs")
    }

    /// Messages on the partition queues. A runner counts with what they say.
    static let modelHint = FuzzTarget("model-hint") { bytes in
        let hints = HintCoding.decode(bytes)
        for hint in hints {
            try promise(hint.generation >= 0 && hint.firstRowid >= 0, "a row or generation below 0")
            try promise(
                hint.samples.allSatisfy { $0.value.isFinite && Timestamps.representable.contains($0.timestamp) },
                "a sample no table has"
            )
            let end = hint.firstRowid.addingReportingOverflow(Int64(hint.samples.count))
            try promise(!end.overflow, "row ids beyond any table")
        }
        try promise(HintCoding.decode(HintCoding.encode(hints)) == hints, "read again they differ")
    }

    /// POST bodies of samples: one answer for each line.
    static let postedLines = FuzzTarget("posted-lines") { bytes in
        let lines = PostedLines(bytes).lines
        let ends = bytes.count { $0 == 10 }
        try promise(lines.count == ends + (bytes.isEmpty || bytes.last == 10 ? 0 : 1), "\(lines.count) answers")
        for case .sample(let sample) in lines {
            try promise(sample.value.isFinite, "a value that isn't finite")
            try promise(Timestamps.representable.contains(sample.timestamp), "a time that can't be written")
        }
    }

    /// Targets and name patterns of Graphite's read side.
    static let graphiteTarget = FuzzTarget("graphite-target") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        if let pattern = try? GraphitePattern(text) {
            _ = pattern.matches("servers.web1.cpu")
            _ = pattern.matchesPrefix(["servers", "web1"])
        }
        _ = try GraphiteParser.parse(text)
    }

    /// `from` and `until` of Graphite's read side.
    static let graphiteTime = FuzzTarget("graphite-time") { bytes in
        _ = try GraphiteTime.parse(String(decoding: bytes, as: UTF8.self), now: 1_420_070_400)
    }
}
