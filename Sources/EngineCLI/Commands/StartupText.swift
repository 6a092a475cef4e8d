// SPDX-License-Identifier: Apache-2.0

import HTMEngine

/// What `serve` prints when it is ready: where data goes in and where to look.
enum StartupText {
    static func text(
        _ configuration: Configuration,
        _ services: Set<Engine.Service>,
        _ endpoints: Engine.Endpoints
    ) -> String {
        var lines = ["htmengine \(HTMEngineVersion.current) is running."]
        let place = configuration.repository == .sqlite ? "SQLite in \(configuration.dataDirectory)" : "MySQL"
        let bus = configuration.bus == .memory ? "in-process bus" : "RabbitMQ"
        lines.append("  Storage   \(place), \(bus) (\(configuration.reason))")
        if let file = configuration.configurationDirectory { lines.append("  Settings  \(file)") }
        if services.count < Engine.Service.allCases.count {
            let names = Engine.Service.allCases.filter(services.contains).map(\.rawValue)
            lines.append("  Services  \(names.joined(separator: ", "))")
        }
        if let address = endpoints.graphite.first {
            lines.append("  Send      Graphite plaintext to \(endpoints.graphite.joined(separator: ", ")):")
            lines.append("              echo \"my.metric 1.5 $(date +%s)\" > /dev/tcp/\(devTCP(address))")
        }
        if let address = endpoints.http.first {
            let scheme = configuration.servesTLS ? "https" : "http"
            lines.append("            HTTP to \(endpoints.http.joined(separator: ", ")):")
            lines.append("              curl \(scheme)://\(address)/my.metric -d \"1.5 $(date +%s)\"")
            lines.append("  Look      \(scheme)://\(address)/ in a browser, or curl \(scheme)://\(address)/my.metric")
        }
        if endpoints.socket != nil {
            let isDefault = configuration.dataDirectory.hasSuffix("/" + Configuration.defaultDataDirectory)
            let option = isDefault ? "" : " --data \(configuration.dataDirectory)"
            lines.append("            htmengine metrics\(option)")
        }
        lines.append("  Stop      Ctrl-C")
        return lines.joined(separator: "\n") + "\n"
    }

    /// As bash writes an address in a redirection.
    private static func devTCP(_ address: String) -> String {
        guard let colon = address.lastIndex(of: ":") else { return address }
        return "\(address[..<colon])/\(address[address.index(after: colon)...])"
    }
}
