// SPDX-License-Identifier: Apache-2.0

import HTMEngine

/// `htmengine version`
enum VersionCommand {
    static let command = Command("version", summary: "Prints the version.") { _, context in
        context.output("htmengine \(HTMEngineVersion.current)\n")
        return .success
    }
}
