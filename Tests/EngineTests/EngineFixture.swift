// SPDX-License-Identifier: Apache-2.0

import Bus
import Engine
import EngineCore
import EngineSimulation
import Storage
import TestSupport

/// An engine without listeners on a database and a checkpoint directory of its own.
final class EngineFixture {
    let repository: SQLMetricRepository
    let bus = InProcessBus(partitionCount: 16)
    let checkpoints: FileCheckpointStore
    let factory = FakeModelFactory()
    let counters = EngineCounters()
    let storer: Storer
    let runner: ModelRunner
    let operations: EngineOperations
    private var isRunning = true

    init(
        _ directory: TemporaryDirectory,
        runner change: (inout ModelRunner.Configuration) -> Void = { _ in },
        storer changeStorer: (inout Storer.Configuration) -> Void = { _ in },
        models: (any ScoringModelFactory)? = nil,
        clock: any EngineClock = SystemClock(),
        defaultMode: DetectionMode = .parity,
        runSync: SQLiteDatabase.Configuration.RunSync? = nil
    ) throws {
        repository = try Self.openRepository(directory, runSync: runSync)
        checkpoints = Self.checkpoints(directory)
        var configuration = ModelRunner.Configuration()
        configuration.rowsPerCheckpoint = 50
        configuration.firstRows = 20
        change(&configuration)
        var storing = Storer.Configuration()
        storing.firstRows = configuration.firstRows
        storing.defaultMode = defaultMode
        changeStorer(&storing)
        let logger = SilentLogger()
        storer = Storer(
            repository: repository,
            bus: bus,
            clock: clock,
            logger: logger,
            counters: counters,
            configuration: storing
        )
        runner = ModelRunner(
            repository: repository,
            bus: bus,
            checkpointStore: checkpoints,
            factory: models ?? factory,
            clock: clock,
            logger: logger,
            counters: counters,
            configuration: configuration
        )
        operations = EngineOperations(
            repository: repository,
            bus: bus,
            checkpoints: checkpoints,
            factory: models ?? factory,
            clock: clock,
            logger: logger,
            firstRows: configuration.firstRows,
            defaultMode: defaultMode
        )
        storer.start()
        try runner.start()
    }

    /// The database alone, with nothing that works on it.
    static func openRepository(
        _ directory: TemporaryDirectory,
        runSync: SQLiteDatabase.Configuration.RunSync? = nil
    ) throws -> SQLMetricRepository {
        var configuration = SQLiteDatabase.Configuration(path: directory.path("htmengine.sqlite"))
        if let runSync { configuration.runSync = runSync }
        let repository = SQLMetricRepository(database: try SQLiteDatabase(configuration))
        try repository.migrate()
        return repository
    }

    static func checkpoints(_ directory: TemporaryDirectory) -> FileCheckpointStore {
        FileCheckpointStore(root: directory.path("checkpoints"))
    }

    func stop() {
        guard isRunning else { return }
        isRunning = false
        storer.stop()
        // What is in work is finished, however long that takes: tests count what it leaves.
        runner.stop(patienceMilliseconds: 60_000)
        bus.close()
        repository.close()
    }

    deinit { stop() }

    @discardableResult
    func send(_ name: String, _ samples: [Sample]) throws -> [(index: Int, reason: SampleRefusal)] {
        try storer.store(samples.map { IncomingSample(name: name, sample: $0) })
    }

    func rows(_ name: String) throws -> [MetricRow] {
        try repository.read { reading in
            guard let metric = try reading.metric(named: name) else { return [] }
            return try reading.rows(RowQuery(uid: metric.uid))
        }
    }

    func status(_ name: String) throws -> MetricStatus? {
        try repository.read { try $0.metric(named: name)?.status }
    }

    /// Waits until `condition` holds, at most two minutes.
    func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
        let pause = Monitor(false)
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            if try condition() { return true }
            pause.wait(timeoutMilliseconds: 10) { $0 ? true : nil }
        }
        return false
    }

    /// Waits until every row of a metric has a score.
    func allScored(_ name: String, count: Int) throws -> Bool {
        try eventually {
            let rows = try rows(name)
            return rows.count == count && rows.allSatisfy { $0.anomalyScore != nil }
        }
    }
}

/// `count` samples five minutes apart with values that depend on `seed`.
func makeSamples(_ count: Int, seed: Int = 1, from start: Int = 0) -> [Sample] {
    (start..<start + count).map { index -> Sample in
        let scrambled = (index * 7919 + seed * 104_729) % 1000
        return Sample(timestamp: 1_600_000_000 + Int64(index) * 300, value: Double(scrambled) / 8)
    }
}
