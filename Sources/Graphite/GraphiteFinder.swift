// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// A place in the tree of dotted names: a series, or a branch with series below it.
package struct GraphiteNode: Sendable, Hashable {
    /// The full dotted name.
    package var path: String
    package var isLeaf: Bool

    /// The last part of the name.
    package var name: String {
        GraphitePattern.nodes(of: path).last.map(String.init) ?? path
    }
}

/// A series that can be fetched.
package struct GraphiteSeriesReference: Sendable, Hashable {
    package var path: String
    package var uid: String
    package var column: GraphiteColumn
}

/// Finds names in the tree: every metric under its own name, and those with a model again below `anomaly.` and `raw.`
package struct GraphiteFinder: Sendable {
    private let source: any GraphiteSource

    package init(source: any GraphiteSource) { self.source = source }

    /// Nodes exactly as deep as the pattern that match it, in order of their names; a name that is both series and branch comes twice.
    package func nodes(matching pattern: GraphitePattern) throws -> [GraphiteNode] {
        var found: Set<GraphiteNode> = []
        try forEachCandidate(pattern, withBranches: true) { path, _, _ in
            let parts = GraphitePattern.nodes(of: path)
            guard pattern.matchesPrefix(parts) else { return }
            let isLeaf = parts.count == pattern.depth
            let prefix = isLeaf ? path : parts.prefix(pattern.depth).joined(separator: ".")
            found.insert(GraphiteNode(path: prefix, isLeaf: isLeaf))
        }
        return found.sorted { ($0.path, $0.isLeaf ? 1 : 0) < ($1.path, $1.isLeaf ? 1 : 0) }
    }

    /// Series whose whole names match, in order of their names.
    package func series(matching pattern: GraphitePattern) throws -> [GraphiteSeriesReference] {
        var found: [String: GraphiteSeriesReference] = [:]
        try forEachCandidate(pattern, withBranches: false) { path, metric, column in
            guard pattern.matches(path) else { return }
            // A metric really named `anomaly.x` goes before the scores of `x`.
            if column != .value, found[path] != nil { return }
            found[path] = GraphiteSeriesReference(path: path, uid: metric.uid, column: column)
        }
        return found.values.sorted { $0.path < $1.path }
    }

    /// Calls `body` for every series that may match, samples before scores.
    private func forEachCandidate(
        _ pattern: GraphitePattern,
        withBranches: Bool,
        _ body: (String, GraphiteMetric, GraphiteColumn) -> Void
    ) throws {
        for metric in try candidates(pattern.exactName ?? pattern.coarse, withBranches) {
            body(metric.name, metric, .value)
        }
        for column in [GraphiteColumn.anomaly, .raw] {
            // The first node of the pattern must match the column's word; the rest is a pattern for the metric's name.
            guard pattern.matchesFirstNode(column.rawValue) else { continue }
            let rest = pattern.coarseAfterFirstNode
            let candidates = try candidates(rest ?? "*", withBranches && rest != nil)
            for metric in candidates where metric.hasScores {
                body("\(column.rawValue).\(metric.name)", metric, column)
            }
        }
    }

    private func candidates(_ pattern: String, _ withBranches: Bool) throws -> [GraphiteMetric] {
        try source.metrics(matching: withBranches && !pattern.hasSuffix("*") ? [pattern, pattern + ".*"] : [pattern])
    }
}
