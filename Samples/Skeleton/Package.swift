// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// Each program is one file in a folder of its name, and uses nothing but the engine's public face.
func program(_ name: String) -> Target {
    .executableTarget(name: name, dependencies: [.product(name: "HTMEngine", package: "htmengine")])
}

// The Makefile says where the engine is.
let engine = Context.environment["ENGINE"] ?? "../.."

let package = Package(
    name: "application",
    dependencies: [.package(name: "htmengine", path: engine)],
    targets: [
        program("migrate"),
        program("send_cpu"),
        program("create_cpu_percent_model"),
        program("consume_realtime_results"),
        program("webapp"),
    ],
    cLanguageStandard: .gnu2x
)
