// SPDX-License-Identifier: Apache-2.0

/// Everything that can go wrong for reasons outside our code.
///
/// HTTP statuses and exit codes are mapped from `code` elsewhere.
package struct EngineError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// A name, number, JSON body or option is wrong; the message says what was expected.
        case invalidArgument
        /// No metric of that uid or name.
        case notFound
        /// `createMetric` of a name that exists; `uid` is set.
        case metricAlreadyExists
        /// `monitor` of a metric that is monitored, in ERROR too; `uid` is set.
        case metricAlreadyMonitored
        /// The operation needs a monitored metric.
        case metricNotMonitored
        /// The range can't be estimated: too few rows.
        case statisticsNotReady
        /// Another program changed the status meanwhile.
        case statusChanged
        /// The metric belongs to another datasource.
        case unsupportedDatasource
        /// `max_metrics` is reached.
        case tooManyMetrics
        /// Configuration is wrong.
        case configuration
        /// Disk full, directory read-only, database busy or unreachable: may pass by itself; nothing was acknowledged.
        case storageUnavailable
        /// The database is damaged.
        case storageCorrupt
        /// The data directory or database is in use by another engine.
        case alreadyRunning
        /// A checkpoint failed its checks.
        case checkpointDamaged
        /// The bus can't be reached.
        case busUnavailable
        /// The engine is stopping.
        case stopping
        /// Anything else.
        case failed
    }

    package var code: Code
    package var message: String
    /// The metric in question, where one is.
    package var uid: String?

    package init(_ code: Code, _ message: String, uid: String? = nil) {
        self.code = code
        self.message = message
        self.uid = uid
    }

    package var description: String { message }
}
