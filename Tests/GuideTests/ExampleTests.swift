// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTM
import HTMEngine
import TestSupport
import Testing

/// Compares the examples of documentation with code that compiles.
@Suite struct ExampleTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func files(_ directory: String, _ suffix: String) throws -> [URL] {
        let url = root.appendingPathComponent(directory)
        let names = try #require(FileManager.default.subpaths(atPath: url.path))
        return names.filter { $0.hasSuffix(suffix) }.sorted().map { url.appendingPathComponent($0) }
    }

    /// Without the blanks around, and without empty lines.
    private static func lines(_ text: some StringProtocol) -> [String] {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    private static func isPart(_ block: [String], of code: [String]) -> Bool {
        guard let first = block.first else { return false }
        return code.indices.contains { code[$0] == first && code[$0...].starts(with: block) }
    }

    @Test func everyExampleOfTheGuideIsCodeThatCompiles() throws {
        let code = Self.lines(
            try String(contentsOf: Self.root.appendingPathComponent("Tests/GuideTests/Examples.swift"), encoding: .utf8)
        )
        var count = 0
        for file in try Self.files("docs/guide", ".md") {
            let parts = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "```")
            for part in parts.enumerated() where part.offset % 2 == 1 {
                guard part.element.hasPrefix("swift\n") || part.element.hasPrefix("json\n") else { continue }
                let block = Self.lines(part.element.drop { $0 != "\n" })
                #expect(Self.isPart(block, of: code), "\(file.lastPathComponent): \(part.element)")
                count += 1
            }
        }
        #expect(count >= 8)
    }

    @Test func everyExampleInACommentIsCodeThatCompiles() throws {
        let code = Self.lines(
            try String(contentsOf: Self.root.appendingPathComponent("Tests/GuideTests/Examples.swift"), encoding: .utf8)
        )
        var count = 0
        let sources =
            try Self.files("Sources/HTMEngine", ".swift") + Self.files("Sources/HTM/Model", ".swift")
            + Self.files("Sources/HTM/Detection", ".swift")
        for file in sources {
            var block: [String] = []
            for line in try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n") + [""] {
                let text = line.trimmingCharacters(in: .whitespaces)
                if text.hasPrefix("///     ") {
                    block.append(text.dropFirst(3).trimmingCharacters(in: .whitespaces))
                } else if !block.isEmpty {
                    #expect(Self.isPart(block, of: code), "\(file.lastPathComponent): \(block)")
                    count += 1
                    block = []
                }
            }
        }
        #expect(count >= 8)
    }

    @Test func aModelAloneScores() throws {
        let regular = (0..<400).map { Double($0 % 4) * 20 }
        let calm = try Examples.scoreWithHTMAlone(regular)
        #expect(try Examples.scoreWithHTMAlone(regular + [97, 3, 55, 91, 12]) > max(calm, 0.99))
    }

    @Test func theSpecOfTheReferenceMakesAModelWithEveryKindOfEncoder() async throws {
        let directory = try TemporaryDirectory()
        let configuration = try Configuration(dataDirectory: directory.path("data"), environment: [:])
        let engine = Engine(configuration: configuration, services: [.storer, .runner])
        try engine.start()
        defer { engine.stop() }
        let connection = try engine.connection()
        let custom = try connection.createDatasourceAdapter("custom")
        let encoders = [
            #""type": "LogEncoder", "fieldname": "c1", "name": "c1", "w": 21, "minval": 1, "maxval": 1000000, "n": 400"#,
            #""type": "AdaptiveScalarEncoder", "fieldname": "c1", "name": "c1", "w": 21, "n": 400"#,
            #""type": "AdaptiveScalarEncoder", "fieldname": "c1", "name": "c1", "w": 21, "n": 400, "minval": 0, "maxval": 9"#,
            #""type": "DeltaEncoder", "fieldname": "c1", "name": "c1", "w": 21, "n": 400"#,
            #""type": "ScalarEncoder", "fieldname": "c1", "w": 21, "minval": 0, "maxval": 100, "radius": 9.5, "clipInput": true"#,
            #""type": "ScalarEncoder", "fieldname": "c1", "w": 21, "minval": 0, "maxval": 100, "n": 300, "periodic": true"#,
            #""type": "RandomDistributedScalarEncoder", "fieldname": "c1", "resolution": 2, "w": 21, "n": 400, "seed": 42, "offset": 0"#,
        ]
        for (index, encoder) in encoders.enumerated() {
            let text = Examples.completeSpec.replacingOccurrences(of: encoders[0], with: encoder)
                .replacingOccurrences(of: "orders", with: "orders\(index)")
            let uid = try await custom.monitorMetric(ModelSpecification(json: text))
            let samples = (0..<30).map {
                MetricSample(
                    metric: "orders\(index)",
                    value: Double(1 + $0 % 5),
                    time: Date(timeIntervalSince1970: 1_700_000_000 + Double($0) * 300)
                )
            }
            #expect(try await connection.send(samples).isEmpty)
            try await Self.until { try await connection.metric(uid: uid)?.scoredRows == 30 }
            #expect(try await connection.metric(uid: uid)?.status == .active)
        }
        // A place that is wrong is named.
        for (wrong, place) in [
            (#""type": "DeltaEncoder", "fieldname": "c1", "w": 21"#, "encoders.c1.n is missing"),
            (#""type": "LogEncoder", "fieldname": "c0", "n": 400"#, "encoders.c1.fieldname"),
            (#""type": "LogEncoder", "fieldname": "c1", "n": 400, "radius": 1"#, "2 of n, radius and resolution"),
            (#""type": "AdaptiveScalarEncoder", "fieldname": "c1", "n": 400, "minval": 3"#, "minval below maxval"),
            (#""type": "Other", "fieldname": "c1""#, "encoders.c1.type"),
        ] {
            let text = Examples.completeSpec.replacingOccurrences(of: encoders[0], with: wrong)
            let error = await #expect(throws: HTMEngineError.self) {
                try await custom.monitorMetric(ModelSpecification(json: text))
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains(place) == true, "\(error?.message ?? "")")
        }
        #expect(try await connection.metric(named: "orders") == nil)
    }

    /// Waits until `condition` holds.
    static func until(_ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        var tries = 0
        // Other tests may have the threads for minutes between one try and the next.
        while tries < 3000 || ContinuousClock.now < deadline {
            if try await condition() { return }
            tries += 1
            try await Task.sleep(for: .milliseconds(20))
        }
        throw PollingTimeout(description: "not within two minutes and \(tries) tries")
    }
}
