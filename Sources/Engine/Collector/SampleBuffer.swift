// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Samples of one polled source that the engine hasn't acknowledged yet, in a directory of their own (docs/formats/collector.md).
///
/// A file for each answer, named by the time it spans, and `position.json` for what has been delivered. Each is written under another
/// name, synced and renamed, so there is no half one. One process at a time has a buffer.
package struct SampleBuffer {
    /// One answer of the source.
    package struct Batch: Hashable {
        /// Unix seconds, included.
        package var start: Int64
        /// Unix seconds, not included.
        package var end: Int64

        fileprivate var fileName: String { "\(Self.digits(start))-\(Self.digits(end)).json" }

        package init(start: Int64, end: Int64) {
            self.start = start
            self.end = end
        }

        fileprivate init?(fileName: String) {
            guard fileName.hasSuffix(".json") else { return nil }
            let parts = fileName.dropLast(5).split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, let start = Int64(parts[0]), let end = Int64(parts[1]), start < end else {
                return nil
            }
            self.init(start: start, end: end)
        }

        private static func digits(_ number: Int64) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, 12 - text.count)) + text
        }
    }

    /// Names kept in `position.json`, to be marked when the source fails; beyond it the others aren't.
    private static let mostNames = 10_000
    private static let positionFile = "position.json"

    private let directory: String
    private let files = DurableFiles("buffer of a polled source")
    /// Up to where the source has been asked; nil when it never was.
    package private(set) var position: Int64?
    /// Metrics the source has delivered.
    package private(set) var names: Set<String> = []
    /// What waits to be acknowledged, oldest first.
    package private(set) var pending: [Batch] = []

    /// Takes up what an earlier process left.
    /// - Throws: `EngineError` with code `storageUnavailable`.
    package init(directory: String) throws(EngineError) {
        self.directory = directory
        try files.makeDirectories(directory)
        // A position that can't be read is as none: the source is asked for its back-fill again, and doubles are refused.
        if let bytes = try files.read(path(Self.positionFile)), let json = try? JSONValue.parse(bytes) {
            position = json["position"]?.integerValue
            names = Set((json["metrics"]?.arrayValue ?? []).compactMap(\.stringValue))
        }
        pending = try files.names(in: directory).compactMap(Batch.init(fileName:)).sorted { $0.start < $1.start }
        if let last = pending.last { position = max(position ?? last.end, last.end) }
    }

    /// Keeps an answer until it is acknowledged. Durable when this returns.
    mutating func add(_ samples: [IncomingSample], _ batch: Batch) throws(EngineError) {
        if samples.isEmpty {
            // Behind answers that wait, the position follows from the last of them; a silent stretch is then asked for again at worst.
            if pending.isEmpty { try savePosition(batch.end) }
        } else {
            var writer = JSONWriter()
            writer.beginArray()
            for item in samples {
                writer.beginArray()
                writer.value(item.name)
                writer.value(item.sample.timestamp)
                writer.value(item.sample.value)
                writer.endArray()
            }
            writer.endArray()
            try replace(batch.fileName, writer.bytes)
            pending.append(batch)
        }
        position = batch.end
    }

    /// The samples of an answer that waits.
    /// - Returns: nil when the file is damaged or gone.
    func samples(of batch: Batch) throws(EngineError) -> [IncomingSample]? {
        guard let bytes = try files.read(path(batch.fileName)), let items = (try? JSONValue.parse(bytes))?.arrayValue
        else { return nil }
        var samples: [IncomingSample] = []
        for item in items {
            guard let fields = item.arrayValue, fields.count == 3, let name = fields[0].stringValue,
                let time = fields[1].integerValue, let value = fields[2].doubleValue
            else { return nil }
            samples.append(IncomingSample(name: name, sample: Sample(timestamp: time, value: value)))
        }
        return samples
    }

    /// The engine has acknowledged the oldest answer.
    /// - Parameter delivered: The metrics in it.
    mutating func removeFirst(delivered: some Sequence<String>) throws(EngineError) {
        let batch = pending[0]
        for name in delivered where names.count < Self.mostNames { names.insert(name) }
        try savePosition(batch.end)
        try files.removeFile(path(batch.fileName))
        pending.removeFirst()
    }

    /// Forgets all that waits from the oldest on, so that the source is asked for it again.
    mutating func askAgainFromFirst() throws(EngineError) {
        guard let first = pending.first else { return }
        for batch in pending.reversed() {
            try files.removeFile(path(batch.fileName))
            pending.removeLast()
        }
        try savePosition(first.start)
        position = first.start
    }

    private func savePosition(_ position: Int64) throws(EngineError) {
        let names = JSONValue.array(names.sorted().map(JSONValue.string))
        let json = JSONValue.object(["position": .integer(position), "metrics": names])
        try replace(Self.positionFile, Array(json.text.utf8))
    }

    private func replace(_ name: String, _ bytes: [UInt8]) throws(EngineError) {
        let temporary = path(name + ".new")
        try files.write(bytes, to: temporary)
        try files.rename(temporary, to: path(name))
        try files.syncDirectory(directory)
    }

    private func path(_ name: String) -> String { directory + "/" + name }
}
