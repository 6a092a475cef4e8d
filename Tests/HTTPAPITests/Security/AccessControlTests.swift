// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import HTTPAPI
import Security
import TestSupport
import Testing

@Suite struct AccessControlTests {
    private let network = HTTPPeer.network(SocketAddress(bytes: [192, 0, 2, 1]))

    private func request(
        _ method: String,
        _ target: String,
        headers: [(String, String)] = [("Host", "localhost:8080")],
        peer: HTTPPeer? = nil
    ) throws -> HTTPRequest {
        let parts = target.split(separator: "?", maxSplits: 1)
        let query = (parts.count > 1 ? parts[1] : "").split(separator: "&").map { pair in
            let halves = pair.split(separator: "=", maxSplits: 1)
            return HTTPField(String(halves[0]), halves.count > 1 ? String(halves[1]) : "")
        }
        return try HTTPRequest(
            method: method,
            encodedPath: String(parts[0]),
            query: query,
            headers: headers.map { HTTPField($0.0, $0.1) },
            peer: peer ?? network
        )
    }

    /// The status the gate answers with; 200 when it lets the request through.
    private func status(_ access: AccessControl, _ request: HTTPRequest) -> Int {
        do {
            try access.gate(request)
            return 200
        } catch let error as HTTPError {
            return error.response.status
        } catch {
            return -1
        }
    }

    private func make(
        keys: [APIKey] = [],
        allowsUnauthenticated: Bool = false,
        hosts: [String] = []
    ) throws -> AccessControl {
        var configuration = AccessControl.Configuration()
        configuration.keys = keys
        configuration.allowsUnauthenticated = allowsUnauthenticated
        configuration.allowedHosts = hosts
        return try AccessControl(configuration: configuration, logger: SilentLogger())
    }

