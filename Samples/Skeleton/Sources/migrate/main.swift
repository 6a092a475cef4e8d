// SPDX-License-Identifier: Apache-2.0
// Brings the database's schema up to date. The migrations are the engine's own.

import Foundation
import HTMEngine

do {
    let options = try MigrationOptions(arguments: Array(CommandLine.arguments.dropFirst()))
    try Migration.run(configuration: Configuration(), options: options) { print($0) }
} catch {
    FileHandle.standardError.write(Data("migrate: \(error)\n".utf8))
    exit(1)
}
