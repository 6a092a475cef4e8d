// SPDX-License-Identifier: Apache-2.0

import Bus
import Engine
import EngineCore

/// Hands samples to the durable custom-metric queue of the production form, whose storer writes them in their order.
struct QueueSink: SampleSink {
    private static let linesPerMessage = 200
    let bus: RabbitMQBus

    /// Calls `completion` when the broker has taken the samples over: from then on they survive, though the storer may still refuse
    /// one that isn't newer than the last.
    func submit(_ samples: [IncomingSample], completion: @escaping @Sendable (StoreOutcome) -> Void) throws {
        do {
            for start in stride(from: 0, to: samples.count, by: Self.linesPerMessage) {
                let part = samples[start..<min(start + Self.linesPerMessage, samples.count)]
                try bus.sendLines(
                    part.map { "\($0.name) \(NumberFormat.shortest($0.sample.value)) \($0.sample.timestamp)" }
                )
            }
            completion(StoreOutcome())
        } catch let error as EngineError {
            completion(StoreOutcome(error: error))
        }
    }
}
