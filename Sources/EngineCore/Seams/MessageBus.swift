// SPDX-License-Identifier: Apache-2.0

/// How the services talk: hints from storers to runners, results from runners to the world.
///
/// Nothing on the bus is needed for correctness (the table is the log), so hints may be dropped, doubled and reordered; results
/// are published at least once, per metric in rowid order.
package protocol MessageBus: Sendable {
    /// P: a metric belongs to partition FNV-1a 64 (uid) mod P. Fixed for the life of an installation.
    var partitionCount: Int { get }

    /// True when published results outlive this process, so that results committed but not published must be published again
    /// after a restart.
    var isDurable: Bool { get }

    /// Hands hints to the owners of their partitions. Never blocks for long and never fails: what can't be taken is dropped
    /// and counted.
    func send(_ hints: [ModelHint])

    /// Publishes to everyone who listens. Blocks until a durable bus has taken the messages over.
    /// - Throws: `EngineError` with code `busUnavailable`; the caller publishes the same messages again later.
    func publish(_ messages: [EngineMessage]) throws

    /// Makes `worker` a candidate for partitions. Callbacks come on a thread of the bus, one at a time, from now on until
    /// `leave`; the first is `partitionsChanged`, perhaps with none.
    func join(_ worker: any PartitionWorker) throws

    /// Gives the partitions of `worker` back; no callbacks after this returns. The worker has saved its models before.
    func leave(_ worker: any PartitionWorker)

    /// Subscribes to what is published in this process or, on a durable bus, by any.
    /// - Parameter capacity: Messages held for a slow reader; beyond, the oldest is dropped and counted.
    func subscribe(capacity: Int) throws -> any MessageSubscription

    /// Numbers for people: hints dropped, messages published and so on, by a name fit for Prometheus.
    func counters() -> [String: Int64]

    /// Ends all subscriptions and connections.
    func close()
}

/// Works on the models of the partitions it owns.
package protocol PartitionWorker: AnyObject, Sendable {
    /// The partitions owned from now on. Models of partitions no longer named are dropped (their checkpoints need not be
    /// saved: another owner replays); models of new ones are looked for in the database.
    func partitionsChanged(owned: Set<Int>)

    /// Takes hints of owned partitions. Must return quickly.
    func receive(_ hints: [ModelHint])
}

/// A bounded queue of published messages.
package protocol MessageSubscription: AnyObject, Sendable {
    /// The next messages, oldest first; waits for at most `timeoutMilliseconds` when there are none, and then returns none.
    /// - Returns: nil when the subscription has ended and all was delivered.
    func next(timeoutMilliseconds: Int) -> [EngineMessage]?
    /// Messages dropped because the reader was slow, in all.
    var dropped: Int64 { get }
    /// Grows whenever messages may have been missed: when listening begins, and when some were dropped or a connection was lost.
    ///
    /// It has grown before what came after the gap is handed out. Stays 0 where a broker keeps what isn't read.
    var gaps: Int64 { get }
    func cancel()
}
