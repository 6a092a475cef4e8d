// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import HTTPAPI

/// The engine's verbs as HTTP calls them.
struct HTTPOperations: MetricOperations {
    let operations: EngineOperations

    func monitor(_ spec: ModelSpec) throws -> String { try operations.monitor(spec) }
    func importModel(_ spec: ModelSpec) throws -> String { try operations.importModel(spec) }
    func exportModel(uid: String) throws -> JSONValue { try operations.export(uid: uid) }
    func unmonitor(uid: String) throws { try operations.unmonitor(uid: uid) }
    func delete(uid: String) throws { try operations.deleteMetric(uid: uid) }
}
