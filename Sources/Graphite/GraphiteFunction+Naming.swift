// SPDX-License-Identifier: Apache-2.0

import EngineCore

extension GraphiteFunction {
    private static let seriesList = Declaration(name: "seriesList", kind: .seriesList)

    /// What changes only how a series is called.
    static let naming: [GraphiteFunction] = [
        GraphiteFunction(
            name: "alias",
            summary: "Calls the series by the given text.",
            parameters: [seriesList, Declaration(name: "newName", kind: .string)]
        ) { call in
            renamed(call) { _ in call.string("newName") ?? "" }
        },
        GraphiteFunction(
            name: "aliasByNode",
            summary: "Calls each series by the given parts of its dotted name, counted from 0.",
            parameters: [seriesList, Declaration(name: "nodes", kind: .nodes, isRepeated: true)]
        ) { call in
            try renamed(call) { try key(of: $0, nodes: call.repeated) }
        },
        GraphiteFunction(
            name: "aliasByMetric",
            summary: "Calls each series by the last part of its dotted name.",
            parameters: [seriesList]
        ) { call in
            renamed(call) { series in
                let path = basePath(of: series)
                return GraphitePattern.nodes(of: path).last.map(String.init) ?? path
            }
        },
        GraphiteFunction(
            name: "consolidateBy",
            summary:
                "Says how values are put together when there are more than fit: sum, average, min, max, first, last.",
            parameters: [seriesList, Declaration(name: "consolidationFunc", kind: .string)]
        ) { call in
            let aggregation = try call.aggregation("consolidationFunc", standard: .average)
            let text = call.string("consolidationFunc") ?? ""
            return call.seriesList.map { series in
                var series = series
                series.consolidation = aggregation
                series.tags["consolidateBy"] = text
                series.name = "consolidateBy(\(series.name),\"\(text)\")"
                series.pathExpression = series.name
                return series
            }
        },
    ]

    private static func renamed(
        _ call: GraphiteCall,
        _ name: (GraphiteSeries) throws -> String
    ) rethrows -> [GraphiteSeries] {
        try call.seriesList.map { series in
            var series = series
            series.name = try name(series)
            return series
        }
    }

    /// The dotted name a series' name is built on.
    static func basePath(of series: GraphiteSeries) -> String {
        guard series.name.hasSuffix(")"), let parsed = try? GraphiteParser.parse(series.name) else {
            return series.name
        }
        return parsed.firstPath ?? series.name
    }

    /// The parts of a series' dotted name that `nodes` number (from the end when negative), or the tags they name.
    static func key(of series: GraphiteSeries, nodes: [GraphiteEvaluator.Value]) throws -> String {
        let parts = GraphitePattern.nodes(of: basePath(of: series))
        return nodes.map { node in
            switch node {
            case .scalar(.number(let number)):
                guard number.value.magnitude < 1e6, let whole = Int(exactly: number.value) else { return "" }
                let index = whole < 0 ? parts.count + whole : whole
                return parts.indices.contains(index) ? String(parts[index]) : series.tags[number.text] ?? ""
            case .scalar(.string(let tag)): return series.tags[tag] ?? ""
            default: return ""
            }
        }.joined(separator: ".")
    }
}
