// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Asks polled sources, each on a thread of its own, so that a slow one never holds up another.
package final class Collector: Sendable {
    package struct Configuration: Sendable {
        /// Holds a directory for each source.
        package var directory: String
        /// `[metric_collector] poll_interval`. Unit: seconds.
        package var interval: Int64 = 60
        /// `[metric_collector] metric_error_grace_period`. Unit: seconds.
        package var gracePeriod: Int64 = 10_800

        package init(directory: String) { self.directory = directory }
    }

    private let sources: [any PolledSource]
    private let outlet: SourcePoller.Outlet
    private let configuration: Configuration
    private let clock: any EngineClock
    private let logger: any Logger
    private let counters: EngineCounters
    private let isStopping = Monitor(false)
    private let threads = Monitor<[ServiceThread]>([])

    /// - Parameters:
    ///   - send: Stores samples; returns once they are safe, with those refused.
    ///   - report: Marks metrics as in error, with a message; nil takes the mark off.
    /// - Throws: `EngineError` with code `invalidArgument` when a source's name or schedule is wrong, or two have one name.
    package init(
        sources: [any PolledSource],
        configuration: Configuration,
        clock: any EngineClock = SystemClock(),
        logger: any Logger,
        counters: EngineCounters,
        send: @escaping @Sendable ([IncomingSample]) throws -> [(index: Int, reason: SampleRefusal)],
        report: @escaping @Sendable (_ metrics: [String], _ message: String?) throws -> Void
    ) throws {
        var names: Set<String> = []
        for source in sources {
            if let problem = source.problem { throw EngineError(.invalidArgument, problem) }
            guard names.insert(source.name).inserted else {
                throw EngineError(.invalidArgument, "there are two polled sources named \(source.name)")
            }
        }
        self.sources = sources
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        self.counters = counters
        outlet = SourcePoller.Outlet(send: send, report: report)
    }

    /// Starts to ask.
    package func start() {
        threads.withLock { threads in
            precondition(threads.isEmpty, "the collector runs already")
            threads = sources.map { source in
                ServiceThread(name: "collector", stackBytes: 1 << 20) { [self] in run(source) }
            }
        }
    }

    /// Ends all threads. What was fetched and not acknowledged is on disk.
    package func stop() {
        isStopping.update { $0 = true }
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in running { thread.join() }
    }

    private func run(_ source: any PolledSource) {
        let directory = configuration.directory + "/" + source.name
        guard let lock = waitForLock(directory, source), let poller = makePoller(source, directory) else { return }
        defer { lock.release() }
        while true {
            let next = poller.step(now: clock.wallSeconds())
            let pause = max(1, min(next - clock.wallSeconds(), 60))
            if isStopping.wait(timeoutMilliseconds: Int(pause) * 1000, { $0 ? true : nil }) == true { return }
        }
    }

    /// Another process may have the buffer: then this one stands by.
    private func waitForLock(_ directory: String, _ source: any PolledSource) -> FileLock? {
        var said = ""
        while true {
            do {
                try DurableFiles("buffer of a polled source").makeDirectories(directory)
                if let lock = try FileLock(path: directory + "/lock") { return lock }
                say("another process asks source \(source.name); this one stands by")
            } catch {
                say("source \(source.name) can't be asked: \(error)")
            }
            if isStopping.wait(timeoutMilliseconds: 1000, { $0 ? true : nil }) == true { return nil }
        }
        func say(_ text: String) {
            if text != said { logger.warning("collector", text) }
            said = text
        }
    }

    private func makePoller(_ source: any PolledSource, _ directory: String) -> SourcePoller? {
        var said = false
        while true {
            do {
                return SourcePoller(
                    source,
                    buffer: try SampleBuffer(directory: directory),
                    interval: configuration.interval,
                    gracePeriod: configuration.gracePeriod,
                    outlet: outlet,
                    logger: logger,
                    counters: counters,
                    now: clock.wallSeconds()
                ) { [isStopping] in isStopping.withLock { $0 } }
            } catch {
                if !said { logger.error("collector", "source \(source.name) can't be asked: \(error)") }
                said = true
            }
            if isStopping.wait(timeoutMilliseconds: 1000, { $0 ? true : nil }) == true { return nil }
        }
    }
}
