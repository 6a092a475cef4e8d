// SPDX-License-Identifier: Apache-2.0

import Bus
import EngineCore
import Foundation
import TestSupport
import Testing

/// A runner that notes what it is told.
final class RecordingWorker: PartitionWorker {
    let hints = Monitor<[ModelHint]>([])
    let owned = Monitor<Set<Int>>([])
    func partitionsChanged(owned: Set<Int>) { self.owned.withLock { $0 = owned } }
    func receive(_ hints: [ModelHint]) { self.hints.withLock { $0 += hints } }
}

extension RabbitMQConfiguration {
    /// Entities of their own for one test on the real broker.
    init(_ server: RealServers.AMQP) {
        let name = RealServers.uniqueName()
        self.init(
            resultsExchange: "\(name).model.results",
            customMetricQueue: "\(name).metric.custom.data",
            modelInputQueuePrefix: "\(name).mswapper.model.input.",
            notificationQueue: "\(name).mswapper.scheduler.notification"
        )
        host = server.host
        port = server.port
        user = server.user
        password = server.password
        // A broker that shares its machine with all other tests.
        connectTimeout = 60
    }
}

@Suite(
    "RabbitMQ, the real broker",
    .enabled(if: RealServers.amqp != nil, "no RabbitMQ: run by Tests/Support/with-servers")
)
struct RabbitMQBusTests {
    let configuration: RabbitMQConfiguration

