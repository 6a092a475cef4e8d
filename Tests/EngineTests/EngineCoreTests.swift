// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Testing

@Suite struct EngineCoreTests {
    @Test(arguments: [
        "{}", "[]",
        " [1, 2.5, -3e2, 1e3, 1.0, -0.0, 0.1, 1e-7, 9007199254740993, 9223372036854775807, -9223372036854775808] ",
        #"{"a": {"b": [true, false, null, "x\u00e9\n\"\\\u0000\ud83d\ude00"]}, "": 1}"#, "\"text\"", "7", "1.5", "true",
        "null",
    ])
    func bothJSONParsersAgree(text: String) throws {
        let bytes = Array(text.utf8)
        let quick = try #require(JSONValue.parseQuickly(bytes))
        #expect(try JSONValue.parseThoroughly(bytes) == quick)
        #expect(try JSONValue.parse(text) == quick)
    }

    @Test(arguments: [
        ("18446744073709551616", JSONValue.number(18_446_744_073_709_551_616)),
        (#"{"a\u0000b": 1}"#, .object(["a\0b": .integer(1)])),
    ])
    func whatTheQuickJSONParserRefusesIsReadAllTheSame(text: String, value: JSONValue) throws {
        #expect(JSONValue.parseQuickly(Array(text.utf8)) == nil)
        #expect(try JSONValue.parse(text) == value)
    }

    @Test(arguments: ["", "{", "[1,,]", "33\u{0}", "{\"a\" 1}", "nul", "1 2", "\"\u{1}\"", "[\"a]", "01", "'a'"])
    func whatIsNoJSONIsRefusedInWords(text: String) {
        let error = #expect(throws: EngineError.self) { try JSONValue.parse(text) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.hasPrefix("not valid JSON: ") == true, "\(error?.message ?? "")")
    }

    @Test(
        arguments: [
            (0, "1970-01-01 00:00:00"), (1_434_168_115, "2015-06-13 04:01:55"), (-5, "1969-12-31 23:59:55"),
            (951_782_400, "2000-02-29 00:00:00"), (253_402_300_799, "9999-12-31 23:59:59"),
        ] as [(Int64, String)]
    )
    func timesAreWrittenAndReadBack(seconds: Int64, text: String) {
        #expect(Timestamps.sqlText(seconds) == text)
        #expect(Timestamps.parseSQLText(text) == seconds)
    }

    @Test(arguments: ["2015-02-29 00:00:00", "2015-13-01 00:00:00", "2015-01-01", "2015-01-01 24:00:00", "x", ""])
    func whatIsNoDateIsRefused(text: String) {
        #expect(Timestamps.parseSQLText(text) == nil)
    }

    @Test(
        arguments: [
            (8, "8.0"), (0, "0.0"), (1e10, "10000000000.0"), (1e11, "1e+11"), (123_456_789_012, "1.23456789012e+11"),
            (1e-5, "1e-05"), (0.0001, "0.0001"), (1.72, "1.72"), (0.044565463, "0.044565463"), (0.1 + 0.2, "0.3"),
            (-2.5, "-2.5"), (12345.678901234567, "12345.6789012"), (1e300, "1e+300"), (99_999_999_999.96, "1e+11"),
            (99_999_999_999.5, "99999999999.5"),
        ] as [(Double, String)]
    )
    func twelveDigitsAsPython(value: Double, text: String) {
        #expect(NumberFormat.twelveDigits(value) == text)
    }

    @Test(
        arguments: [
            (749, "749.0"), (0.04456546299999997, "0.04456546299999997"), (1e-5, "1e-05"), (1e16, "1e+16"),
            (9_007_199_254_740_994, "9007199254740994.0"), (1_434_174_392, "1434174392.0"), (-0.0, "-0.0"),
        ] as [(Double, String)]
    )
    func shortestDigitsAsPython(value: Double, text: String) {
        #expect(NumberFormat.shortest(value) == text)
    }

    @Test(
        arguments: [
            (0, 0), (0.0446, 1000), (0.5, 1000), (0.99, 1000), (0.9999, 1000), (0.99990001, 1_000_000),
            (0.99999, 1_000_000), (0.999991, 1_000_000_001), (1, 1_000_000_001),
        ] as [(Double, Int64)]
    )
    func displayValues(score: Double, value: Int64) {
        #expect(DisplayValue.of(anomalyScore: score) == value)
    }

    @Test func fnv1aKnownAnswers() {
        #expect(fnv1a64("".utf8) == 0xcbf2_9ce4_8422_2325)
        #expect(fnv1a64("a".utf8) == 0xaf63_dc4c_8601_ec8c)
        #expect(fnv1a64("foobar".utf8) == 0x8594_4171_f739_67e8)
    }

    @Test func uidsAreVersion4() {
        let uid = Metric.makeUID()
        #expect(uid.count == 32)
        #expect(Array(uid)[12] == "4")
        #expect("89ab".contains(Array(uid)[16]))
    }

    @Test func resultMessagesHaveTheOriginalsKeys() throws {
        let metric = MetricDescription(
            uid: "u",
            name: "n\"\u{1}",
            description: nil,
            resource: "r",
            location: "",
            datasource: "custom",
            specJSON: #"{"metric":"n"}"#
        )
        let row = MetricRow(
            rowid: 1,
            timestamp: 10,
            value: 2,
            rawAnomalyScore: 0.5,
            anomalyScore: 0,
            displayValue: 0,
            predictions: "null"
        )
        let message = EngineMessage.inferenceResults(InferenceResults(metric: metric, generation: 1, rows: [row]))
        #expect(
            message.json
                == #"{"metric":{"uid":"u","name":"n\"\u0001","description":null,"resource":"r","location":"","#
                + #""datasource":"custom","spec":{"metric":"n"}},"results":[{"rowid":1,"ts":10.0,"value":2.0,"#
                + #""rawAnomaly":0.5,"anomaly":0.0,"multiStepBestPredictions":null}]}"#
        )
        #expect(try JSONValue.parse(message.json)["metric"]?["name"] == .string("n\"\u{1}"))
    }

