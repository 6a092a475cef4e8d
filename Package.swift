// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// A C library from Debian's packages, seen by the targets that name it and by no other.
func cLibrary(_ name: String, pkgConfig: String, package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

// The arrows point one way: see docs/ARCHITECTURE.md.
let package = Package(
    name: "htmengine",
    products: [
        .library(name: "HTM", targets: ["HTM"]),
        .library(name: "HTMEngine", targets: ["HTMEngine"]),
        .executable(name: "htmengine", targets: ["htmengine"]),
    ],
    targets: [
        cLibrary("CSQLite", pkgConfig: "sqlite3", package: "libsqlite3-dev"),
        cLibrary("CMariaDB", pkgConfig: "libmariadb", package: "libmariadb-dev"),
        cLibrary("CRabbitMQ", pkgConfig: "librabbitmq", package: "librabbitmq-dev"),
        cLibrary("CMicroHTTPD", pkgConfig: "libmicrohttpd", package: "libmicrohttpd-dev"),
        cLibrary("CZstd", pkgConfig: "libzstd", package: "libzstd-dev"),
        cLibrary("CDeflate", pkgConfig: "libdeflate", package: "libdeflate-dev"),
        cLibrary("CZlib", pkgConfig: "zlib", package: "zlib1g-dev"),
        cLibrary("CCurl", pkgConfig: "libcurl", package: "libcurl4-openssl-dev"),
        cLibrary("CJansson", pkgConfig: "jansson", package: "libjansson-dev"),
        cLibrary("CInih", pkgConfig: "inih", package: "libinih-dev"),
        cLibrary("CGnuTLS", pkgConfig: "gnutls", package: "libgnutls28-dev"),
        cLibrary("CJemalloc", pkgConfig: "jemalloc", package: "libjemalloc-dev"),
        // For programs: an application that links our libraries keeps the allocator it has, unless it links this too.
        .target(name: "CAllocator", dependencies: ["CJemalloc"]),
        .target(name: "CKernels"),
        .target(name: "CSystem"),
        .target(name: "CWebAssets", exclude: ["assets"]),

        library("HTM", ["CKernels"]),
        library("EngineCore", ["CJansson", "CSystem"]),
        library("Storage", ["EngineCore", "CSQLite", "CMariaDB", "CZstd", "CDeflate", "CSystem"]),
        library("Bus", ["EngineCore", "CRabbitMQ", "CZlib"]),
        library("Engine", ["EngineCore", "HTM", "CSystem"]),
        library("Graphite", ["EngineCore"]),
        library("Security", ["EngineCore", "CGnuTLS"]),
        library("HTTPClient", ["EngineCore", "CCurl"]),
        library("Alerts", ["EngineCore", "Engine", "Security", "HTTPClient"]),
        library(
            "HTTPAPI",
            ["EngineCore", "Engine", "Graphite", "Security", "CMicroHTTPD", "CSystem", "CWebAssets", "CZlib"]
        ),
        library(
            "HTMEngine",
            [
                "EngineCore", "Storage", "Bus", "Engine", "HTTPAPI", "Graphite", "Security", "Alerts", "HTTPClient",
                "HTM",
                "CInih",
            ]
        ),
        library("Evaluation", ["HTM"]),
        library("EngineCLI", ["HTMEngine", "EngineCore", "Engine", "Security", "HTTPClient", "Evaluation", "HTM"]),
        .executableTarget(name: "htmengine", dependencies: ["EngineCLI", "CAllocator"], swiftSettings: swiftSettings),
        .executableTarget(
            name: "htm-benchmark",
            dependencies: ["HTM", "Evaluation", "CZstd", "CAllocator", "CSystem"],
            path: "Benchmarks/ModelBenchmark",
            swiftSettings: swiftSettings
        ),

        .executableTarget(
            name: "htm-engine-benchmark",
            dependencies: ["Engine", "EngineCore", "Storage", "CAllocator"],
            path: "Benchmarks/EngineBenchmark",
            swiftSettings: swiftSettings
        ),

        tests("HTMTests", ["HTM"]),
        tests("EvaluationTests", ["Evaluation", "HTM"]),
        tests("EngineTests", ["Engine", "EngineCore", "EngineSimulation", "Storage", "Bus", "HTM", "TestSupport"]),
        tests("BusTests", ["Bus", "EngineCore", "TestSupport"]),
        tests("StorageTests", ["Storage", "EngineCore", "TestSupport"]),
        tests("GraphiteTests", ["Graphite", "EngineCore", "Storage", "TestSupport"]),
        tests("SecurityTests", ["Security", "EngineCore", "TestSupport"]),
        tests("AlertsTests", ["Alerts", "Security", "Engine", "EngineCore", "Storage", "Bus", "TestSupport"]),
        tests("HTTPAPITests", ["HTTPAPI", "Engine", "EngineCore", "Security", "Storage", "Bus", "TestSupport"]),
        tests("HTMEngineTests", ["HTMEngine", "HTTPAPI", "Engine", "EngineCore", "TestSupport"]),
        // The public face, used as applications use it, and the examples of the documentation.
        tests("GuideTests", ["HTMEngine", "HTM", "TestSupport"]),
        tests(
            "EngineCLITests",
            ["EngineCLI", "HTMEngine", "HTTPAPI", "Engine", "EngineCore", "Storage", "HTM", "TestSupport"]
        ),
        // The engine's parts over a database, a bus and a disk that fail, and the program that takes them through many seeds.
        .target(
            name: "EngineSimulation",
            dependencies: ["Engine", "EngineCore"],
            path: "Tests/Simulation/World",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "htmengine-simulation",
            dependencies: ["EngineSimulation", "EngineCore"],
            path: "Tests/Simulation/Command",
            swiftSettings: swiftSettings
        ),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "EngineCLI", "HTMEngine", "HTTPAPI", "Engine", "EngineCore", "Storage", "Bus", "Graphite", "HTM",
            ],
            path: "Tests/Fuzz/Targets",
            swiftSettings: swiftSettings
        ),
        tests("FuzzTests", ["FuzzTargets", "HTM"]),
        // Temporary directories, sockets by hand, child processes: what several test targets need.
        .target(
            name: "TestSupport",
            dependencies: ["Storage", "EngineCore"],
            path: "Tests/TestSupport",
            swiftSettings: swiftSettings
        ),
    ],
    // C23, for the #embed of Sources/CWebAssets.
    cLanguageStandard: .gnu2x
)

// libFuzzer brings its own `main`: this target only links with `--sanitize fuzzer`, as Tests/Fuzz/run builds it.
if Context.environment["HTMENGINE_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "htmengine-fuzz",
            dependencies: ["FuzzTargets"],
            path: "Tests/Fuzz/Harness",
            swiftSettings: swiftSettings
        )
    )
}
