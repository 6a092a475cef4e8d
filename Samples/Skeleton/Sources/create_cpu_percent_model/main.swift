// SPDX-License-Identifier: Apache-2.0
// Makes a model for the metric that send_cpu feeds.

import Foundation
import HTMEngine

let specification = ModelSpecification(metric: "cpu_percent", min: 0, max: 100)
do {
    let engine = try EngineConnection(configuration: Configuration())
    let adapter = try engine.createDatasourceAdapter("custom")
    let uid = try await adapter.monitorMetric(specification)
    print("Model \(uid) created...")
} catch let error as HTMEngineError where error.code == .metricAlreadyMonitored {
    FileHandle.standardError.write(
        Data("cpu_percent is already monitored: its uid is \(error.uid ?? "unknown")\n".utf8)
    )
    exit(1)
} catch {
    FileHandle.standardError.write(Data("create_cpu_percent_model: \(error)\n".utf8))
    exit(1)
}
