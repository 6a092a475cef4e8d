// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The sparkline and the strip of anomaly bars of one metric over one window.
struct MetricBars {
    /// A bar without scored rows is nil.
    struct Bar {
        var score: Double
        var isLearning: Bool

        var level: Level { isLearning ? .learning : Level(score: score) }
    }

    var bars: [Bar?] = []
    var points: [(time: Int64, value: Double)] = []

    /// Beyond so many rows in the window, bars are asked of the database one by one and the sparkline is a sample.
    private static let mostRowsRead: Int64 = 6000

    /// - Parameters:
    ///   - end: Unix seconds, the end of the window, included. A metric whose newest sample lies before the window is shown over
    ///     its own last such window instead.
    ///   - barCount: 0 for none.
    ///   - pointCount: About how many points the sparkline has; 0 for none.
    init(
        _ summary: MetricDocument,
        end: Int64,
        hours: Int,
        barCount: Int,
        pointCount: Int,
        _ reading: any MetricReading
    ) throws {
        guard barCount > 0 || pointCount > 0 else { return }
        bars = Array(repeating: nil, count: barCount)
        guard let newest = summary.newest else { return }
        let seconds = Int64(hours) * 3600
        let end = newest.timestamp <= end - seconds || newest.timestamp > end ? newest.timestamp : end
        let uid = summary.metric.uid
        guard let first = try reading.rowid(uid: uid, atOrAfter: end - seconds + 1) else { return }
        let last = summary.metric.lastRowid
        guard first <= last else { return }
        let learnt = summary.row.baseRowid + LearningState.rowsToLearn
        let isScored = summary.metric.status.isMonitored
        if last - first < Self.mostRowsRead {
            let rows = try reading.rows(RowQuery(uid: uid, rowids: first...last))
            if isScored { fillBars(rows, end: end, seconds: seconds, learnt: learnt) }
            if pointCount > 0 {
                points = Downsampler.extremes(rows, about: pointCount).map { (rows[$0].timestamp, rows[$0].value) }
            }
        } else {
            if isScored {
                try askBars(uid, end: end, seconds: seconds, learnt: learnt, last: last, reading)
            }
            try sample(uid, first...last, count: pointCount, reading)
        }
    }

    private mutating func fillBars(_ rows: [MetricRow], end: Int64, seconds: Int64, learnt: Int64) {
        let count = Int64(bars.count)
        guard count > 0 else { return }
        for row in rows {
            guard let score = row.anomalyScore else { continue }
            let index = Int(count - 1 - min(count - 1, (end - row.timestamp) * count / seconds))
            let isLearning = row.rowid <= learnt
            guard let known = bars[index] else {
                bars[index] = Bar(score: score, isLearning: isLearning)
                continue
            }
            if known.isLearning && !isLearning {
                bars[index] = Bar(score: score, isLearning: false)
            } else if known.isLearning == isLearning, score > known.score {
                bars[index]?.score = score
            }
        }
    }

    private mutating func askBars(
        _ uid: String,
        end: Int64,
        seconds: Int64,
        learnt: Int64,
        last: Int64,
        _ reading: any MetricReading
    ) throws {
        let count = bars.count
        guard count > 0 else { return }
        // Bar i holds the rows from bounds[i] up to bounds[i + 1].
        let bounds = try (0...count).map { index -> Int64 in
            let time = end - seconds + 1 + seconds * Int64(index) / Int64(count)
            return try reading.rowid(uid: uid, atOrAfter: time) ?? last + 1
        }
        for index in 0..<count where bounds[index] < bounds[index + 1] {
            let rowids = bounds[index]...bounds[index + 1] - 1
            let meaningful = max(rowids.lowerBound, learnt + 1)
            if meaningful <= rowids.upperBound {
                bars[index] = try reading.highestScore(uid: uid, rowids: meaningful...rowids.upperBound)
                    .map { Bar(score: $0, isLearning: false) }
            } else {
                bars[index] = try reading.highestScore(uid: uid, rowids: rowids).map {
                    Bar(score: $0, isLearning: true)
                }
            }
        }
    }

    private mutating func sample(
        _ uid: String,
        _ rowids: ClosedRange<Int64>,
        count: Int,
        _ reading: any MetricReading
    ) throws {
        guard count > 1 else { return }
        for index in 0..<count {
            let rowid = rowids.lowerBound + (rowids.upperBound - rowids.lowerBound) * Int64(index) / Int64(count - 1)
            if let row = try reading.rows(RowQuery(uid: uid, rowids: rowid...rowid)).first {
                points.append((row.timestamp, row.value))
            }
        }
    }

    func writeFields(barCount: Int, pointCount: Int, to writer: inout JSONWriter) {
        if barCount > 0 {
            writer.key("bars")
            writer.beginArray()
            for bar in bars {
                guard let bar else {
                    writer.null()
                    continue
                }
                writer.beginObject()
                writer.field("score", bar.score)
                writer.field("display_value", DisplayValue.of(anomalyScore: bar.score))
                writer.field("level", bar.level.rawValue)
                writer.endObject()
            }
            writer.endArray()
        }
        if pointCount > 0 {
            writer.key("spark")
            writer.beginArray()
            for point in points {
                writer.beginArray()
                writer.value(point.time)
                writer.value(point.value)
                writer.endArray()
            }
            writer.endArray()
        }
    }
}

/// Thins rows out for a chart without losing extremes.
enum Downsampler {
    /// Indexes of the rows to keep, rising: the first and last of all, and of each of `about / 4` equal stretches of time the rows
    /// with the lowest and highest value and with the highest anomaly score.
    static func extremes(_ rows: [MetricRow], about count: Int) -> [Int] {
        guard rows.count > max(count, 2), let first = rows.first, let last = rows.last else {
            return Array(rows.indices)
        }
        let buckets = max(1, count / 4)
        let width = max(1, Double(last.timestamp - first.timestamp + 1) / Double(buckets))
        var kept: [Int] = [0]
        kept.reserveCapacity(count + 2)
        var start = 0
        while start < rows.count {
            let bucket = Int(Double(rows[start].timestamp - first.timestamp) / width)
            var end = start + 1
            var (low, high, top) = (start, start, start)
            while end < rows.count, Int(Double(rows[end].timestamp - first.timestamp) / width) == bucket {
                if rows[end].value < rows[low].value { low = end }
                if rows[end].value > rows[high].value { high = end }
                if (rows[end].anomalyScore ?? -1) > (rows[top].anomalyScore ?? -1) { top = end }
                end += 1
            }
            for index in [low, high, top].sorted() where index > kept[kept.count - 1] { kept.append(index) }
            start = end
        }
        if kept[kept.count - 1] != rows.count - 1 { kept.append(rows.count - 1) }
        return kept
    }
}
