// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Foundation
import Storage

/// The slow verbs on a whole data directory, asked of a running engine or of the directory itself.
package protocol MaintenanceAccess: Sendable {
    /// Checks database and checkpoints against the engine's rules.
    func verify() throws -> Verification.Report
    /// Removes rows older than so many days that no model needs.
    /// - Returns: How many.
    func removeRows(olderThanDays days: Int) throws -> Int64
    /// Copies database and checkpoints to a directory that doesn't exist or is empty.
    /// - Parameter directory: An absolute path.
    func backup(to directory: String) throws -> BackupReport
}

/// What a backup holds.
package struct BackupReport: Sendable, Hashable {
    package var checkpoints: Int
    /// Left out, since they couldn't be read.
    package var damagedCheckpoints: Int
}

/// Does it in this process.
struct DirectMaintenance: MaintenanceAccess {
    let maintenance: Maintenance
    let repository: any MetricRepository

    func verify() throws -> Verification.Report { try maintenance.verify() }

    func removeRows(olderThanDays days: Int) throws -> Int64 { try maintenance.removeRows(olderThanDays: days) }

    func backup(to directory: String) throws -> BackupReport {
        guard let database = (repository as? SQLMetricRepository)?.database as? SQLiteDatabase else {
            throw EngineError(
                .invalidArgument,
                "backup copies an embedded data directory; back the SQL server up with its own tools"
            )
        }
        guard directory.hasPrefix("/") else {
            throw EngineError(.invalidArgument, "\(directory) is not an absolute path")
        }
        let files = FileManager.default
        do {
            try files.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o750]
            )
            let found = try files.contentsOfDirectory(atPath: directory)
            guard found.isEmpty else { throw EngineError(.invalidArgument, "\(directory) is not empty") }
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError(.storageUnavailable, "can't use \(directory): \(error.localizedDescription)")
        }
        // The names that an engine started on this directory looks for.
        let checkpoints = FileCheckpointStore(root: directory + "/checkpoints")
        let counts = try maintenance.backup(to: checkpoints) {
            try database.backup(to: directory + "/htmengine.sqlite")
        }
        return BackupReport(checkpoints: counts.copied, damagedCheckpoints: counts.damaged)
    }
}

extension SocketAccess: MaintenanceAccess {
    package func verify() throws -> Verification.Report {
        let json = try ask(.verify, [:], seconds: Self.patience)
        var report = Verification.Report()
        report.metrics = json["metrics"]?.integerValue ?? 0
        report.rows = json["rows"]?.integerValue ?? 0
        report.checkpoints = json["checkpoints"]?.integerValue ?? 0
        report.problems = json["problems"]?.arrayValue?.compactMap(\.stringValue) ?? []
        report.problemCount = json["problemCount"]?.integerValue ?? 0
        return report
    }

    package func removeRows(olderThanDays days: Int) throws -> Int64 {
        try ask(.removeRows, ["days": .integer(Int64(days))], seconds: Self.patience).integerValue ?? 0
    }

    package func backup(to directory: String) throws -> BackupReport {
        let json = try ask(.backup, ["directory": .string(directory)], seconds: Self.patience)
        return BackupReport(
            checkpoints: Int(json["checkpoints"]?.integerValue ?? 0),
            damagedCheckpoints: Int(json["damaged"]?.integerValue ?? 0)
        )
    }

    /// A large database takes its time. Unit: seconds.
    private static let patience = 6 * 3600
}

extension MaintenanceAccess {
    /// The engine's end of the socket.
    func answer(_ verb: AccessVerb, _ arguments: JSONValue) throws -> JSONValue {
        switch verb {
        case .verify:
            let report = try verify()
            return .object([
                "metrics": .integer(report.metrics), "rows": .integer(report.rows),
                "checkpoints": .integer(report.checkpoints),
                "problems": .array(report.problems.map(JSONValue.string)),
                "problemCount": .integer(report.problemCount),
            ])
        case .removeRows:
            let days = arguments["days"]?.integerValue ?? 0
            return .integer(try removeRows(olderThanDays: Int(clamping: days)))
        case .backup:
            let report = try backup(to: try JSONFields(arguments, path: "$").string("directory"))
            return .object([
                "checkpoints": .integer(Int64(report.checkpoints)),
                "damaged": .integer(Int64(report.damagedCheckpoints)),
            ])
        default: throw EngineError(.invalidArgument, "\(verb.rawValue) is no maintenance verb")
        }
    }
}
