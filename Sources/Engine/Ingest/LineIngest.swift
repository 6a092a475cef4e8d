// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Stores Graphite lines that come as text, from the custom-metric queue, and returns when they are committed.
package final class LineIngest: Sendable {
    private let sink: any SampleSink
    private let counters: IngestCounters
    private let refusals: RefusalLog

    package init(sink: any SampleSink, counters: IngestCounters, logger: any Logger) {
        self.sink = sink
        self.counters = counters
        refusals = RefusalLog(logger: logger, service: "storer")
    }

    /// Stores what can be stored of the lines, in their order; bad ones are counted and reported.
    ///
    /// - Throws: `EngineError` when the database doesn't take them: nothing or part of them is stored then, and the same lines may be
    ///   handed in again.
    package func store(_ lines: [String], sender: String) throws {
        var reader = GraphiteLineReader()
        for line in lines {
            var line = line
            line.withUTF8 { reader.read(UnsafeRawBufferPointer($0)) }
            // The end of an item is the end of a line, with or without a line feed.
            reader.finish()
        }
        let (samples, refused) = reader.take()
        for (reason, line) in refused {
            counters.addRefused(reason)
            refusals.note(reason, line, sender: sender)
        }
        guard !samples.isEmpty else { return }
        let outcome = Monitor<StoreOutcome?>(nil)
        try sink.submit(samples) { result in outcome.update { $0 = result } }
        let result: StoreOutcome? = outcome.wait { $0 }
        if let error = result?.error { throw error }
        counters.addSamples(samples.count)
        for (index, reason) in result?.refusals ?? [] {
            counters.addRefused(reason)
            refusals.note(reason, samples[index].name, sender: sender)
        }
    }
}
