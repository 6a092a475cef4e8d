// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore

/// The engine's operations as the HTTP routes call them.
package struct EngineVerbs: MetricOperations {
    private let operations: EngineOperations

    package init(_ operations: EngineOperations) { self.operations = operations }

    package func monitor(_ spec: ModelSpec) throws -> String { try operations.monitor(spec) }
    package func unmonitor(uid: String) throws { _ = try operations.unmonitor(uid: uid) }
    package func delete(uid: String) throws { try operations.deleteMetric(uid: uid) }
    package func importModel(_ spec: ModelSpec) throws -> String { try operations.importModel(spec) }
    package func exportModel(uid: String) throws -> JSONValue { try operations.export(uid: uid) }
}
