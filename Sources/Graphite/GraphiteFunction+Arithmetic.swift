// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation

extension GraphiteFunction {
    private static let seriesList = Declaration(name: "seriesList", kind: .seriesList)

    /// What changes each value of a series.
    static let arithmetic: [GraphiteFunction] = [
        GraphiteFunction(
            name: "scale",
            summary: "Multiplies every value by a number.",
            parameters: [seriesList, Declaration(name: "factor", kind: .number)]
        ) { call in
            let factor = call.requiredNumber("factor")
            return changed(
                call,
                { "scale(\($0),\(general(factor.value)))" },
                tag: ("scale", NumberFormat.shortest(factor.value))
            ) {
                $0.map { $0 * factor.value }
            }
        },
        GraphiteFunction(
            name: "offset",
            summary: "Adds a number to every value.",
            parameters: [seriesList, Declaration(name: "factor", kind: .number)]
        ) { call in
            let factor = call.requiredNumber("factor")
            return changed(
                call,
                { "offset(\($0),\(general(factor.value)))" },
                tag: ("offset", NumberFormat.shortest(factor.value))
            ) {
                $0.map { $0 + factor.value }
            }
        },
        GraphiteFunction(name: "absolute", summary: "Takes the sign away.", parameters: [seriesList]) { call in
            changed(call, { "absolute(\($0))" }, tag: ("absolute", "1")) { $0.map(\.magnitude) }
        },
        GraphiteFunction(
            name: "removeBelowValue",
            summary: "Leaves out values below a number.",
            parameters: [seriesList, Declaration(name: "n", kind: .number)]
        ) { call in
            let bound = call.requiredNumber("n").value
            return changed(call, { "removeBelowValue(\($0), \(general(bound)))" }) {
                $0.flatMap { $0 < bound ? nil : $0 }
            }
        },
        GraphiteFunction(
            name: "removeAboveValue",
            summary: "Leaves out values above a number.",
            parameters: [seriesList, Declaration(name: "n", kind: .number)]
        ) { call in
            let bound = call.requiredNumber("n").value
            return changed(call, { "removeAboveValue(\($0), \(general(bound)))" }) {
                $0.flatMap { $0 > bound ? nil : $0 }
            }
        },
        GraphiteFunction(
            name: "keepLastValue",
            summary: "Fills gaps with the value before them, those of at most `limit` values when it is given.",
            parameters: [seriesList, Declaration(name: "limit", kind: .number, isRequired: false)]
        ) { call in
            let limit = call.number("limit")?.value ?? .infinity
            return call.seriesList.map { series in
                var series = series
                series.name = "keepLastValue(\(series.name))"
                series.pathExpression = series.name
                fillGaps(&series.values, limit: limit)
                return series
            }
        },
        GraphiteFunction(
            name: "summarize",
            summary: "Puts values together in spans such as \"1h\", by sum unless another aggregation is named.",
            parameters: [
                seriesList,
                Declaration(name: "intervalString", kind: .string),
                Declaration(name: "func", kind: .string, isRequired: false),
                Declaration(name: "alignToFrom", kind: .boolean, isRequired: false),
            ]
        ) { try summarize($0) },
    ]

    private static func changed(
        _ call: GraphiteCall,
        _ name: (String) -> String,
        tag: (String, String)? = nil,
        _ change: (Double?) -> Double?
    ) -> [GraphiteSeries] {
        call.seriesList.map { series in
            var series = series
            series.name = name(series.name)
            series.pathExpression = series.name
            if let tag { series.tags[tag.0] = tag.1 }
            series.values = series.values.map(change)
            return series
        }
    }

    private static func fillGaps(_ values: inout [Double?], limit: Double) {
        var lastKnown: Int?
        for index in 0...values.count where index == values.count || values[index] != nil {
            if let known = lastKnown, index - known > 1, Double(index - known - 1) <= limit {
                for gap in (known + 1)..<index { values[gap] = values[known] }
            }
            lastKnown = index
        }
    }

    private static func summarize(_ call: GraphiteCall) throws -> [GraphiteSeries] {
        let text = call.string("intervalString") ?? ""
        let interval = try GraphiteTime.parseOffset(text).magnitude
        guard interval >= 1, interval < 1 << 40 else {
            throw EngineError(.invalidArgument, "summarize: the span '\(text)' is wrong; expected one such as 1h")
        }
        let span = Int64(interval)
        let aggregation = try call.aggregation("func", standard: .sum)
        let function = call.string("func") ?? "sum"
        let alignsToFrom = call.boolean("alignToFrom") ?? false
        return try call.seriesList.map { series in
            var result = series
            if !alignsToFrom {
                result.start = series.start - series.start % span
                result.end = series.end - series.end % span + span
            }
            guard (result.end - result.start) / span < 1_000_000 else {
                throw EngineError(.invalidArgument, "summarize: the span '\(text)' makes more than a million values")
            }
            result.step = span
            result.values = []
            var index = 0
            var time = result.start
            while time < result.end {
                let first = index
                while index < series.values.count, series.start + Int64(index) * series.step < time + span {
                    index += 1
                }
                result.values.append(aggregation(series.values[first..<index]))
                time += span
            }
            if alignsToFrom { result.end = time }
            result.tags["summarize"] = text
            result.tags["summarizeFunction"] = function
            result.name = "summarize(\(series.name), \"\(text)\", \"\(function)\"\(alignsToFrom ? ", true" : ""))"
            return result
        }
    }

    /// A number as C's `%g` prints it, which is how it stands in names.
    static func general(_ value: Double) -> String { String(format: "%g", value) }
}
