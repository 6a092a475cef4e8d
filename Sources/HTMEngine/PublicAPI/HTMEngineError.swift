// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Anything that can go wrong between an application and the engine.
public struct HTMEngineError: Error, Sendable, CustomStringConvertible {
    /// What kind of thing went wrong. New codes may be added: a `switch` over them needs a `default`.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        let base: EngineError.Code

        /// The code's name.
        public var description: String { base.rawValue }

        /// A name, number, spec or option is wrong; the message names it and says what was expected.
        public static let invalidArgument = Code(base: .invalidArgument)
        /// No metric of that uid or name (the original's `ObjectNotFoundError`).
        public static let notFound = Code(base: .notFound)
        /// The name is taken; ``HTMEngineError/uid`` is set (`MetricAlreadyExists`).
        public static let metricAlreadyExists = Code(base: .metricAlreadyExists)
        /// The metric has a model; ``HTMEngineError/uid`` is set (`MetricAlreadyMonitored`).
        public static let metricAlreadyMonitored = Code(base: .metricAlreadyMonitored)
        /// The metric has no model (`MetricNotMonitoredError`).
        public static let metricNotMonitored = Code(base: .metricNotMonitored)
        /// Too few rows to estimate a value range (`MetricStatisticsNotReadyError`).
        public static let statisticsNotReady = Code(base: .statisticsNotReady)
        /// Somebody else changed the metric meanwhile (`MetricStatusChangedError`).
        public static let statusChanged = Code(base: .statusChanged)
        /// Another datasource than `custom` was named, or the metric belongs to one.
        public static let unsupportedDatasource = Code(base: .unsupportedDatasource)
        /// `[metric_listener] max_metrics` is reached.
        public static let tooManyMetrics = Code(base: .tooManyMetrics)
        /// A configuration file or variable is wrong (`ApplicationNotConfiguredError` among others).
        public static let configuration = Code(base: .configuration)
        /// The database can't be written or reached just now; trying again may help.
        public static let storageUnavailable = Code(base: .storageUnavailable)
        /// The database is damaged.
        public static let storageCorrupt = Code(base: .storageCorrupt)
        /// Another engine uses the data directory.
        public static let alreadyRunning = Code(base: .alreadyRunning)
        /// A checkpoint is damaged.
        public static let checkpointDamaged = Code(base: .checkpointDamaged)
        /// The engine or the broker can't be reached just now; trying again may help.
        public static let engineUnavailable = Code(base: .busUnavailable)
        /// The engine is stopping.
        public static let stopping = Code(base: .stopping)
        /// Anything else.
        public static let failed = Code(base: .failed)
    }

    /// What kind of thing went wrong.
    public let code: Code
    /// For people: what was wrong, and what was expected.
    public let message: String
    /// The metric in question, where there is one.
    public let uid: String?
    /// What it was caused by, where that is of another type.
    public let underlying: (any Error)?

    /// The message.
    public var description: String { message }

    init(_ error: any Error) {
        if let error = error as? HTMEngineError {
            self = error
        } else if let error = error as? EngineError {
            code = Code(base: error.code)
            message = error.message
            uid = error.uid
            underlying = nil
        } else {
            code = error is ConfigurationError ? .configuration : .failed
            message = "\(error)"
            uid = nil
            underlying = error
        }
    }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
        uid = nil
        underlying = nil
    }
}
