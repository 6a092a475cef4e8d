// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import HTTPAPI

/// The engine's verbs as HTTP calls them.
struct HTTPOperations: MonitoringVerbs {
    let operations: EngineOperations

    func monitor(_ spec: ModelSpec) throws -> String { try operations.monitor(spec) }
    func unmonitor(uid: String) throws { try operations.unmonitor(uid: uid) }
    func delete(uid: String) throws { try operations.deleteMetric(uid: uid) }
}
