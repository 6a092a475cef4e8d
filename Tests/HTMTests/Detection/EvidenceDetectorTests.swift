// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTM
import Testing

@Suite("Evidence detector")
struct EvidenceDetectorTests {
    private let factory = ModelFactory()

    /// A day's wave every five minutes, with a little deterministic noise.
    private func sample(_ record: Int) -> ModelInput {
        let phase = Double(record % 288) / 288
        let wave = phase < 0.5 ? 4 * phase - 1 : 3 - 4 * phase
        let noise = Double((record * 7919) % 101) / 101
        return ModelInput(timestamp: Int64(record) * 300, value: 50 + 20 * wave + noise)
    }

    private func detector(after records: Int) throws -> EvidenceDetector {
        var detector = try EvidenceDetector(factory: factory)
        for record in 0..<records { _ = detector.process(sample(record)) }
        return detector
    }

    @Test func valueOutsideTheRangeIsAnAlarmWithItsReason() throws {
        var detector = try detector(after: 700)
        var input = sample(700)
        input.value = 200
        let output = detector.process(input)
        #expect(output.rarity >= EvidenceParameters.alarm)
        #expect(output.anomalyScore >= 0.5)
        let explanation = try #require(output.explanation)
        #expect(explanation.channel == .range)
        #expect(explanation.modelAge == 701)
        #expect(explanation.oneIn ?? 0 >= 1e5)
        let expected = try #require(explanation.expected)
        #expect(expected.lowerBound < 35 && expected.upperBound > 60 && expected.upperBound < 72)
        #expect(explanation.text.contains("outside the range"))
        // The same again is the same event.
        input.timestamp = 701 * 300
        #expect(detector.process(input).rarity <= EvidenceParameters().ongoingEvidence)
    }

    @Test func usualValueAtTheWrongHourIsNoticed() throws {
        var detector = try detector(after: 900)
        var input = sample(900)
        input.value = sample(900 + 144).value
        let output = detector.process(input)
        #expect(output.explanation?.channel == .daily)
        #expect(output.rarity >= EvidenceParameters.alarm)
    }

    @Test func gapsAndFlatLinesAreNoticed() throws {
        var afterGap = try detector(after: 400)
        #expect(afterGap.process(sample(500)).explanation?.channel == .gap)

        // Noise without a daily wave, and then one of its usual values again and again: nothing is odd but that it stays.
        var flat = try EvidenceDetector(factory: factory)
        func noise(_ record: Int) -> Double { Double((record * 7919) % 101) }
        for record in 0..<600 {
            _ = flat.process(ModelInput(timestamp: Int64(record) * 300, value: noise(record)))
        }
        var channels: Set<EvidenceChannel> = []
        for record in 600..<640 {
            let input = ModelInput(timestamp: Int64(record) * 300, value: noise(600))
            if let channel = flat.process(input).explanation?.channel { channels.insert(channel) }
        }
        #expect(channels.contains(.flat))
    }

