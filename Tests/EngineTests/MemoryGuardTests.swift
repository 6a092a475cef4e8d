// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Testing

/// The process as a whole is kept within the budget of the models.
@Suite struct MemoryGuardTests {
    /// A process whose resident memory is what its models count and a quarter more.
    private final class Process: Sendable {
        let state = Monitor((models: 0, otherwise: 0, givenBack: 0))

        var memory: ProcessMemory {
            ProcessMemory(
                residentBytes: { [state] in state.withLock { $0.models * 5 / 4 + $0.otherwise } },
                giveBack: { [state] in state.update { $0.givenBack += 1 } }
            )
        }
    }

    @Test func theLimitFallsUntilTheProcessFitsAndRisesAgain() {
        let process = Process()
        let clock = SimulatedClock()
        let guardian = MemoryGuard(budget: 1000, memory: process.memory, clock: clock, logger: SilentLogger())
        #expect(guardian.limit == 1000)
        for _ in 0..<200 {
            process.state.update { $0.models = guardian.limit }
            clock.advance(milliseconds: 500)
            guardian.look(modelBytes: guardian.limit)
        }
        #expect((740...800).contains(guardian.limit))
        #expect(process.memory.residentBytes() ?? .max <= 1000)
        #expect((1...11).contains(process.state.withLock { $0.givenBack }))
        process.state.update { $0.models = 100 }
        for _ in 0..<100 { guardian.look(modelBytes: 100) }
        #expect(guardian.limit == 1000)
    }

    @Test func whatIsNoModelNeverTakesAllTheRoom() {
        let process = Process()
        process.state.update { $0.otherwise = 5000 }
        let guardian = MemoryGuard(
            budget: 1000,
            memory: process.memory,
            clock: SimulatedClock(),
            logger: SilentLogger()
        )
        for _ in 0..<200 { guardian.look(modelBytes: 0) }
        #expect(guardian.limit == 1000 * MemoryGuard.leastPercent / 100)
    }
}
