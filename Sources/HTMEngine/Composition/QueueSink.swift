// SPDX-License-Identifier: Apache-2.0

import Bus
import Engine
import EngineCore

/// Hands samples to the durable queue of the storer, as the original's senders do: they are safe when the broker has taken
/// them over, whether or not an engine runs. What the storer refuses later is in its log and its counters.
struct QueueSink: SampleSink {
    let bus: RabbitMQBus

    /// Lines of one message, as the original's listener sends them.
    private static let linesPerMessage = 200

    func submit(_ samples: [IncomingSample], completion: @escaping @Sendable (StoreOutcome) -> Void) throws {
        do {
            var start = 0
            while start < samples.count {
                let end = min(start + Self.linesPerMessage, samples.count)
                try bus.sendLines(
                    samples[start..<end].map { item in
                        "\(item.name) \(NumberFormat.shortest(item.sample.value)) \(item.sample.timestamp)"
                    }
                )
                start = end
            }
            completion(StoreOutcome())
        } catch let error as EngineError {
            completion(StoreOutcome(error: error))
        }
    }
}
