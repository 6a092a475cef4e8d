// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Synchronization

/// The rows of a metric as GET prints them, oldest first, read in pages: path, value, Unix seconds, anomaly score.
final class RowLines: HTTPBodySource {
    private static let pageRows = 20_000

    private let repository: any MetricRepository
    private let uid: String
    private let label: String
    /// Rows stored after the request began are left out: the reply ends even when rows come faster than they are read.
    private let lastRowid: Int64
    private let state = Mutex(State())

    private struct State {
        var nextRowid: Int64 = 0
        var finished = false
        var cancelled = false
        var ready: [UInt8]?
    }

    init(repository: any MetricRepository, uid: String, label: String, lastRowid: Int64) {
        self.repository = repository
        self.uid = uid
        self.label = label
        self.lastRowid = lastRowid
    }

    var isFinished: Bool { state.withLock { $0.finished } }

    /// Gives a page back that is to be sent as the stream's first.
    func putBack(_ page: [UInt8]) { state.withLock { $0.ready = page } }

    func next() throws -> [UInt8]? {
        let ready = state.withLock { state in
            defer { state.ready = nil }
            return state.cancelled ? nil : state.ready
        }
        if let ready { return ready }
        if state.withLock({ $0.finished || $0.cancelled }) { return nil }
        return try page()
    }

    func cancel() { state.withLock { $0.cancelled = true } }

    /// Reads the next page; notes when it was the last.
    func page() throws -> [UInt8] {
        let start = state.withLock { $0.nextRowid }
        guard start <= lastRowid else {
            state.withLock { $0.finished = true }
            return []
        }
        var query = RowQuery(uid: uid)
        query.rowids = start...lastRowid
        query.limit = Self.pageRows
        let page = try repository.read { reading in
            var bytes: [UInt8] = []
            var count = 0
            var last = start
            try reading.forEachRow(query) { row in
                append(row, to: &bytes)
                count += 1
                last = row.rowid
                return true
            }
            return (bytes: bytes, count: count, last: last)
        }
        state.withLock { state in
            state.nextRowid = page.last + 1
            state.finished = page.count < Self.pageRows
        }
        return page.bytes
    }

    private func append(_ row: MetricRow, to bytes: inout [UInt8]) {
        let score = row.anomalyScore.map(NumberFormat.twelveDigits) ?? "None"
        bytes.append(contentsOf: "\(label) \(NumberFormat.twelveDigits(row.value)) \(row.timestamp) \(score)\n".utf8)
    }
}
