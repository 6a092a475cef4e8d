// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// The simulation of `Tests/Simulation`, in a process of its own: outside Swift Testing a seed costs a tenth.
///
/// `HTMENGINE_SIMULATION_SEEDS=from:count` chooses other seeds; a failure names its seed.
@Suite struct SimulationTests {
    @Test func nothingIsLostAndNothingIsScoredTwice() throws {
        let seeds = ProcessInfo.processInfo.environment["HTMENGINE_SIMULATION_SEEDS"] ?? "1:4000"
        let finished = try run(
            [RunningEngine.program("htmengine-simulation")] + seeds.split(separator: ":").map(String.init)
        )
        #expect(finished.status == 0, "\(finished.errorOutput)")
        #expect(finished.output.hasSuffix("nothing lost, nothing scored twice\n"), "\(finished.output)")
    }
}
