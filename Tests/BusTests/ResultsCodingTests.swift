// SPDX-License-Identifier: Apache-2.0

import Bus
import EngineCore
import Foundation
import TestSupport
import Testing

/// What the original published, as recorded, against what we publish for the same results.
@Suite("Results exchange messages")
struct ResultsCodingTests {
    /// One recorded message.
    private struct Recorded: Decodable {
        struct Properties: Decodable {
            var delivery_mode: Int?
            var headers: [String: String]?
        }
        var queue: String?
        var exchange: String?
        var properties: Properties
        var body_base64: String
        var body_inflated: String?
    }

    static let recording = Golden.original("messages.jsonl")

    private func recorded() throws -> [Recorded] {
        try String(contentsOfFile: #require(Self.recording), encoding: .utf8).split(separator: "\n")
            .map { try JSONDecoder().decode(Recorded.self, from: Data($0.utf8)) }
    }

    /// Keys, kinds and values, numbers by value: the original writes a likelihood of 0 without a point.
    private func sameContent(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let left = left.doubleValue, let right = right.doubleValue { return left == right }
        if let left = left.objectValue, let right = right.objectValue {
            return left.keys == right.keys && left.allSatisfy { sameContent($0.value, right[$0.key]!) }
        }
        if let left = left.arrayValue, let right = right.arrayValue {
            return left.count == right.count && zip(left, right).allSatisfy(sameContent)
        }
        return left == right
    }

    @Test(.enabled(if: recording != nil, "no recorded messages"))
    func everyRecordedMessageIsReadAndWrittenTheSame() throws {
        var count = 0
        for message in try recorded() where message.exchange != nil {
            let body = [UInt8](try #require(Data(base64Encoded: message.body_base64)))
            let dataType = message.properties.headers?["dataType"]
            let decoded = try ResultsCoding.decode(body, dataType: dataType)
            let encoded = ResultsCoding.encode(decoded, exchange: "x")
            #expect(encoded.isPersistent == (message.properties.delivery_mode == 2))
            #expect(encoded.routingKey == "")
            #expect(!encoded.isMandatory)
            #expect(encoded.headers.map(\.value) == [dataType].compactMap { $0 })
            let ours = try JSONValue.parse(inflated(encoded.body))
            let theirs = try JSONValue.parse(#require(message.body_inflated))
            #expect(sameContent(ours, theirs), "\(message.body_inflated?.prefix(300) ?? "")")
            count += 1
        }
        #expect(count >= 5)
    }

    /// Inflated by a program that isn't ours.
    private func inflated(_ body: [UInt8]) throws -> String {
        let text = Data(body).base64EncodedString()
        let script =
            "import sys,zlib,base64; sys.stdout.write(zlib.decompress(base64.b64decode(sys.stdin.read())).decode())"
        return try run(["python3", "-c", script], input: text).output
    }

    @Test(.enabled(if: recording != nil, "no recorded messages"))
    func recordedCustomMetricMessagesAreRead() throws {
        var lines: [String] = []
        for message in try recorded() where message.queue == "skeleton.metric.custom.data" {
            lines += try CustomMetricConsumer.lines([UInt8](#require(Data(base64Encoded: message.body_base64))))
        }
        #expect(lines.first == "with.classifier 1.5 1700000300")
        #expect(lines.contains("/load_average 1.62 1434229722"))
    }

    @Test func garbageIsRefusedWithAReason() {
        for body in [
            "", "nonsense", "[]", "{}", #"{"protocol":"pickle","data":[]}"#, #"{"protocol":"plain","data":"a 1 2"}"#,
            #"{"protocol":"plain","data":["a 1 2",3]}"#,
        ] {
            #expect(throws: EngineError.self) { try CustomMetricConsumer.lines(Array(body.utf8)) }
        }
        #expect(throws: EngineError.self) { try ResultsCoding.decode([1, 2, 3], dataType: nil) }
    }
}
