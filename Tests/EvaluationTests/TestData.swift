// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Where benchmark data lies that isn't part of the repository; tests that need it are skipped by name without it.
enum TestData {
    static let golden = directory("HTMENGINE_GOLDEN", sibling: "golden")
    static let nab = directory("HTMENGINE_NAB", sibling: "nab")

    private static func directory(_ variable: String, sibling: String) -> String? {
        let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path =
            ProcessInfo.processInfo.environment[variable]
            ?? packageRoot.deletingLastPathComponent().appendingPathComponent("shared/\(sibling)").path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }
}
