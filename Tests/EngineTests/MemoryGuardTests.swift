// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import EngineSimulation
import Testing

/// The process as a whole is kept within the budget of the models.
@Suite struct MemoryGuardTests {
    private static let budget = 100 << 20

    /// A process that takes a quarter more than its models, and keeps what they free until it is asked to give it back.
    private final class Process: Sendable {
        let state = Monitor((models: 0, heap: 0, otherwise: 0, givenBack: 0))

        func set(models: Int) {
            state.withLock { state in
                state.models = models
                state.heap = max(state.heap, models * 5 / 4)
            }
        }

        var memory: ProcessMemory {
            ProcessMemory(
                residentBytes: { [state] in state.withLock { $0.heap + $0.otherwise } },
                giveBack: { [state] in
                    state.withLock { state in
                        state.givenBack += 1
                        state.heap = state.models * 5 / 4
                    }
                }
            )
        }
    }

    private func makeGuard(_ process: Process, _ clock: SimulatedClock) -> MemoryGuard {
        MemoryGuard(budget: Self.budget, workers: 1, memory: process.memory, clock: clock, logger: SilentLogger())
    }

    @Test func modelsTakeWhatTheProcessHasLeftAndNoMore() throws {
        let process = Process()
        let clock = SimulatedClock()
        let guardian = makeGuard(process, clock)
        var models = 0
        for step in 0..<6000 {
            // Another model comes in, and those beyond the limit go.
            process.set(models: models + 1 << 20)
            models = min(models + 1 << 20, guardian.share(worker: 0, taken: models + 1 << 20))
            process.set(models: models)
            clock.advance(milliseconds: 10)
            let resident = try #require(process.memory.residentBytes())
            #expect(resident <= Self.budget, "step \(step)")
        }
        // Four fifths of what is kept free of other things, the margin having gone back.
        #expect((64 << 20...74 << 20).contains(models), "\(models >> 20) MiB")
    }

    @Test func freedMemoryIsGivenBackRatherThanModelsDropped() {
        let process = Process()
        let clock = SimulatedClock()
        let guardian = makeGuard(process, clock)
        process.set(models: 79 << 20)
        process.set(models: 30 << 20)
        #expect(guardian.share(worker: 0, taken: 30 << 20) > 60 << 20)
        #expect(process.state.withLock { $0.givenBack } == 1)
    }

    @Test func whatIsNoModelNeverTakesAllTheRoom() {
        let process = Process()
        process.state.update { $0.otherwise = 500 << 20 }
        let clock = SimulatedClock()
        let guardian = makeGuard(process, clock)
        for _ in 0..<200 {
            clock.advance(milliseconds: 10)
            guardian.look()
        }
        #expect(guardian.limit == Self.budget / 100 * MemoryGuard.leastPercent)
    }
}
