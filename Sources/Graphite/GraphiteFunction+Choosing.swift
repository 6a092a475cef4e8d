// SPDX-License-Identifier: Apache-2.0

import EngineCore

extension GraphiteFunction {
    private static let seriesList = Declaration(name: "seriesList", kind: .seriesList)
    private static let n = Declaration(name: "n", kind: .number)

    /// What picks or orders series.
    static let choosing: [GraphiteFunction] = [
        GraphiteFunction(name: "limit", summary: "The first n series.", parameters: [seriesList, n]) { call in
            Array(call.seriesList.prefix(try call.count("n")))
        },
        GraphiteFunction(
            name: "highestMax",
            summary: "The n series with the highest highest value.",
            parameters: [seriesList, n]
        ) { try ranked($0, by: .max, highestFirst: true) },
        GraphiteFunction(
            name: "highestAverage",
            summary: "The n series with the highest mean.",
            parameters: [seriesList, n]
        ) { try ranked($0, by: .average, highestFirst: true) },
        GraphiteFunction(
            name: "highestCurrent",
            summary: "The n series with the highest last value.",
            parameters: [seriesList, n]
        ) { try ranked($0, by: .last, highestFirst: true) },
        GraphiteFunction(
            name: "lowestAverage",
            summary: "The n series with the lowest mean.",
            parameters: [seriesList, n]
        ) { try ranked($0, by: .average, highestFirst: false) },
        GraphiteFunction(name: "sortByMaxima", summary: "The highest first.", parameters: [seriesList]) { call in
            sorted(call.seriesList, by: .max, highestFirst: true)
        },
        GraphiteFunction(name: "sortByName", summary: "In the order of their names.", parameters: [seriesList]) {
            call in
            call.seriesList.sorted { $0.name < $1.name }
        },
    ]

    private static func ranked(
        _ call: GraphiteCall,
        by aggregation: GraphiteAggregation,
        highestFirst: Bool
    ) throws -> [GraphiteSeries] {
        let count = try call.count("n")
        return Array(sorted(call.seriesList, by: aggregation, highestFirst: highestFirst).prefix(count))
    }

    /// Equal ones stay in their order.
    private static func sorted(
        _ list: [GraphiteSeries],
        by aggregation: GraphiteAggregation,
        highestFirst: Bool
    ) -> [GraphiteSeries] {
        let keyed = list.enumerated().map { (offset: $0, key: aggregation($1.values) ?? -.infinity, series: $1) }
        return keyed.sorted { left, right in
            if left.key == right.key { return left.offset < right.offset }
            return highestFirst ? left.key > right.key : left.key < right.key
        }.map(\.series)
    }

    /// What draws a line without any metric.
    static let lines: [GraphiteFunction] = [
        GraphiteFunction(
            name: "constantLine",
            summary: "A line at one value.",
            parameters: [Declaration(name: "value", kind: .number)]
        ) { [line($0)] },
        GraphiteFunction(
            name: "threshold",
            summary: "A line at one value, with a name.",
            parameters: [
                Declaration(name: "value", kind: .number), Declaration(name: "label", kind: .string, isRequired: false),
                Declaration(name: "color", kind: .string, isRequired: false),
            ]
        ) { call in
            var series = line(call)
            if let label = call.string("label") { series.name = label }
            return [series]
        },
    ]

    private static func line(_ call: GraphiteCall) -> GraphiteSeries {
        let number = call.requiredNumber("value")
        let text = NumberFormat.shortest(number.value)
        let (from, until) = (call.window.from, call.window.until)
        return GraphiteSeries(
            name: text,
            pathExpression: "constantLine(\(text))",
            start: from,
            end: until,
            step: max(1, (until - from) / 2),
            values: [number.value, number.value, number.value]
        )
    }
}
