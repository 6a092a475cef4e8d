// SPDX-License-Identifier: Apache-2.0

/// Draws a series with its anomaly score as inline SVG: values above, score below, windows shaded, detections marked.
struct SeriesPlot {
    let values: [Double]
    let scores: [Double]
    let windows: [ClosedRange<Int>]
    /// Records up to here are shaded grey: they don't count.
    let probation: Int
    let threshold: Double
    let detections: [Int]
    /// Text shown when the pointer rests on a detection.
    let notes: [Int: String]

    private static let width = 1100
    private static let valueHeight = 150
    private static let scoreHeight = 50

    func svg() -> String {
        let total = Self.valueHeight + Self.scoreHeight + 8
        var text = "<svg viewBox=\"0 0 \(Self.width) \(total)\" preserveAspectRatio=\"none\" role=\"img\">"
        text += "<rect class=\"probation\" x=\"0\" y=\"0\" width=\"\(x(probation))\" height=\"\(total)\"/>"
        for window in windows {
            let width = Swift.max(1, x(window.upperBound) - x(window.lowerBound))
            text +=
                "<rect class=\"window\" x=\"\(x(window.lowerBound))\" y=\"0\" width=\"\(width)\" height=\"\(total)\"/>"
        }
        let (low, high) = (values.min() ?? 0, values.max() ?? 1)
        text +=
            "<path class=\"value\" d=\"\(envelope(values, low: low, high: high, top: 0, height: Self.valueHeight))\"/>"
        let scoreTop = Self.valueHeight + 8
        let top = Swift.max(scores.max() ?? 1, .leastNormalMagnitude)
        text +=
            "<path class=\"score\" d=\"\(envelope(scores, low: 0, high: top, top: scoreTop, height: Self.scoreHeight))\"/>"
        if threshold <= top {
            let y = rounded(Double(scoreTop) + Double(Self.scoreHeight) * (1 - threshold / top))
            text += "<path class=\"threshold\" d=\"M0 \(y)H\(Self.width)\"/>"
        }
        for record in detections {
            let isHit = windows.contains { $0.contains(record) }
            text += "<path class=\"\(isHit ? "hit" : "false")\" d=\"M\(x(record)) 0V\(total)\">"
            text +=
                "<title>record \(record)\(notes[record].map { ": " + NABReportPage.escape($0) } ?? "")</title></path>"
        }
        return text + "</svg>"
    }

    private func x(_ record: Int) -> Double {
        rounded(Double(record) * Double(Self.width) / Double(Swift.max(1, values.count - 1)))
    }

    private func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

    /// A path through the lowest and highest value of each pixel column: no spike is lost, however long the series.
    private func envelope(_ series: [Double], low: Double, high: Double, top: Int, height: Int) -> String {
        let span = high > low ? high - low : 1
        func y(_ value: Double) -> Double { rounded(Double(top) + Double(height) * (1 - (value - low) / span)) }
        var path = ""
        let columns = Swift.min(Self.width, series.count)
        for column in 0..<columns {
            let range = (column * series.count / columns)..<((column + 1) * series.count / columns)
            guard let lowest = series[range].min(), let highest = series[range].max(), lowest.isFinite, highest.isFinite
            else { continue }
            path += path.isEmpty ? "M" : "L"
            path += "\(x(range.lowerBound)) \(y(lowest))"
            if y(highest) != y(lowest) { path += "V\(y(highest))" }
        }
        return path
    }
}
