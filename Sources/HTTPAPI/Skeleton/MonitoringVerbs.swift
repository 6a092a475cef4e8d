// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// What the skeleton's web application asks of the engine beside reading and storing.
package protocol MonitoringVerbs: Sendable {
    /// Begins to monitor a metric, which is created if need be.
    ///
    /// - Returns: The metric's uid.
    /// - Throws: `EngineError` with code `metricAlreadyMonitored` (with the uid) or `invalidArgument`.
    func monitor(_ spec: ModelSpec) throws -> String
    /// Ends monitoring; harmless when the metric isn't monitored.
    ///
    /// - Throws: `EngineError` with code `notFound`.
    func unmonitor(uid: String) throws
    /// Removes the metric with its samples.
    ///
    /// - Throws: `EngineError` with code `notFound`.
    func delete(uid: String) throws
}
