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
    name: "traffic",
    dependencies: [.package(name: "htmengine", path: engine)],
    targets: [
        program("make_archive"),
        program("replay"),
        program("record"),
    ],
    cLanguageStandard: .gnu2x
)
