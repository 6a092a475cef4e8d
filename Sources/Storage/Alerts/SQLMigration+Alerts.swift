// SPDX-License-Identifier: Apache-2.0

extension SQLMigration {
    /// Alerts: what is remembered of each metric, events, the messages about them, and what holds them back.
    static func alerts(_ number: Int64, tableOptions: String = "") -> SQLMigration {
        SQLMigration(
            .ours(number),
            "alerts",
            """
            CREATE TABLE IF NOT EXISTS htmengine_alert_state (
                uid VARCHAR(40) NOT NULL PRIMARY KEY,
                state TEXT NOT NULL
            ) \(tableOptions);
            CREATE TABLE IF NOT EXISTS htmengine_alert_event (
                id VARCHAR(100) NOT NULL PRIMARY KEY,
                kind VARCHAR(20) NOT NULL,
                uid VARCHAR(40) NOT NULL,
                metric VARCHAR(255) NOT NULL,
                server VARCHAR(100) NOT NULL,
                started_at BIGINT NOT NULL,
                ended_at BIGINT,
                peak_score DOUBLE NOT NULL,
                peak_value DOUBLE NOT NULL,
                peak_at BIGINT NOT NULL,
                telling INTEGER NOT NULL,
                acknowledged_at BIGINT
            ) \(tableOptions);
            CREATE TABLE IF NOT EXISTS htmengine_alert_delivery (
                event_id VARCHAR(100) NOT NULL,
                phase VARCHAR(10) NOT NULL,
                sink VARCHAR(40) NOT NULL,
                status INTEGER NOT NULL,
                attempts BIGINT NOT NULL,
                next_at BIGINT NOT NULL,
                reason TEXT,
                PRIMARY KEY (event_id, phase, sink)
            ) \(tableOptions);
            CREATE TABLE IF NOT EXISTS htmengine_alert_told (
                server VARCHAR(100) NOT NULL PRIMARY KEY,
                told_at BIGINT NOT NULL
            ) \(tableOptions);
            CREATE TABLE IF NOT EXISTS htmengine_alert_mute (
                pattern VARCHAR(255) NOT NULL PRIMARY KEY,
                until_time BIGINT NOT NULL
            ) \(tableOptions);
            DROP INDEX IF EXISTS htmengine_alert_due_idx\(tableOptions.isEmpty ? "" : " ON htmengine_alert_delivery");
            CREATE INDEX htmengine_alert_due_idx ON htmengine_alert_delivery (status, next_at);
            DROP INDEX IF EXISTS htmengine_alert_start_idx\(tableOptions.isEmpty ? "" : " ON htmengine_alert_event");
            CREATE INDEX htmengine_alert_start_idx ON htmengine_alert_event (started_at)
            """
        )
    }
}
