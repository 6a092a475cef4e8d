// SPDX-License-Identifier: Apache-2.0

import Bus
import EngineCore
import Testing

@Test func theEmbeddedBusHandsHintsToItsOneWorker() throws {
    final class Worker: PartitionWorker {
        let hints = Monitor<[ModelHint]>([])
        let owned = Monitor<Set<Int>>([])
        func partitionsChanged(owned: Set<Int>) { self.owned.withLock { $0 = owned } }
        func receive(_ hints: [ModelHint]) { self.hints.withLock { $0 += hints } }
    }
    let bus = InProcessBus(partitionCount: 8)
    let worker = Worker()
    try bus.join(worker)
    #expect(worker.owned.withLock { $0 } == Set(0..<8))
    bus.send([ModelHint(uid: "a")])
    #expect(worker.hints.withLock { $0.map(\.uid) } == ["a"])
    bus.leave(worker)
    bus.send([ModelHint(uid: "b")])
    #expect(bus.counters()["htmengine_bus_hints_dropped_total"] == 1)
}
