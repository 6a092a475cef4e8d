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

    /// Keeps few heaps, which models on their way in and out of memory use again and again; to be called before there are many threads.
    /// In programs that allocate with jemalloc, whose settings are its own (`CAllocator`), it does nothing.
    package static func limitHeaps(threads: Int) {
        cs_limit_arenas(Int32(clamping: threads + 2))
        cs_keep_freed_memory()
    }
}

/// Keeps the whole process within the memory budget of its models.
///
/// The models' own count leaves out what lies around them: buffers of models that come and go, the database's caches, gaps between
/// allocations. So the models may take what they take now and what the process has left to its budget. When nothing is left, what was
/// freed is given back to the system, and if that isn't enough, models have to go.
package final class MemoryGuard: Sendable {
    /// Models may always have this part of the budget. Unit: percent.
    package static let leastPercent = 40
    /// Looking takes some microseconds; a model comes into memory in some milliseconds. Unit: nanoseconds.
    private static let betweenLooks: UInt64 = 5_000_000
    /// Giving back holds up threads that allocate: at most these parts of the time are spent on it. Unit: percent.
    private static let givingBackPercent: UInt64 = 10
    private static let urgentPercent: UInt64 = 33

    private struct State {
        /// By their own count, by worker. Unit: bytes.
        var models: [Int]
        /// What all models may take. Unit: bytes.
        var limit: Int
        var resident: Int?
        var lastLook: UInt64?
        /// What models on their way in and out take beside those that stay, learned from what the process took beyond the budget; goes
        /// back within some ten seconds. Unit: bytes.
        var margin: Int
        /// When memory may be given back again, and when it may while the budget itself is nearly used up.
        var mayGiveBackAt: UInt64 = 0
        var mayUrgentlyAt: UInt64 = 0
        var isShort = false

        var modelBytes: Int { models.reduce(0, +) }
    }

    private let budget: Int
    /// What the process is kept to: the budget, and room for models on their way in and out.
    private let wanted: Int
    private let memory: ProcessMemory?
    private let clock: any EngineClock
    private let logger: any Logger
    private let state: Monitor<State>

    /// - Parameter memory: nil: only what the models count matters.
    package init(
        budget: Int,
        workers: Int,
        memory: ProcessMemory?,
        clock: any EngineClock,
        logger: any Logger
    ) {
        self.budget = budget
        wanted = budget - min(budget / 8, budget / 64 + 8 << 20)
        self.memory = memory
        self.clock = clock
        self.logger = logger
        let start = memory == nil ? budget : budget / 100 * Self.leastPercent
        state = Monitor(
            State(models: Array(repeating: 0, count: workers), limit: start, margin: memory == nil ? 0 : budget / 8)
        )
    }

    /// What the models may take together by their own count. Unit: bytes.
    package var limit: Int { state.withLock { $0.limit } }

    /// What the process took when it was last asked. Unit: bytes; nil when that isn't known.
    package var resident: Int? { state.withLock { $0.resident } }

    /// What the models of one worker may take. May be called from any thread.
    ///
    /// - Parameters:
    ///   - worker: 0…workers − 1.
    ///   - bytes: What its models count now.
    package func share(worker: Int, taken bytes: Int) -> Int {
        state.withLock { state in
            state.models[worker] = bytes
            look(&state)
            return state.limit / state.models.count
        }
    }

    /// Looks at the process, also when no model is running.
    package func look() { state.withLock { look(&$0) } }

    private func look(_ state: inout State) {
        guard let memory else { return }
        let now = clock.monotonicNanoseconds()
        let last = state.lastLook ?? now
        guard state.lastLook == nil || now >= last + Self.betweenLooks else { return }
        state.lastLook = now
        let milliseconds = Int(min((now - last) / 1_000_000, 1000))
        state.margin -= state.margin / 10_000 * milliseconds
        guard var resident = memory.residentBytes() else {
            state.limit = wanted / 100 * 75
            return
        }
        let over = resident - (budget - budget / 50)
        if over > 0 { state.margin = min(state.margin + over / 8, budget / 4) }
        var gaveBack = false
        let isUrgent = resident > wanted + (budget - wanted) / 2
        if resident > wanted, now >= (isUrgent ? state.mayUrgentlyAt : state.mayGiveBackAt) {
            memory.giveBack()
            gaveBack = true
            let end = clock.monotonicNanoseconds()
            state.mayGiveBackAt = end + (end - now) * 100 / Self.givingBackPercent
            state.mayUrgentlyAt = end + (end - now) * 100 / Self.urgentPercent
            resident = memory.residentBytes() ?? resident
        }
        state.resident = resident
        let models = state.modelBytes
        let least = budget / 100 * Self.leastPercent
        // While it can't be seen whether what is over is only memory that was freed, one model goes for each that comes.
        let isKnown = resident <= wanted || gaveBack
        let room = wanted - state.margin - resident
        state.limit = isKnown ? min(wanted, max(least, models + room)) : min(state.limit, max(least, models))
        let isShort = resident > budget && state.limit == least
        if isShort, !state.isShort {
            logger.warning(
                "runner",
                "the process takes \(resident >> 20) MiB, models \(models >> 20) MiB of them, with a memory_budget of "
                    + "\(budget >> 20) MiB: what isn't models leaves them too little room"
            )
        }
        state.isShort = isShort
    }
}