    @Test(arguments: [
        (#"[]"#, "$ is an array; expected an object"),
        (#"{"metricSpec":{"metric":"m"}}"#, "$.datasource is missing"),
        (#"{"datasource":"aws","metricSpec":{"metric":"m"}}"#, "$.datasource is \"aws\""),
        (#"{"datasource":"custom","metricSpec":{}}"#, "$.metricSpec has neither"),
        (#"{"datasource":"custom","metricSpec":{"metric":1}}"#, "$.metricSpec.metric is a number"),
        (#"{"datasource":"custom","metricSpec":{"metric":"m"},"modelParams":{"min":1}}"#, "both be None"),
        (#"{"datasource":"custom","metricSpec":{"metric":"m"},"modelParams":{"min":2,"max":1}}"#, "is greater than"),
        (#"{"datasource":"custom","metricSpec":{"metric":"m"},"modelParams":{"mni":2}}"#, "$.modelParams.mni is not"),
        (#"{"datasource":"custom","metricSpec":{"metric":"m"},"data":[[1]]}"#, "$.data[0]"),
        (
            #"{"datasource":"custom","metricSpec":{"metric":"m"},"completeModelParams":{"modelConfig":{}}}"#,
            "$.completeModelParams.inferenceArgs is missing"
        ),
    ])
    func modelSpecErrorsNameTheirPlace(json: String, fragment: String) throws {
        let value = try JSONValue.parse(json)
        let error = #expect(throws: EngineError.self) { _ = try ModelSpec(json: value) }
        #expect(error?.message.contains(fragment) == true, "\(error?.message ?? "")")
    }

    @Test func modelSpecsSurviveTheirCanonicalForm() throws {
        let text = """
            {"datasource":"custom","metricSpec":{"uid":"x","resource":"r","unit":"s","userInfo":{"a":[1,2.5,null]}},
            "modelParams":{"min":0,"max":100.5,"enableClassifier":true}}
            """
        let spec = try ModelSpec(json: try JSONValue.parse(text))
        #expect(spec.target == .uid("x"))
        let again = try ModelSpec(json: try JSONValue.parse(spec.canonicalJSON(name: "m").indentedText))
        #expect(again.target == .name("m"))
        #expect(again.modelParams == spec.modelParams)
        #expect(again.userInfo == spec.userInfo)
    }

    @Test func deepOrBrokenJSONIsRefused() {
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        for text in [deep, "{", "nul", "", "{\"a\":1}x"] {
            let error = #expect(throws: EngineError.self) { _ = try JSONValue.parse(text) }
            #expect(error?.code == .invalidArgument)
        }
    }
}