    @Test func rolesOpenWhatTheyShould() throws {
        var secrets: [APIRole: String] = [:]
        var keys: [APIKey] = []
        for role in APIRole.allCases {
            let (secret, key) = try APIKey.make(name: role.rawValue, role: role)
            secrets[role] = secret
            keys.append(key)
        }
        let access = try make(keys: keys)
        let needs: [(String, String, APIRole?)] = [
            ("GET", "/_health", nil), ("GET", "/load", .read), ("HEAD", "/load", .read), ("GET", "/metrics", .read),
            ("GET", "/_stream", .read), ("POST", "/render", .read), ("POST", "/metrics/find", .read),
            ("POST", "/_graphite/render", .read), ("POST", "/load", .write), ("PUT", "/load", .write),
            ("DELETE", "/load", .write), ("DELETE", "/load?data=false", .write), ("DELETE", "/load?data=true", .admin),
            ("DELETE", "/load?data", .admin), ("POST", "/_models", .write), ("DELETE", "/_models/x", .write),
            ("DELETE", "/_metrics/custom/x", .admin), ("DELETE", "/_instances", .admin), ("PATCH", "/x", .write),
            ("POST", "/_engine/backup", .admin),
        ]
        for (method, target, needed) in needs {
            let anonymous = status(access, try request(method, target))
            #expect(anonymous == (needed == nil ? 200 : 401), "\(method) \(target)")
            for role in APIRole.allCases {
                let headers = [("Host", "localhost"), ("Authorization", "Bearer \(secrets[role]!)")]
                let expected = needed.map { role >= $0 } ?? true ? 200 : 403
                #expect(
                    status(access, try request(method, target, headers: headers)) == expected,
                    "\(method) \(target) \(role)"
                )
            }
            #expect(status(access, try request(method, target, peer: .local)) == 200)
        }
    }

    @Test func wrongKeysAreCountedAndThenMadeToWait() throws {
        let (secret, key) = try APIKey.make(name: "k", role: .admin)
        let access = try make(keys: [key])
        let wrong = [("Host", "localhost"), ("Authorization", "Bearer nonsense")]
        var statuses: [Int] = []
        for _ in 0..<12 { statuses.append(status(access, try request("GET", "/x", headers: wrong))) }
        #expect(statuses == Array(repeating: 401, count: 10) + [429, 429])
        let right = [("Host", "localhost"), ("Authorization", "Bearer \(secret)")]
        #expect(status(access, try request("GET", "/x", headers: right)) == 429)
        let elsewhere = HTTPPeer.network(SocketAddress(bytes: [192, 0, 2, 2]))
        #expect(status(access, try request("GET", "/x", headers: right, peer: elsewhere)) == 200)
    }

    @Test func oneIPv6NetworkIsOneSender() throws {
        let (_, key) = try APIKey.make(name: "k", role: .admin)
        let access = try make(keys: [key])
        let wrong = [("Host", "localhost"), ("Authorization", "Bearer nonsense")]
        var last = 0
        for number in UInt8(0)..<12 {
            let address: [UInt8] = [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, number]
            let peer = HTTPPeer.network(SocketAddress(bytes: address))
            last = status(access, try request("GET", "/x", headers: wrong, peer: peer))
        }
        #expect(last == 429)
    }

    @Test func anotherSitesPageChangesNothing() throws {
        let access = try make()
        let refused: [[(String, String)]] = [
            [("Host", "localhost:8080"), ("Origin", "http://evil.example")],
            [("Host", "localhost:8080"), ("Origin", "null")],
            [("Host", "localhost:8080"), ("Origin", "http://localhost:9090")],
            [("Host", "localhost:8080"), ("Origin", "http://localhost:8080.evil.example")],
            [("Host", "localhost:8080"), ("Origin", "http://localhost:8080/x")],
            [("Host", "localhost:8080"), ("Sec-Fetch-Site", "cross-site")],
            [("Host", "localhost:8080"), ("Sec-Fetch-Site", "same-site")],
        ]
        for headers in refused {
            for method in ["POST", "PUT", "DELETE", "PATCH"] {
                #expect(status(access, try request(method, "/load", headers: headers)) == 403, "\(method) \(headers)")
            }
            #expect(status(access, try request("GET", "/load", headers: headers)) == 200)
        }
        let own = [("Host", "localhost:8080"), ("Origin", "http://localhost:8080"), ("Sec-Fetch-Site", "same-origin")]
        #expect(status(access, try request("POST", "/load", headers: own)) == 200)
        #expect(status(access, try request("POST", "/load")) == 200)
    }

    @Test func aForeignNamePointedHereIsRefused() throws {
        let access = try make()
        for host in [
            "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "", "1.2.3.400",
        ] {
            #expect(status(access, try request("GET", "/", headers: [("Host", host)])) == 403, "\(host)")
        }
        for host in [
            "localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080", "[::1]", "192.168.1.9", "a.localhost:1",
        ] {
            #expect(status(access, try request("GET", "/", headers: [("Host", host)])) == 200, "\(host)")
        }
        let named = try make(hosts: ["metrics.example"])
        #expect(status(named, try request("GET", "/", headers: [("Host", "Metrics.Example:8080")])) == 200)
        #expect(status(named, try request("GET", "/", headers: [("Host", "evil.example")])) == 403)
        let open = try make(allowsUnauthenticated: true)
        #expect(status(open, try request("GET", "/", headers: [("Host", "metrics")])) == 200)
    }

    @Test func withoutKeysOnlyLoopbackIsListenedOn() throws {
        let (_, key) = try APIKey.make(name: "k", role: .read)
        #expect(
            try make().refusalToListen(on: "0.0.0.0:8080", isLoopback: false)?.contains("htmengine key new") == true
        )
        #expect(try make().refusalToListen(on: "127.0.0.1:8080", isLoopback: true) == nil)
        #expect(try make(keys: [key]).refusalToListen(on: "0.0.0.0:8080", isLoopback: false) == nil)
        #expect(try make(allowsUnauthenticated: true).refusalToListen(on: "0.0.0.0:8080", isLoopback: false) == nil)
    }

    @Test func everyReplyForbidsForeignScriptsAndFrames() throws {
        let access = try make()
        var response = HTTPResponse.text("<script>alert(1)</script>")
        access.finish(try request("GET", "/"), &response)
        let names = Set(response.headers.map { $0.name.lowercased() })
        #expect(names.isSuperset(of: ["content-security-policy", "x-frame-options", "referrer-policy"]))
        let policy = try #require(response.headers.first { $0.name == "Content-Security-Policy" }?.value)
        #expect(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"))
        var own = HTTPResponse(status: 200, headers: [HTTPField("content-security-policy", "default-src 'self'")])
        access.finish(try request("GET", "/"), &own)
        #expect(own.headers.filter { $0.name.lowercased() == "content-security-policy" }.count == 1)
    }
}