    /// A wave of another length within the usual range: no value is odd, only their course.
    @Test func anUnfamiliarCourseIsNoticed() throws {
        var detector = try EvidenceDetector(factory: factory)
        func wave(_ record: Int, length: Double) -> Double {
            50 + 20 * sin(2 * .pi * Double(record) / length) + 3 * Double((record * 7919) % 101) / 101
        }
        var channels: Set<EvidenceChannel> = []
        for record in 0..<2200 {
            let value = wave(record, length: (2000..<2150).contains(record) ? 20 : 50)
            let output = detector.process(ModelInput(timestamp: Int64(record) * 300, value: value))
            if record < 2000 { #expect(output.rarity < EvidenceParameters.alarm, "record \(record)") }
            guard output.rarity >= EvidenceParameters.alarm, let explanation = output.explanation else { continue }
            channels.insert(explanation.channel)
            if explanation.channel == .shape {
                #expect(explanation.actual ?? 0 > explanation.expected?.upperBound ?? .infinity)
            }
        }
        #expect(channels.contains(.shape))
    }

    @Test func quietDataRaisesNothing() throws {
        var detector = try detector(after: 600)
        for record in 600..<900 {
            #expect(detector.process(sample(record)).rarity < EvidenceParameters.alarm)
        }
    }

    @Test func noScoreBeforeTheRangeIsKnownUnlessItIsGiven() throws {
        var waiting = try EvidenceDetector(factory: factory)
        #expect(waiting.process(sample(0)).rawScore == nil)
        var given = try EvidenceDetector(parameters: EvidenceParameters(resolution: 0.5), factory: factory)
        #expect(given.process(sample(0)).rawScore == 1)
    }

    @Test func missingAndStrangeInputIsTaken() throws {
        var detector = try EvidenceDetector(factory: factory)
        let odd: [ModelInput] = [
            ModelInput(timestamp: nil, value: nil), ModelInput(timestamp: -5, value: .nan),
            ModelInput(timestamp: -86_400, value: .infinity), ModelInput(timestamp: 0, value: 1e308),
            ModelInput(timestamp: 0, value: -1e308),
        ]
        for round in 0..<80 {
            for input in odd { #expect(detector.process(input).rarity.isFinite) }
            #expect(detector.process(ModelInput(timestamp: Int64(round) * 60, value: 3)).rarity.isFinite)
        }
    }

    /// Values far beyond what the first day promised leave the encoder's reach; the models are made anew.
    @Test func learnsARangeThatTurnedOutWrong() throws {
        var detector = try detector(after: 300)
        var input = ModelInput(timestamp: 0, value: 0)
        var scores: [Double] = []
        for record in 300..<700 {
            input = sample(record)
            input.value = 1e6 + 1e5 * (input.value ?? 0)
            scores.append(detector.process(input).rawScore ?? 1)
        }
        #expect(scores.suffix(100).reduce(0, +) / 100 < 0.6)
    }

    @Test(arguments: [0, 100, 287, 288, 301, 901]) func restoredDetectorGoesOnWithTheSameBits(at record: Int) throws {
        var original = try detector(after: record)
        let state = original.encoded()
        var restored = try EvidenceDetector(parameters: original.parameters, factory: factory, restoring: state)
        #expect(restored.encoded() == state)
        for next in record..<(record + 40) {
            var input = sample(next)
            if next % 13 == 0 { input.value = nil }
            #expect(original.process(input) == restored.process(input))
        }
        #expect(original.encoded() == restored.encoded())
    }

    /// A state that version 1 left after 250 samples; what it knew is still known.
    @Test func stateOfVersion1IsReadAndWrittenAsVersion2() throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let state = Array(try Data(contentsOf: tests.appendingPathComponent("Formats/Kept/evidence-1.state")))
        func sample(_ record: Int) -> ModelInput {
            let value = Double((record * 7919) % 101) + (record % 288 < 144 ? 50 : 0)
            return ModelInput(timestamp: Int64(record) * 300, value: value)
        }
        let first = 5_000_000
        var whole = try EvidenceDetector(factory: factory)
        for record in first..<(first + 250) { _ = whole.process(sample(record)) }
        var restored = try EvidenceDetector(parameters: EvidenceParameters(), factory: factory, restoring: state)
        #expect(restored.recordCount == 250)
        for record in (first + 250)..<(first + 600) {
            #expect(restored.process(sample(record)) == whole.process(sample(record)))
        }
        var input = sample(first + 600)
        input.value = 900
        let output = restored.process(input)
        #expect(output.rarity >= EvidenceParameters.alarm && output == whole.process(input))
        let again = restored.encoded()
        let copy = try EvidenceDetector(parameters: EvidenceParameters(), factory: factory, restoring: again)
        #expect(copy.encoded() == again && again != state)
    }

    @Test func damagedStateIsRefused() throws {
        let state = try detector(after: 20).encoded()
        let parameters = EvidenceParameters()
        for count in [0, 3, 7, 40, state.count - 1] {
            #expect(throws: CheckpointError.self) {
                try EvidenceDetector(parameters: parameters, factory: factory, restoring: Array(state.prefix(count)))
            }
        }
        #expect(throws: CheckpointError.self) {
            try EvidenceDetector(parameters: parameters, factory: factory, restoring: state + [0])
        }
        var single = parameters
        single.modelCount = 1
        #expect(throws: CheckpointError.self) {
            try EvidenceDetector(parameters: single, factory: factory, restoring: state)
        }
        #expect(throws: ParameterError.self) {
            try EvidenceDetector(parameters: EvidenceParameters(resolution: 0), factory: factory)
        }
    }
}
