// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Runs blocking calls on threads of their own, so that Swift's few cooperative threads stay free.
enum BlockingWork {
    private struct Work: Sendable {
        let body: @Sendable () -> Void
    }

    private struct State {
        var queue: [Work] = []
        var idle = 0
        var threads = 0
    }

    /// Beyond so many calls at once, the next one waits for its turn.
    private static let mostThreads = 64
    private static let state = Monitor(State())

    /// Runs `body` and returns what it returns.
    /// - Throws: What `body` throws, as ``HTMEngineError``.
    static func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Result, any Error>) in
            submit {
                do {
                    continuation.resume(returning: try body())
                } catch {
                    continuation.resume(throwing: HTMEngineError(error))
                }
            }
        }
    }

    private static func submit(_ body: @escaping @Sendable () -> Void) {
        let needsThread = state.update { state in
            state.queue.append(Work(body: body))
            guard state.idle < state.queue.count, state.threads < mostThreads else { return false }
            state.threads += 1
            return true
        }
        guard needsThread else { return }
        let started = ServiceThread.startDetached(name: "blocking", stackBytes: 1 << 20) { workUntilIdle() }
        precondition(started, "the system refuses a thread for blocking calls")
    }

    private static func workUntilIdle() {
        while true {
            state.withLock { $0.idle += 1 }
            let work = state.wait(timeoutMilliseconds: 5000) { state in
                state.queue.isEmpty ? nil : state.queue.removeFirst()
            }
            let ends = state.withLock { state in
                state.idle -= 1
                if work == nil { state.threads -= 1 }
                return work == nil
            }
            if ends { return }
            work?.body()
        }
    }
}
