// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Turns targets into series.
package struct GraphiteEvaluator {
    /// What one request may ask for, so that none can exhaust the memory.
    package struct Limits: Sendable {
        /// Series fetched for one request.
        package var series = 5000
        /// Values of one series; beyond, its step is widened.
        package var valuesPerSeries = 100_000
        /// Values of all series of one request together.
        package var values = 20_000_000

        package init() {}
    }

    /// The time asked for.
    package struct Window: Sendable, Hashable {
        /// Unix seconds; `from` < `until`.
        package var from: Int64
        package var until: Int64
        package var now: Int64

        package init(from: Int64, until: Int64, now: Int64) {
            self.from = from
            self.until = until
            self.now = now
        }
    }

    let window: Window
    private let source: any GraphiteSource
    private let limits: Limits
    private var fetchedSeries = 0
    private var fetchedValues = 0

    package init(source: any GraphiteSource, window: Window, limits: Limits = Limits()) {
        self.source = source
        self.window = window
        self.limits = limits
    }

    /// The series of one target.
    /// - Throws: `EngineError` with code `invalidArgument` for what the sender did wrong.
    package mutating func series(ofTarget target: String) throws -> [GraphiteSeries] {
        guard case .series(let series) = try evaluate(GraphiteParser.parse(target)) else {
            throw EngineError(.invalidArgument, "the target '\(target.prefix(100))' is no series")
        }
        return series
    }

    /// An argument of a function, evaluated.
    enum Value {
        case series([GraphiteSeries])
        case scalar(GraphiteExpression)
    }

    mutating func evaluate(_ expression: GraphiteExpression) throws -> Value {
        switch expression {
        case .path(let path): return .series(try fetch(path))
        case .number, .string, .boolean, .none: return .scalar(expression)
        case .call(let name, let arguments, let named):
            guard let function = GraphiteFunction.all[name] else {
                throw EngineError(
                    .invalidArgument,
                    "unknown function: \(name). Known are \(GraphiteFunction.all.keys.sorted().joined(separator: ", "))"
                )
            }
            var evaluated: [Value] = []
            for argument in arguments { evaluated.append(try evaluate(argument)) }
            var evaluatedNamed: [String: Value] = [:]
            for (key, argument) in named { evaluatedNamed[key] = try evaluate(argument) }
            let call = try GraphiteCall(function, arguments: evaluated, named: evaluatedNamed, window: window)
            return .series(try function.body(call))
        }
    }

    // MARK: Fetching

    private mutating func fetch(_ path: String) throws -> [GraphiteSeries] {
        let references = try GraphiteFinder(source: source).series(matching: GraphitePattern(path))
        fetchedSeries += references.count
        guard fetchedSeries <= limits.series else {
            throw EngineError(.invalidArgument, "the request asks for more than \(limits.series) series")
        }
        var result: [GraphiteSeries] = []
        for reference in references {
            guard var series = try fetch(reference) else { continue }
            series.pathExpression = path
            fetchedValues += series.values.count
            guard fetchedValues <= limits.values else {
                throw EngineError(.invalidArgument, "the request asks for more than \(limits.values) values")
            }
            result.append(series)
        }
        return result
    }

    /// Nil when the window lies in the future.
    private func fetch(_ reference: GraphiteSeriesReference) throws -> GraphiteSeries? {
        guard window.from <= window.now else { return nil }
        let until = min(window.until, window.now)
        let interval = try usualInterval(uid: reference.uid, until: until)
        let wanted = (until - window.from) / interval + 1
        let widening = max(1, (wanted + Int64(limits.valuesPerSeries) - 1) / Int64(limits.valuesPerSeries))
        let step = interval * widening
        // As Graphite's own files answer: the first step that begins after `from`, up to the one that holds `until`. A widened step
        // is too long to be left out.
        let start = floor(window.from, step) + (widening == 1 ? step : 0)
        var end = floor(until, step) + step
        if start >= end { end = start + step }
        let count = Int((end - start) / step)

        var buckets = [Double?](repeating: nil, count: count)
        let aggregation = reference.column.aggregation(isWidened: widening > 1)
        var pending: [Double?] = []
        var pendingIndex = -1
        func close() {
            if pendingIndex >= 0, pendingIndex < count { buckets[pendingIndex] = aggregation(pending) }
            pending.removeAll(keepingCapacity: true)
        }
        try source.forEachRow(uid: reference.uid, times: start...(end - 1)) { row in
            guard let value = reference.column.value(of: row) else { return }
            let index = Int((row.timestamp - start) / step)
            if index != pendingIndex { close() }
            pendingIndex = index
            pending.append(value)
        }
        close()
        return GraphiteSeries(
            name: reference.path,
            start: start,
            end: end,
            step: step,
            values: buckets,
            consolidation: reference.column == .value ? .average : .max
        )
    }

    /// The median distance of the newest hundred rows; 60 s when there is no telling. Unit: seconds.
    private func usualInterval(uid: String, until: Int64) throws -> Int64 {
        let times = try source.newestTimes(uid: uid, until: until, limit: 101)
        let distances = zip(times, times.dropFirst()).map { $0 - $1 }.filter { $0 > 0 }.sorted()
        return distances.isEmpty ? 60 : distances[distances.count / 2]
    }

    private func floor(_ time: Int64, _ step: Int64) -> Int64 {
        time - ((time % step) + step) % step
    }
}
