// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

@Suite("Event gate")
struct EventGateTests {
    private static let event = 72

    /// What is shown for evidence at five minutes; records listed are unusual by themselves.
    private func shown(_ evidence: [Double], unusual: Set<Int> = [], seconds: Int64 = 300) -> [Double] {
        var gate = EventGate(length: Self.event, goingOn: 3)
        return evidence.enumerated().map { record, value in
            gate.pass(value, isUnusual: unusual.contains(record), at: Int64(record) * seconds)
        }
    }

    private func quiet(_ count: Int, _ peaks: [Int: Double]) -> [Double] { (0..<count).map { peaks[$0] ?? 0 } }

    @Test func onlyThePeakSoFarOfAnEventPasses() {
        let shown = shown(quiet(160, [10: 6, 11: 6, 12: 5.9, 13: 7, 84: 6, 156: 5.5]))
        #expect(shown[10] == 6 && shown[13] == 7)
        #expect(shown[11] <= 2 && shown[12] <= 2)
        // 71 records after the peak of 7 it is still that event, 143 after it another one; but not after 72 of the weaker one.
        #expect(shown[84] <= 2)
        #expect(shown[156] == 5.5)
    }

    @Test func anEventHasOneWarning() {
        let shown = shown(quiet(40, [10: 4.1, 12: 4.3, 14: 5.2, 16: 4.9]))
        #expect(shown[10] == 4.1 && shown[12] <= 2 && shown[14] == 5.2 && shown[16] <= 2)
    }

    @Test func evidenceBelowAWarningIsShownAtHalf() {
        #expect(shown([3.9, 1, 0]) == [1.95, 0.5, 0])
    }

    @Test func anEventGoesOnAtItsThirdUnusualRecordAndInPausesAsLongAsBefore() {
        let shown = shown(quiet(80, [10: 6]), unusual: [15, 22, 26, 34])
        for record in 11..<26 { #expect(shown[record] < 2, "record \(record)") }
        #expect(shown[26] == 3)
        // The longest pause was 7 records.
        for record in 27...33 { #expect(shown[record] == 3, "record \(record)") }
        #expect(shown[34] == 3)
        // 8 records to the last unusual one: as long as that it may go on.
        for record in 35...42 { #expect(shown[record] == 3, "record \(record)") }
        #expect(shown[43] < 2)
    }

    @Test func unusualRecordsWithoutAnAlarmOrLongAfterItAreNoEvent() {
        #expect(!shown(quiet(60, [:]), unusual: Set(5..<50)).contains { $0 > 0 })
        let late = shown(quiet(120, [10: 6]), unusual: Set(47..<80))
        #expect(!late[11...].contains { $0 >= 3 })
    }

    @Test func whatWasShownFadesAway() {
        let shown = shown(quiet(100, [10: 6]))
        for record in 11..<82 { #expect(shown[record] > 0 && shown[record] < 2) }
        for record in 12..<82 { #expect(shown[record] < shown[record - 1]) }
        #expect(shown[82] == 0)
    }

    /// An hour of dense samples is one event too; at 50 s and more the records decide.
    @Test func denseSamplesHaveEventsOfAnHour() {
        let evidence = quiet(8000, [100: 6, 1000: 6, 3699: 6, 7299: 6])
        let seconds = shown(evidence, seconds: 1)
        #expect(seconds[100] == 6 && seconds[1000] <= 2 && seconds[3699] <= 2)
        #expect(seconds[7299] == 6)
        let minutes = shown(quiet(200, [100: 6, 172: 6]), seconds: 60)
        #expect(minutes[172] == 6)
    }

    @Test func timesAreNotNeededAndMayGoBack() {
        var gate = EventGate(length: Self.event, goingOn: 3)
        #expect(gate.pass(6, isUnusual: true, at: nil) == 6)
        #expect(gate.pass(6, isUnusual: false, at: 1_000_000) <= 2)
        for _ in 0..<72 { _ = gate.pass(0, isUnusual: false, at: -5) }
        #expect(gate.pass(6, isUnusual: false, at: -5) == 6)
        for _ in 0..<72 { _ = gate.pass(0, isUnusual: false, at: nil) }
        #expect(gate.pass(6, isUnusual: false, at: 3_700) == 6)
    }

    @Test func restoredGateGoesOn() throws {
        var gate = EventGate(length: Self.event, goingOn: 3)
        for record in 0..<40 {
            _ = gate.pass(record == 10 ? 6 : 4.5, isUnusual: record % 5 == 0, at: Int64(record) * 300)
        }
        var encoder = StateEncoder()
        gate.encode(into: &encoder)
        var decoder = StateDecoder(encoder.bytes)
        var restored = try EventGate(length: Self.event, goingOn: 3, from: &decoder)
        #expect(restored == gate)
        for record in 40..<200 {
            let evidence = record == 90 ? 5.5 : 0
            let (isUnusual, time) = (record % 9 == 0, Int64(record) * 300)
            #expect(
                restored.pass(evidence, isUnusual: isUnusual, at: time)
                    == gate.pass(evidence, isUnusual: isUnusual, at: time)
            )
        }
    }
}
