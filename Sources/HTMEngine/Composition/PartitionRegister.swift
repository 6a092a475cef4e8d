// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import Storage

/// Writes down in the database which partitions this process has, so that people can see it: AMQP doesn't tell who consumes.
///
/// On a thread of its own, because a database that is away must not hold up the broker's heartbeats. What another one has
/// overwritten by mistake (after a freeze, for example) is put right every few seconds.
final class PartitionRegister: Sendable {
    private struct State {
        var owned: Set<Int> = []
        var isDirty = false
        var isClosed = false
    }

    /// Unit: milliseconds.
    private static let interval = 10_000
    private let partitions: SQLPartitions
    private let owner: String
    private let logger: any Logger
    private let state = Monitor(State())
    private let thread = Monitor<ServiceThread?>(nil)

    init(_ partitions: SQLPartitions, logger: any Logger) {
        self.partitions = partitions
        self.logger = logger
        owner = Self.name
        let thread = ServiceThread(name: "partitions") { [self] in run() }
        self.thread.withLock { $0 = thread }
    }

    /// Host and process id of this process.
    static var name: String {
        var bytes = [CChar](repeating: 0, count: 128)
        let known = gethostname(&bytes, bytes.count - 1) == 0
        let host = String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return "\(known ? host : "unknown"):\(getpid())"
    }

    /// Takes note and returns at once.
    func update(owned: Set<Int>) {
        state.update { state in
            guard state.owned != owned else { return }
            state.owned = owned
            state.isDirty = true
        }
    }

    /// Writes down that this process has none any more, and ends.
    func close() {
        state.update { $0 = State(owned: [], isDirty: true, isClosed: true) }
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }

    private func run() {
        while true {
            // Also without a change: the table may have been changed by others.
            _ = state.wait(timeoutMilliseconds: Self.interval) { $0.isDirty || $0.isClosed ? true : nil }
            let (owned, isClosed) = state.withLock { state in
                state.isDirty = false
                return (state.owned, state.isClosed)
            }
            do {
                try partitions.record(owned, owner: owner, at: SystemClock().wallSeconds())
            } catch {
                logger.warning("bus", "the owners of partitions can't be written down: \(error)")
            }
            if isClosed { return }
        }
    }
}
