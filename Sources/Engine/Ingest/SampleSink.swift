// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// A sample that came in under a metric's name.
package struct IncomingSample: Sendable, Hashable {
    /// Already checked by ``MetricName``.
    package var name: String
    package var sample: Sample

    package init(name: String, sample: Sample) {
        self.name = name
        self.sample = sample
    }
}

/// What became of the samples of one submission.
package struct StoreOutcome: Sendable {
    /// Samples that were not stored, by their index in the submission; all others are stored and will survive a power cut.
    package var refusals: [(index: Int, reason: SampleRefusal)]
    /// Set when nothing could be stored because the database didn't take it; `refusals` is empty then.
    package var error: EngineError?

    package init(refusals: [(index: Int, reason: SampleRefusal)] = [], error: EngineError? = nil) {
        self.refusals = refusals
        self.error = error
    }
}

/// Takes samples from listeners, HTTP and queues, and stores them.
package protocol SampleSink: Sendable {
    /// Takes samples over, in this order per metric. Blocks while too much is waiting, which slows the sender down.
    ///
    /// - Parameters:
    ///   - samples: Any number, of any metrics.
    ///   - completion: Called once, after the commit (or the refusal) of all of them, on a thread of the sink; returns quickly.
    /// - Throws: `EngineError` with code `stopping` when nothing is taken any more; `completion` isn't called then.
    func submit(_ samples: [IncomingSample], completion: @escaping @Sendable (StoreOutcome) -> Void) throws
}
