// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import Graphite
import Testing

@Suite struct GraphiteTimeTests {
    /// 2026-11-23 14:45:10 UTC, a Monday.
    private let now: Int64 = 1_795_445_110

    @Test(
        arguments: [
            ("now", 1_795_445_110), ("", 1_795_445_110), ("1700000000", 1_700_000_000), ("-1h", 1_795_441_510),
            ("now-1h", 1_795_441_510), ("-1h30min", 1_795_439_710), ("now+5s", 1_795_445_115), ("-1mon", 1_792_853_110),
            ("-1y", 1_763_909_110), ("-2weeks", 1_794_235_510), ("20261123", 1_795_392_000), ("today", 1_795_392_000),
            ("14:30_20261122", 1_795_357_800), ("00:00_20261123", 1_795_392_000), ("yesterday", 1_795_305_600),
            ("noon yesterday", 1_795_348_800), ("6pm today", 1_795_456_800), ("2:30pm", 1_795_444_200),
            ("midnight+1h", 1_795_395_600), ("11/22/26", 1_795_305_600), ("nov1", 1_793_491_200),
            ("sunday", 1_795_305_600), ("monday", 1_795_392_000), ("6AM_Tuesday", 1_794_895_200),
        ] as [(String, Int64)]
    )
    func readsWhatGraphiteTakes(text: String, expected: Int64) throws {
        #expect(try GraphiteTime.parse(text, now: now) == expected)
    }

    @Test func timesOfDayFollowTheZone() throws {
        let zone = try #require(TimeZone(identifier: "Europe/Berlin"))
        #expect(try GraphiteTime.parse("00:00_20261123", now: now, zone: zone) == 1_795_388_400)
        #expect(try GraphiteTime.parse("00:00_20260701", now: now, zone: zone) == 1_782_856_800)
        #expect(try GraphiteTime.parse("-1h", now: now, zone: zone) == 1_795_441_510)
    }

    @Test(arguments: [
        "later", "-1", "-", "-h", "1h5", "20261341x", "25:00", "13/45/2026", "nov", "-5parsecs", "20260230",
    ])
    func refusesEverythingElse(text: String) {
        #expect(throws: EngineError.self) { try GraphiteTime.parse(text, now: now) }
    }
}
