// SPDX-License-Identifier: Apache-2.0
// Brings the database's schema up to date. The migrations are the engine's own.

import Foundation
import HTMEngine

do {
    let configuration = try Configuration()
    if CommandLine.arguments.dropFirst() == ["--offline"] {
        print(try DatabaseMigration.script(configuration: configuration), terminator: "")
    } else {
        guard CommandLine.arguments.count == 1 else {
            FileHandle.standardError.write(Data("usage: migrate [--offline]\n".utf8))
            exit(2)
        }
        let applied = try DatabaseMigration.run(configuration: configuration)
        for revision in applied { print("Applied \(revision)") }
        if applied.isEmpty { print("Nothing to do: the database is up to date.") }
    }
} catch {
    FileHandle.standardError.write(Data("migrate: \(error)\n".utf8))
    exit(1)
}
