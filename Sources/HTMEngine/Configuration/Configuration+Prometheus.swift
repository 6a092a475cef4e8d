// SPDX-License-Identifier: Apache-2.0

import EngineCore

extension Configuration {
    /// Most queries: each has a thread.
    private static let mostQueries = 200

    /// What `[prometheus]` asks for: a source for each query.
    /// - Throws: ``ConfigurationError`` naming the key.
    package func prometheusSources() throws -> [PrometheusDatasource] {
        let url = settings.text(.prometheusURL)
        let lines = settings.text(.prometheusQueries).replacing(/\\\s*\n/, with: " ")
            .split(whereSeparator: \.isNewline).map { $0.trimmed }.filter { !$0.isEmpty }
        if url.isEmpty {
            guard lines.isEmpty else {
                throw settings.wrong(.prometheusURL, expected: "the address of a server, since there are queries")
            }
            return []
        }
        guard PrometheusDatasource.isServer(url) else {
            throw settings.wrong(
                .prometheusURL,
                expected: "an address such as http://localhost:9090 or https://host/path"
            )
        }
        guard !lines.isEmpty, lines.count <= Self.mostQueries else {
            throw settings.wrong(.prometheusQueries, expected: "1 to \(Self.mostQueries) lines NAME = PROMQL")
        }
        let interval = settings.integer(.prometheusInterval)
        let period = interval > 0 ? interval : settings.integer(.pollInterval)
        let step = settings.integer(.prometheusStep)
        var names: Set<String> = []
        return try lines.map { line in
            let parts = line.split(separator: "=", maxSplits: 1).map(\.trimmed)
            guard parts.count == 2, !parts[1].isEmpty, Metric.refusal(ofName: parts[0]) == nil else {
                throw settings.wrong(.prometheusQueries, expected: "lines NAME = PROMQL ('\(line)' is none)")
            }
            guard names.insert(parts[0]).inserted else {
                throw settings.wrong(.prometheusQueries, expected: "each name once ('\(parts[0])' comes twice)")
            }
            var source = PrometheusDatasource(
                url: url,
                metric: parts[0],
                query: parts[1],
                step: .seconds(step > 0 ? step : period)
            )
            source.schedule.interval = .seconds(period)
            source.schedule.backfill = .seconds(settings.integer(.prometheusBackfill))
            source.credentials = prometheusCredentials
            return source
        }
    }

    private var prometheusCredentials: PrometheusDatasource.Credentials {
        let (token, user) = (settings.text(.prometheusToken), settings.text(.prometheusUser))
        if !token.isEmpty { return .bearer(token) }
        return user.isEmpty ? .none : .basic(user: user, password: settings.text(.prometheusPassword))
    }
}

extension StringProtocol {
    fileprivate var trimmed: String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest)
    }
}
