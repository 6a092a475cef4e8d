// SPDX-License-Identifier: Apache-2.0

import Bus
import Engine
import EngineCore
import Storage

/// What an engine on servers does at the broker beside the bus: the custom-metric queue belongs to service `storer`, the
/// original's clients to `runner`.
final class BrokerClients: Sendable {
    private let storer: CustomMetricConsumer?
    private let original: OriginalClients?
    private let register: PartitionRegister?
    private let bus: RabbitMQBus

    init(
        _ bus: RabbitMQBus,
        repository: any MetricRepository,
        services: Set<Engine.Service>,
        sink: any SampleSink,
        counters: IngestCounters,
        logger: any Logger
    ) {
        self.bus = bus
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
            register = (repository as? SQLMetricRepository).map { repository in
                let register = PartitionRegister(SQLPartitions(database: repository.database), logger: logger)
                bus.observeOwnership { register.update(owned: $0) }
                return register
            }
        } else {
            original = nil
            register = nil
        }
    }

    /// Takes nothing more; what was taken is stored.
    func close() {
        storer?.close()
        original?.close()
        bus.observeOwnership(nil)
        register?.close()
    }
}
