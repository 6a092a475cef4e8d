// SPDX-License-Identifier: Apache-2.0

import EngineCore

extension GraphiteFunction {
    private static let seriesLists = Declaration(name: "seriesLists", kind: .seriesList, isRepeated: true)

    /// What makes one series out of several.
    static let combining: [GraphiteFunction] =
        [
            ("sumSeries", "Adds the series up.", .sum, "sum"),
            ("sum", "As sumSeries.", .sum, "sum"),
            ("averageSeries", "The mean of the series at each time.", .average, "average"),
            ("avg", "As averageSeries.", .average, "average"),
            ("maxSeries", "The highest of the series at each time.", .max, "max"),
            ("minSeries", "The lowest of the series at each time.", .min, "min"),
            ("diffSeries", "The first series less all others.", .diff, "diff"),
            ("multiplySeries", "The product of the series.", .multiply, "multiply"),
            ("medianSeries", "The median of the series at each time.", .median, "median"),
            ("stddevSeries", "The standard deviation of the series at each time.", .stddev, "stddev"),
        ].map { (entry: (name: String, summary: String, aggregation: GraphiteAggregation, word: String)) in
            GraphiteFunction(name: entry.name, summary: entry.summary, parameters: [seriesLists]) { call in
                combine(call.seriesList, by: entry.aggregation, word: entry.word).map { [$0] } ?? []
            }
        } + [
            GraphiteFunction(
                name: "aggregate",
                summary: "Puts the series together by the aggregation named.",
                parameters: [
                    Declaration(name: "seriesList", kind: .seriesList), Declaration(name: "func", kind: .string),
                ]
            ) { call in
                let aggregation = try call.aggregation("func", standard: .average)
                return combine(call.seriesList, by: aggregation, word: call.string("func") ?? "").map { [$0] } ?? []
            },
            GraphiteFunction(
                name: "groupByNode",
                summary: "One series for each value of a part of the dotted name, by average unless another is named.",
                parameters: [
                    Declaration(name: "seriesList", kind: .seriesList), Declaration(name: "nodeNum", kind: .number),
                    Declaration(name: "callback", kind: .string, isRequired: false),
                ]
            ) { try groupByNode($0) },
            GraphiteFunction(name: "group", summary: "All series together in one list.", parameters: [seriesLists]) {
                $0.seriesList
            },
        ]

    /// Brings series to one step and puts them together value by value.
    /// - Returns: Nil when there are none.
    static func combine(
        _ list: [GraphiteSeries],
        by aggregation: GraphiteAggregation,
        word: String
    ) -> GraphiteSeries? {
        guard let first = list.first else { return nil }
        let step = commonStep(list.map(\.step))
        let start = list.map(\.start).min() ?? first.start
        let count = list.map { Int(($0.end - start + step - 1) / step) }.max() ?? 0
        // Per series, its values brought to the common grid, which begins at `start`.
        let grids = list.map { onGrid($0, start: start, step: step, count: count) }
        var paths: [String] = []
        for series in list where !paths.contains(series.pathExpression) { paths.append(series.pathExpression) }
        let name = "\(word)Series(\(paths.joined(separator: ",")))"
        var tags = first.tags
        for series in list { tags = tags.filter { series.tags[$0.key] == $0.value } }
        tags["name"] = tags["name"] ?? name
        tags["aggregatedBy"] = word
        return GraphiteSeries(
            name: name,
            start: start,
            end: start + Int64(count) * step,
            step: step,
            values: (0..<count).map { index in aggregation(grids.map { $0[index] }) },
            tags: tags
        )
    }

    /// The least common multiple, as Graphite takes it, unless that is far coarser than the coarsest series (intervals are estimated here,
    /// and 299 s with 301 s must not give a day).
    private static func commonStep(_ steps: [Int64]) -> Int64 {
        let coarsest = steps.max() ?? 1
        var multiple: Int64 = 1
        for step in steps {
            var (a, b) = (multiple, step)
            while b != 0 { (a, b) = (b, a % b) }
            multiple = multiple / a * step
            if multiple > 4 * coarsest { return coarsest }
        }
        return multiple
    }

    private static func onGrid(_ series: GraphiteSeries, start: Int64, step: Int64, count: Int) -> [Double?] {
        var grid = [Double?](repeating: nil, count: count)
        var index = 0
        while index < series.values.count {
            let slot = Int((series.start + Int64(index) * series.step - start) / step)
            var next = index + 1
            while next < series.values.count, Int((series.start + Int64(next) * series.step - start) / step) == slot {
                next += 1
            }
            if grid.indices.contains(slot) { grid[slot] = series.consolidation(series.values[index..<next]) }
            index = next
        }
        return grid
    }

    private static func groupByNode(_ call: GraphiteCall) throws -> [GraphiteSeries] {
        var word = call.string("callback") ?? "average"
        if word.hasSuffix("Series") { word.removeLast(6) }
        guard let aggregation = GraphiteAggregation(name: word) else {
            throw EngineError(.invalidArgument, "groupByNode: unknown aggregation '\(word)'")
        }
        let node = GraphiteEvaluator.Value.scalar(.number(call.requiredNumber("nodeNum")))
        var keys: [String] = []
        var groups: [String: [GraphiteSeries]] = [:]
        for series in call.seriesList {
            let key = try key(of: series, nodes: [node])
            if groups[key] == nil { keys.append(key) }
            groups[key, default: []].append(series)
        }
        return keys.compactMap { key in
            guard var series = combine(groups[key] ?? [], by: aggregation, word: word) else { return nil }
            series.name = key
            return series
        }
    }
}
