// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// Alerts in the engine's own database.
package struct SQLAlertStore: AlertStore {
    private enum Status {
        static let pending: Int64 = 0
        static let delivered: Int64 = 1
        static let failed: Int64 = 2
    }

    private let database: any SQLDatabase

    package init(database: any SQLDatabase) { self.database = database }

    private var isMySQL: Bool { database.dialect == .mysql }
    private var insertOrIgnore: String { isMySQL ? "INSERT IGNORE INTO" : "INSERT OR IGNORE INTO" }

    package func alertStates() throws -> [String: String] {
        try database.read { connection in
            let pairs = try connection.all("SELECT uid, state FROM htmengine_alert_state", []) {
                ($0.text(0), $0.text(1))
            }
            return Dictionary(pairs) { $1 }
        }
    }

    package func commit(_ commit: AlertCommit) throws {
        try database.write { connection in
            var states = SQLRows(columnCount: 2)
            var forgotten = SQLRows(columnCount: 1)
            for (uid, state) in commit.states.sorted(by: { $0.key < $1.key }) {
                if state.isEmpty { forgotten.append(.text(uid)) } else { states.append(.text(uid), .text(state)) }
            }
            try many(connection, "REPLACE INTO htmengine_alert_state (uid, state) VALUES (?, ?)", states)
            try many(connection, "DELETE FROM htmengine_alert_state WHERE uid = ?", forgotten)
            try insert(commit.events, connection)
            try insert(commit.deliveries, connection)
            var told = SQLRows(columnCount: 2)
            for (server, time) in commit.told.sorted(by: { $0.key < $1.key }) {
                told.append(.text(server), .integer(time))
            }
            try many(connection, "REPLACE INTO htmengine_alert_told (server, told_at) VALUES (?, ?)", told)
        }
    }

    private func many(_ connection: any SQLConnection, _ sql: String, _ rows: SQLRows) throws {
        if rows.rowCount > 0 { try connection.executeMany(sql, rows) }
    }

    private func insert(_ events: [AlertEvent], _ connection: any SQLConnection) throws {
        var rows = SQLRows(columnCount: 11)
        var changes = SQLRows(columnCount: 5)
        for event in events {
            rows.append(
                .text(event.id),
                .text(event.kind.rawValue),
                .text(event.uid),
                .text(event.metric),
                .text(event.server),
                .integer(event.startedAt),
                SQLValue(event.endedAt),
                .double(event.peakScore),
                .double(event.peakValue),
                .integer(event.peakAt),
                .integer(event.telling.rawValue)
            )
            changes.append(
                SQLValue(event.endedAt),
                .double(event.peakScore),
                .double(event.peakValue),
                .integer(event.peakAt),
                .text(event.id)
            )
        }
        try many(
            connection,
            """
            \(insertOrIgnore) htmengine_alert_event
            (id, kind, uid, metric, server, started_at, ended_at, peak_score, peak_value, peak_at, telling)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            rows
        )
        try many(
            connection,
            "UPDATE htmengine_alert_event SET ended_at = ?, peak_score = ?, peak_value = ?, peak_at = ? WHERE id = ?",
            changes
        )
    }

    private func insert(_ deliveries: [AlertDelivery], _ connection: any SQLConnection) throws {
        var rows = SQLRows(columnCount: 6)
        for delivery in deliveries {
            rows.append(
                .text(delivery.event.id),
                .text(delivery.phase.rawValue),
                .text(delivery.sink),
                .integer(Status.pending),
                .integer(0),
                .integer(0)
            )
        }
        try many(
            connection,
            """
            \(insertOrIgnore) htmengine_alert_delivery (event_id, phase, sink, status, attempts, next_at)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            rows
        )
    }

    package func lastTold() throws -> [String: Int64] {
        try database.read { connection in
            let pairs = try connection.all("SELECT server, told_at FROM htmengine_alert_told", []) {
                ($0.text(0), $0.integer(1))
            }
            return Dictionary(pairs) { max($0, $1) }
        }
    }

    // MARK: Deliveries

    private static let eventColumns = """
        e.id, e.kind, e.uid, e.metric, e.server, e.started_at, e.ended_at, e.peak_score, e.peak_value, e.peak_at, e.telling,
        e.acknowledged_at
        """

    private static func event(_ row: any SQLRow) -> AlertEvent {
        AlertEvent(
            id: row.text(0),
            kind: AlertKind(rawValue: row.text(1)) ?? .anomaly,
            uid: row.text(2),
            metric: row.text(3),
            server: row.text(4),
            startedAt: row.integer(5),
            endedAt: row.optionalInteger(6),
            peakScore: row.double(7),
            peakValue: row.double(8),
            peakAt: row.integer(9),
            telling: AlertEvent.Telling(rawValue: row.integer(10)) ?? .told,
            acknowledgedAt: row.optionalInteger(11)
        )
    }

    package func takeDueDeliveries(sink: String, now: Int64, lentUntil: Int64, limit: Int) throws -> [AlertDelivery] {
        try database.write { connection in
            // Without the check for a pending start, an end could overtake it.
            let due = try connection.all(
                """
                SELECT \(Self.eventColumns), d.phase, d.sink, d.attempts
                FROM htmengine_alert_delivery d JOIN htmengine_alert_event e ON e.id = d.event_id
                WHERE d.sink = ? AND d.status = 0 AND d.next_at <= ? AND (d.phase = 'start' OR NOT EXISTS
                    (SELECT 1 FROM htmengine_alert_delivery s
                     WHERE s.event_id = d.event_id AND s.sink = d.sink AND s.phase = 'start' AND s.status = 0))
                ORDER BY e.started_at, e.id LIMIT ?\(isMySQL ? " FOR UPDATE" : "")
                """,
                [.text(sink), .integer(now), .integer(Int64(limit))]
            ) { row in
                AlertDelivery(
                    event: Self.event(row),
                    phase: AlertPhase(rawValue: row.text(12)) ?? .start,
                    sink: row.text(13),
                    attempts: row.integer(14)
                )
            }
            for delivery in due {
                try update(connection, delivery, "next_at = ?", [.integer(lentUntil)])
            }
            return due
        }
    }

    package func noteDelivered(_ delivery: AlertDelivery) throws {
        try database.write { connection in
            try update(
                connection,
                delivery,
                "status = ?, attempts = attempts + 1, reason = NULL",
                [.integer(Status.delivered)]
            )
        }
    }

    package func noteFailed(_ delivery: AlertDelivery, reason: String, retryAt: Int64?) throws {
        try database.write { connection in
            try update(
                connection,
                delivery,
                "status = ?, attempts = attempts + 1, reason = ?, next_at = ?",
                [
                    .integer(retryAt == nil ? Status.failed : Status.pending), .text(String(reason.prefix(500))),
                    .integer(retryAt ?? 0),
                ]
            )
        }
    }

    private func update(
        _ connection: any SQLConnection,
        _ delivery: AlertDelivery,
        _ change: String,
        _ values: [SQLValue]
    ) throws {
        try connection.execute(
            "UPDATE htmengine_alert_delivery SET \(change) WHERE event_id = ? AND phase = ? AND sink = ?",
            values + [.text(delivery.event.id), .text(delivery.phase.rawValue), .text(delivery.sink)]
        )
    }

    // MARK: For people

    package func alertEvents(limit: Int) throws -> [AlertEvent] {
        try database.read { connection in
            try connection.all(
                "SELECT \(Self.eventColumns) FROM htmengine_alert_event e ORDER BY e.started_at DESC, e.id LIMIT ?",
                [.integer(Int64(limit))],
                Self.event
            )
        }
    }

    package func alertDeliveryCounts() throws -> AlertDeliveryCounts {
        try database.read { connection in
            var counts = AlertDeliveryCounts()
            try connection.query("SELECT status, COUNT(*) FROM htmengine_alert_delivery GROUP BY status", []) { row in
                switch row.integer(0) {
                case Status.pending: counts.pending = row.integer(1)
                case Status.delivered: counts.delivered = row.integer(1)
                default: counts.failed = row.integer(1)
                }
                return true
            }
            return counts
        }
    }

    package func alertFailures() throws -> [String: String] {
        try database.read { connection in
            let pairs = try connection.all(
                "SELECT sink, MAX(reason) FROM htmengine_alert_delivery WHERE reason IS NOT NULL GROUP BY sink",
                []
            ) { ($0.text(0), $0.text(1)) }
            return Dictionary(pairs) { $1 }
        }
    }

    package func acknowledgeAlert(id: String, at time: Int64) throws -> Bool {
        try database.write { connection in
            try connection.execute(
                "UPDATE htmengine_alert_event SET acknowledged_at = ? WHERE id = ?",
                [.integer(time), .text(id)]
            ) > 0
        }
    }

    package func alertMutes() throws -> [AlertMute] {
        try database.read { connection in
            try connection.all("SELECT pattern, until_time FROM htmengine_alert_mute ORDER BY pattern", []) {
                AlertMute(pattern: $0.text(0), until: $0.integer(1))
            }
        }
    }

    package func setAlertMute(_ mute: AlertMute, now: Int64) throws {
        try database.write { connection in
            try connection.execute(
                "REPLACE INTO htmengine_alert_mute (pattern, until_time) VALUES (?, ?)",
                [.text(mute.pattern), .integer(mute.until)]
            )
            try connection.execute("DELETE FROM htmengine_alert_mute WHERE until_time <= ?", [.integer(now)])
        }
    }

    package func removeAlertEvents(startedBefore time: Int64) throws {
        try database.write { connection in
            let closed = "started_at < ? AND ended_at IS NOT NULL"
            try connection.execute(
                """
                DELETE FROM htmengine_alert_delivery WHERE status <> 0 AND event_id IN
                    (SELECT id FROM htmengine_alert_event WHERE \(closed))
                """,
                [.integer(time)]
            )
            try connection.execute(
                """
                DELETE FROM htmengine_alert_event WHERE \(closed)
                    AND id NOT IN (SELECT event_id FROM htmengine_alert_delivery)
                """,
                [.integer(time)]
            )
        }
    }
}
