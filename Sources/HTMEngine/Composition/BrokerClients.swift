// SPDX-License-Identifier: Apache-2.0

import Bus
import Engine
import EngineCore

/// What an engine on servers does at the broker beside the bus: the custom-metric queue belongs to service `storer`, the
/// original's clients to `runner`.
final class BrokerClients: Sendable {
    private let storer: CustomMetricConsumer?
    private let original: OriginalClients?

    init(
        _ bus: RabbitMQBus,
        services: Set<Engine.Service>,
        sink: any SampleSink,
        counters: IngestCounters,
        logger: any Logger
    ) {
        let configuration = bus.configuration
        if services.contains(.storer) {
            let ingest = LineIngest(sink: sink, counters: counters, logger: logger)
            let consumer = CustomMetricConsumer(configuration: configuration, logger: logger) { lines in
                try ingest.store(lines, sender: configuration.customMetricQueue)
            }
            bus.addCounters { [weak consumer] in consumer?.counters() ?? [:] }
            storer = consumer
        } else {
            storer = nil
        }
        if services.contains(.runner) {
            let clients = OriginalClients(configuration: configuration, logger: logger) { [weak bus] uids in
                // Says to the models' runners that they should look at the database.
                bus?.send(uids.map { ModelHint(uid: $0) })
            }
            bus.addCounters { [weak clients] in clients?.counters() ?? [:] }
            original = clients
        } else {
            original = nil
        }
    }

    /// Takes nothing more; what was taken is stored.
    func close() {
        storer?.close()
        original?.close()
    }
}