    init() throws { configuration = RabbitMQConfiguration(try #require(RealServers.amqp)) }

    private func makeBus(partitions: Int = 8) -> RabbitMQBus {
        RabbitMQBus(configuration: configuration, partitionCount: partitions, logger: SilentLogger())
    }

    /// Removes what the test made on the broker.
    private func cleanUp(partitions: Int = 8) throws {
        let connection = try AMQPConnection(configuration, name: "clean-up")
        for partition in 0..<partitions { try connection.deleteQueue(configuration.partitionQueue(partition)) }
        for queue in [
            configuration.runnersQueue, configuration.customMetricQueue, configuration.deadLetterQueue,
            configuration.notificationQueue,
        ] { try connection.deleteQueue(queue) }
    }

    /// Runs a foreign client: pika with Debian's own Python (another one on PATH wouldn't find it), with `channel`, `name` of the test's entities and the standard modules at hand.
    private func pika(_ script: String, _ arguments: String...) throws -> String {
        let server = try #require(RealServers.amqp)
        let head = """
            import json, sys, zlib, pika
            user, password, port = sys.argv[1:4]
            arguments = sys.argv[4:]
            connection = pika.BlockingConnection(pika.ConnectionParameters('127.0.0.1', int(port), '/',
                pika.PlainCredentials(user, password), socket_timeout=60, stack_timeout=120))
            channel = connection.channel()

            """
        let finished = try run(
            [
                "/usr/bin/python3", "-c", head + script + "\nconnection.close()", server.user, server.password,
                "\(server.port)",
            ]
                + arguments
        )
        if finished.status != 0 { throw PollingTimeout(description: finished.errorOutput) }
        return finished.output
    }

    static let results = EngineMessage.inferenceResults(
        InferenceResults(
            metric: MetricDescription(
                uid: "4258abfc6de947609f821095471dd0a2",
                name: "größe",
                description: nil,
                resource: "größe",
                location: "",
                datasource: "custom",
                specJSON: #"{"metric":"größe"}"#
            ),
            generation: 0,
            rows: [
                MetricRow(
                    rowid: 749,
                    timestamp: 1_434_174_392,
                    value: 8,
                    rawAnomalyScore: 0,
                    anomalyScore: 0.04456546299999997,
                    displayValue: 1000,
                    predictions: "null"
                )
            ]
        )
    )

    @Test func resultsReachSubscribersAndForeignClients() throws {
        let bus = makeBus()
        defer { bus.close() }
        let subscription = try bus.subscribe(capacity: 10)
        let queue = configuration.resultsExchange + ".foreign"
        _ = try pika(
            """
            channel.exchange_declare(arguments[0], 'fanout', durable=True)
            channel.queue_declare(arguments[1], durable=True)
            channel.queue_bind(arguments[1], arguments[0], '')
            """,
            configuration.resultsExchange,
            queue
        )
        let command = EngineMessage.commandResult(
            ModelCommandResult(
                method: .defineModel,
                modelId: "4258abfc6de947609f821095471dd0a2",
                commandId: "a2fa6253bafe47dba6e26649ffb2ac44",
                status: 0,
                modelInfo: .init(metricName: "m", resource: "m", modelSpecJSON: "{}")
            )
        )
        try bus.publish([command, Self.results])
        var received: [EngineMessage] = []
        try eventually("both messages") {
            received += subscription.next(timeoutMilliseconds: 200) ?? []
            return received.count == 2 ? true : nil
        }
        #expect(received == [command, Self.results])
        let seen = try pika(
            """
            for _ in range(2):
                method, properties, body = channel.basic_get(arguments[0], auto_ack=True)
                text = json.loads(zlib.decompress(body))
                print(properties.delivery_mode, properties.headers, method.routing_key == '', sorted(text))
            print(text['results'], text['metric']['name'] == 'gr\\u00f6\\u00dfe')
            channel.queue_delete(arguments[0])
            """,
            queue
        )
        #expect(
            seen == """
                2 {'dataType': 'model-cmd-result'} True ['commandId', 'errorMessage', 'method', 'modelId', 'modelInfo', 'status']
                2 None True ['metric', 'results']
                [{'rowid': 749, 'ts': 1434174392.0, 'value': 8.0, 'rawAnomaly': 0.0, 'anomaly': 0.04456546299999997, \
                'multiStepBestPredictions': None}] True

                """
        )
        subscription.cancel()
        #expect(subscription.next(timeoutMilliseconds: 0) == nil)
    }

    @Test func aLostConnectionIsAGapForWhoHasNoQueueOfItsOwn() throws {
        let server = try #require(RealServers.amqp)
        let bus = makeBus()
        defer { bus.close() }
        let subscription = try bus.subscribe(capacity: 10)
        let kept = try bus.openQueue(configuration.resultsExchange + ".kept")
        #expect(subscription.gaps == 1 && kept.gaps == 0)
        /// Asks the broker's management interface.
        func manage(_ method: String, _ path: String) throws -> JSONValue? {
            let url = "http://\(server.host):\(server.managementPort)/api/\(path)"
            let login = "\(server.user):\(server.password)"
            return try? JSONValue.parse(run(["curl", "-s", "-u", login, "-X", method, url]).output)
        }
        func percentEncoded(_ text: String) throws -> String {
            try #require(text.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        }
        // The broker hears of its own connections after some seconds. Whose the nameless queue on our exchange is, is the one to close.
        let connection = try eventually("the connection's name") { () -> String? in
            let exchange = try percentEncoded(configuration.resultsExchange)
            let bindings = try manage("GET", "exchanges/%2F/\(exchange)/bindings/source")?.arrayValue ?? []
            let names = bindings.compactMap { $0["destination"]?.stringValue }.filter { $0.hasPrefix("amq.gen") }
            guard let queue = names.first else { return nil }
            return try manage("GET", "queues/%2F/\(percentEncoded(queue))")?["owner_pid_details"]?["name"]?.stringValue
        }
        try eventually("the subscription listens again") {
            _ = try manage("DELETE", "connections/\(percentEncoded(connection))")
            return subscription.gaps == 2 ? true : nil
        }
        try bus.publish([Self.results])
        var received: [EngineMessage] = []
        try eventually("what came after the gap") {
            received += subscription.next(timeoutMilliseconds: 200) ?? []
            return received.isEmpty ? nil : true
        }
        #expect(received == [Self.results])
        #expect(subscription.gaps == 2 && subscription.dropped == 0 && kept.gaps == 0)
        let cleaning = try AMQPConnection(configuration, name: "clean-up")
        kept.cancel()
        try cleaning.deleteQueue(configuration.resultsExchange + ".kept")
    }

    @Test func aQueueOfOnesOwnKeepsWhatCameMeanwhile() throws {
        let bus = makeBus()
        defer { bus.close() }
        let queue = configuration.resultsExchange + ".own"
        try bus.openQueue(queue).cancel()
        try bus.publish([Self.results, Self.results])
        let first = try bus.openQueue(queue)
        try eventually("the first") { first.next(timeoutMilliseconds: 200) == [Self.results] ? true : nil }
        // Acknowledges the first; the second waits for another reader.
        first.cancel()
        let second = try bus.openQueue(queue)
        try eventually("the second") { second.next(timeoutMilliseconds: 200) == [Self.results] ? true : nil }
        #expect(second.next(timeoutMilliseconds: 100) == [])
        second.cancel()
        #expect(second.next(timeoutMilliseconds: 100) == nil)
        try AMQPConnection(configuration, name: "clean-up").deleteQueue(queue)
    }

    @Test func oneRunnerHasAllPartitionsTwoShareThemAndADeadOnesAreTakenOver() throws {
        defer { try? cleanUp() }
        let first = makeBus()
        let (one, two) = (RecordingWorker(), RecordingWorker())
        try first.join(one)
        try eventually("all partitions") { one.owned.withLock { $0.count == 8 ? true : nil } }
        let second = makeBus()
        defer { second.close() }
        try second.join(two)
        try eventually("half each") {
            let (mine, theirs) = (one.owned.withLock { $0 }, two.owned.withLock { $0 })
            return mine.count == 4 && theirs.count == 4 && mine.isDisjoint(with: theirs) ? true : nil
        }
        // Hints reach the owner of their partition.
        let hints = (0..<40).map { index in
            ModelHint(
                uid: String(repeating: "0", count: 30) + "\(10 + index)",
                generation: 3,
                firstRowid: Int64(index + 1),
                samples: [Sample(timestamp: 1_700_000_000, value: 0.1 + Double(index))]
            )
        }
        second.send(hints)
        try eventually("all hints") {
            one.hints.withLock { $0.count } + two.hints.withLock { $0.count } == 40 ? true : nil
        }
        let mine = one.owned.withLock { $0 }
        #expect(one.hints.withLock { $0 }.allSatisfy { mine.contains(partition(ofUID: $0.uid, count: 8)) })
        #expect(Set(one.hints.withLock { $0 } + two.hints.withLock { $0 }) == Set(hints))
        first.close()
        try eventually("taken over") { two.owned.withLock { $0.count == 8 ? true : nil } }
        second.leave(two)
    }

    @Test func oneStorerTakesTheQueueInOrderAndAnotherStandsBy() throws {
        defer { try? cleanUp() }
        let taken = Monitor<[String]>([])
        let failures = Monitor(2)
        func makeConsumer() -> CustomMetricConsumer {
            CustomMetricConsumer(configuration: configuration, logger: SilentLogger()) { lines in
                // As a database that is away for a moment.
                let fails = failures.withLock { count in
                    count -= 1
                    return count >= 0
                }
                if fails { throw EngineError(.storageUnavailable, "away") }
                taken.withLock { $0 += lines }
            }
        }
        let one = makeConsumer()
        try eventually("active") { one.isActive ? true : nil }
        let two = makeConsumer()
        defer { two.close() }
        // The original's sender declares the queue as it always has, and sends as it always has.
        _ = try pika(
            """
            channel.queue_declare(arguments[0], durable=True)
            channel.confirm_delivery()
            persistent = pika.BasicProperties(delivery_mode=2)
            for number in range(500):
                body = json.dumps({'protocol': 'plain', 'data': ['m.%d 1.5 1700000000' % number, 'x 1 2']})
                channel.basic_publish('', arguments[0], body, persistent, mandatory=True)
                if number == 250:
                    channel.basic_publish('', arguments[0], b'\\xffnonsense', persistent)
            """,
            configuration.customMetricQueue
        )
        try eventually("all lines") { taken.withLock { $0.count == 1000 ? true : nil } }
        #expect(taken.withLock { $0 } == (0..<500).flatMap { ["m.\($0) 1.5 1700000000", "x 1 2"] })
        let dead = try pika(
            """
            method, properties, body = channel.basic_get(arguments[0], auto_ack=True)
            print(properties.headers, body, properties.delivery_mode)
            print(channel.basic_get(arguments[0])[0])
            """,
            configuration.deadLetterQueue
        )
        #expect(dead == "{'htmengine-reason': 'the message is not JSON'} b'\\xffnonsense' 2\nNone\n")
        #expect(!two.isActive)
        one.close()
        try eventually("the other takes over") { two.isActive ? true : nil }
        let bus = makeBus()
        defer { bus.close() }
        try bus.sendLines(["last 1 2"])
        try eventually("the last line") { taken.withLock { $0.last == "last 1 2" ? true : nil } }
    }

    @Test func originalClientsFindTheirQueuesAndLeaveNothingBehind() throws {
        defer { try? cleanUp() }
        let notified = Monitor<[String]>([])
        let clients = OriginalClients(configuration: configuration, logger: SilentLogger()) { uids in
            notified.withLock { $0 += uids }
        }
        defer { clients.close() }
        let connection = try AMQPConnection(configuration, name: "test")
        try eventually("the notification queue") { try connection.inspectQueue(configuration.notificationQueue) }
        let uid = "74a8af599fb84ea79562e796b18f1fdc"
        _ = try pika(
            """
            channel.queue_declare(arguments[1] + arguments[2], durable=True)
            channel.confirm_delivery()
            channel.basic_publish('', arguments[1] + arguments[2], b'x\\n[["mc", "1", "defineModel", null]]', mandatory=True)
            channel.basic_publish('', arguments[0], json.dumps(arguments[2]), mandatory=True)
            """,
            configuration.notificationQueue,
            configuration.modelInputQueuePrefix,
            uid
        )
        try eventually("the notification") { notified.withLock { $0 == [uid] ? true : nil } }
        try eventually("the model's queue is gone") {
            try connection.inspectQueue(configuration.modelInputQueuePrefix + uid) == nil ? true : nil
        }
    }

    @Test func errorsNameTheBrokerAndNeverThePassword() throws {
        var wrong = configuration
        wrong.password = "not-the-s3cret"
        let bus = RabbitMQBus(configuration: wrong, partitionCount: 1, logger: SilentLogger())
        defer { bus.close() }
        let error = try #require(throws: EngineError.self) { try bus.publish([Self.results]) }
        #expect(error.code == .busUnavailable)
        #expect(error.message.contains("\(wrong.host):\(wrong.port)"))
        #expect(error.message.contains("user \(wrong.user)"))
        #expect(!error.message.contains("s3cret"))
    }

    @Test(.enabled(if: RealServers.amqp?.tlsPort != nil, "no openssl for a certificate"))
    func tlsIsUsedAndChecksTheBroker() throws {
        let server = try #require(RealServers.amqp)
        var secure = configuration
        secure.port = try #require(server.tlsPort)
        secure.host = "localhost"
        secure.tls = .init(authorityFile: server.authority)
        #expect(try AMQPConnection(secure, name: "tls").inspectQueue("nobody") == nil)
        secure.tls = .init()
        #expect(throws: AMQPError.self) { try AMQPConnection(secure, name: "tls") }
    }
}
