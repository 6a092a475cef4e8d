// SPDX-License-Identifier: Apache-2.0

/// The dashboard's pages and files, all embedded in the program.
enum Dashboard {
    static func register(on router: inout HTTPRouter) {
        router.on("GET", "/") { _, _ in try file("index.html") }
        router.on("GET", "/favicon.ico") { _, _ in try file("favicon.svg") }
        router.on("GET", "/_assets/{name}") { _, parameters in try file(parameters["name"]) }
        router.on("GET", "/_openapi.json") { _, _ in try file("openapi.json") }
    }

    private static func file(_ name: String) throws -> HTTPResponse {
        guard let asset = WebAssets.all[name] else { throw HTTPError.problem(404, "there is no such file") }
        return HTTPResponse(
            status: 200,
            headers: [HTTPField("Content-Type", asset.contentType)],
            body: .bytes(asset.bytes)
        )
    }
}
