// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation

/// What the engine tells the world: results as they are stored, and models made and removed.
public enum EngineEvent: Sendable {
    /// Scores of consecutive samples of one metric.
    case results(ModelResults)
    /// The outcome of making or removing a model.
    case command(ModelCommand)
    /// A message on the results exchange with a `dataType` that isn't ours.
    case unexpected(dataType: String)
    /// What happened before isn't delivered: comes first of all, once the engine listens to this reader, and again when the engine was
    /// started anew or the reader was so slow that events were dropped.
    ///
    /// What was missed is stored: ``EngineConnection/samples(of:after:limit:)`` has it by the time this comes. Events that follow may
    /// repeat rows that are read so. On servers, a reader with a queue of its own misses nothing, and never gets this.
    case gap

    init(_ message: EngineMessage) {
        switch message {
        case .inferenceResults(let results): self = .results(ModelResults(results))
        case .commandResult(let result): self = .command(ModelCommand(result))
        case .foreign(let dataType): self = .unexpected(dataType: dataType)
        }
    }
}

/// Scores of consecutive samples of one metric.
public struct ModelResults: Sendable, Hashable {
    /// The metric's uid, which is also the model's id.
    public let uid: String
    /// The metric's name.
    public let metric: String
    /// The rows, oldest first; all of them scored.
    public let rows: [ScoredSample]
    private let stored: [MetricRow]

    package init(_ results: InferenceResults) {
        uid = results.metric.uid
        metric = results.metric.name ?? ""
        rows = results.rows.map(ScoredSample.init)
        stored = results.rows
    }

    /// The rows as a JSON list with the keys and number formats of the original's consumer:
    /// `[{"rowid": 1, "rawAnomaly": 0.0, "anomaly": 0.5, "ts": 1434174392.0, "value": 8.0}]`, and
    /// `multiStepBestPredictions` behind them where there are predictions.
    public var rowsJSON: String {
        var writer = JSONWriter(style: .python)
        writer.beginArray()
        for row in stored {
            writer.beginObject()
            writer.field("rowid", row.rowid)
            writer.field("rawAnomaly", row.rawAnomalyScore)
            writer.field("anomaly", row.anomalyScore)
            writer.field("ts", Double(row.timestamp))
            writer.field("value", row.value)
            if let predictions = row.predictions, predictions != "null" {
                writer.key("multiStepBestPredictions")
                writer.raw(predictions)
            }
            writer.endObject()
        }
        writer.endArray()
        return writer.text
    }
}

/// The outcome of making or removing a model.
public struct ModelCommand: Sendable, Hashable {
    /// `defineModel` or `deleteModel`.
    public let method: String
    /// The metric's uid.
    public let modelID: String
    /// 0 for success; else as in the original (1 error, 2 exists with another definition, 3 no such model, 4 invalid argument).
    public let status: Int
    /// What went wrong.
    public let errorMessage: String?
    /// The whole message as JSON, with the original's keys.
    public let json: String

    init(_ result: ModelCommandResult) {
        method = result.method.rawValue
        modelID = result.modelId
        status = result.status
        errorMessage = result.errorMessage
        json = EngineMessage.commandResult(result).json
    }
}

/// Events as they come, for `for try await`.
///
/// Ends when the task is cancelled; throws when the engine can't be reached any more. One reader at a time.
public struct EngineEvents: AsyncSequence, Sendable {
    let subscribe: @Sendable () throws -> any MessageSubscription

    /// Starts to listen.
    public func makeAsyncIterator() -> Iterator { Iterator(subscribe: subscribe) }

    /// Waits for one event after the other.
    public struct Iterator: AsyncIteratorProtocol {
        private static let pollMilliseconds = 200
        let subscribe: @Sendable () throws -> any MessageSubscription
        private var subscription: (any MessageSubscription)?
        private var waiting: [EngineMessage] = []
        private var gaps: Int64 = 0

        init(subscribe: @escaping @Sendable () throws -> any MessageSubscription) {
            self.subscribe = subscribe
        }

        /// The next event; nil when the task was cancelled or the engine ended the stream.
        /// - Throws: ``HTMEngineError``.
        public mutating func next() async throws -> EngineEvent? {
            while waiting.isEmpty {
                if Task.isCancelled {
                    subscription?.cancel()
                    return nil
                }
                let source: any MessageSubscription
                if let subscription {
                    source = subscription
                } else {
                    let subscribe = subscribe
                    source = try await BlockingWork.run { try subscribe() }
                    subscription = source
                }
                guard
                    let messages = try await BlockingWork.run({
                        source.next(timeoutMilliseconds: Self.pollMilliseconds)
                    })
                else { return nil }
                waiting = messages.reversed()
                // Asked for after the messages, so that a gap is told before what follows it: too early does no harm.
                let gaps = source.gaps
                if gaps > self.gaps {
                    self.gaps = gaps
                    return .gap
                }
            }
            return waiting.popLast().map(EngineEvent.init)
        }
    }
}
