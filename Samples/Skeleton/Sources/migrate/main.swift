// SPDX-License-Identifier: Apache-2.0
// Brings the database's schema up to date. The migrations are the engine's own.

import Foundation
import HTMEngine

/// Ends the program with a message on standard error.
func fail(_ message: String, status: Int32) -> Never {
    FileHandle.standardError.write(Data((message + "\n").utf8))
    exit(status)
}

var revision: String?
var isOffline = false
var arguments = CommandLine.arguments.dropFirst()
while let argument = arguments.popFirst() {
    if argument == "--offline" {
        isOffline = true
    } else if argument == "--version", let value = arguments.popFirst() {
        revision = value
    } else {
        fail("usage: migrate [--version REV] [--offline]", status: 2)
    }
}
do {
    let configuration = try Configuration()
    if isOffline {
        print(try DatabaseMigration.script(configuration: configuration, through: revision), terminator: "")
    } else {
        let applied = try DatabaseMigration.run(configuration: configuration, through: revision)
        for revision in applied { print("Applied \(revision)") }
        if applied.isEmpty { print("Nothing to do: the database is up to date.") }
    }
} catch {
    fail("migrate: \(error)", status: 1)
}
