// SPDX-License-Identifier: Apache-2.0

import CSystem
import EngineCore

/// What a process really takes, as the runner asks for it.
package struct ProcessMemory: Sendable {
    /// Resident memory that isn't backed by files; nil when the system doesn't say. Unit: bytes.
    package var residentBytes: @Sendable () -> Int?
    /// Gives memory that was freed back to the system.
    package var giveBack: @Sendable () -> Void

    package init(residentBytes: @escaping @Sendable () -> Int?, giveBack: @escaping @Sendable () -> Void) {
        self.residentBytes = residentBytes
        self.giveBack = giveBack
    }

    /// This process as Linux sees it.
    package static let system = ProcessMemory(
        residentBytes: {
            let bytes = cs_anonymous_bytes()
            return bytes < 0 ? nil : Int(bytes)
        },
        giveBack: { cs_return_memory() }
    )
}

/// Keeps the whole process within the memory budget of its models.
///
/// The models' own count leaves out what lies around them: gaps between allocations, buffers, the database's caches. So what the
/// models may take is lowered while the process takes more than the budget, and raised again when there is room. The steps are small
/// and gaps are given back first, so that a peak doesn't empty the cache.
package final class MemoryGuard: Sendable {
    /// Models may always have this part of the budget. Unit: percent.
    package static let leastPercent = 40
    /// Giving memory back stops the threads that allocate for some tens of milliseconds. Unit: nanoseconds.
    private static let betweenGivingBack: UInt64 = 10_000_000_000

    private struct State {
        var percent = 100
        var lastGivenBack: UInt64?
        var isShort = false
    }

    private let budget: Int
    private let memory: ProcessMemory?
    private let clock: any EngineClock
    private let logger: any Logger
    private let state = Monitor(State())

    /// - Parameter memory: nil: only what the models count matters.
    package init(budget: Int, memory: ProcessMemory?, clock: any EngineClock, logger: any Logger) {
        self.budget = budget
        self.memory = memory
        self.clock = clock
        self.logger = logger
    }

    /// What the models may take together by their own count. Unit: bytes.
    package var limit: Int { state.withLock { budget / 100 * $0.percent + budget % 100 * $0.percent / 100 } }

    /// Looks at the process and adapts the limit; to be called about twice a second.
    ///
    /// - Parameter modelBytes: What the models count at the moment.
    /// - Returns: What the process takes, in bytes; nil when that isn't known.
    @discardableResult
    package func look(modelBytes: Int) -> Int? {
        guard let memory, var resident = memory.residentBytes() else { return nil }
        let now = clock.monotonicNanoseconds()
        if resident > budget {
            let mayGiveBack = state.withLock { state in
                guard state.lastGivenBack.map({ now - $0 >= Self.betweenGivingBack }) ?? true else { return false }
                state.lastGivenBack = now
                return true
            }
            if mayGiveBack {
                memory.giveBack()
                resident = memory.residentBytes() ?? resident
            }
        }
        let becameShort = state.withLock { state -> Bool in
            if resident > budget {
                // Lowering the limit below what the models take is what frees memory; further down it would only empty the cache.
                let needed = Int((Double(modelBytes) - Double(resident - budget)) / Double(max(1, budget)) * 100)
                state.percent = max(Self.leastPercent, min(state.percent - 1, max(needed, state.percent - 5)))
            } else if resident < budget / 100 * 93, state.percent < 100 {
                state.percent += 1
            }
            let isShort = resident > budget && state.percent == Self.leastPercent
            defer { state.isShort = isShort }
            return isShort && !state.isShort
        }
        if becameShort {
            logger.warning(
                "runner",
                "the process takes \(resident >> 20) MiB, models \(modelBytes >> 20) MiB of them, with a memory_budget of "
                    + "\(budget >> 20) MiB: what isn't models leaves them no more room"
            )
        }
        return resident
    }
}
