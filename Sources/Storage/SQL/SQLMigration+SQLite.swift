// SPDX-License-Identifier: Apache-2.0

extension SQLMigration {
    /// SQLite starts where the original's migrations ended: tables, columns and types are those of its revision 003.
    ///
    /// `metric_data` is clustered by its key, so that a metric's rows lie together and `rowid` can only mean our column. The
    /// index on the anomaly score leaves out rows without one, which no query by score wants: every row is stored once
    /// without a score. Step 6 leaves out most of the others too.
    static let sqlite: [SQLMigration] = [
        SQLMigration(
            .original("315d6ad6c19f"),
            "tables of the original, revision 003",
            """
            CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
            CREATE TABLE lock (name VARCHAR(40) NOT NULL PRIMARY KEY) WITHOUT ROWID;
            INSERT INTO lock (name) VALUES ('metrics');
            CREATE TABLE metric (
                uid VARCHAR(40) NOT NULL PRIMARY KEY,
                datasource VARCHAR(100),
                name VARCHAR(255),
                description VARCHAR(200),
                server VARCHAR(100),
                location VARCHAR(200),
                parameters TEXT,
                status INTEGER DEFAULT 0,
                message TEXT,
                collector_error TEXT,
                last_timestamp DATETIME,
                poll_interval INTEGER DEFAULT 60,
                tag_name VARCHAR(200),
                model_params TEXT,
                last_rowid INTEGER
            );
            CREATE INDEX datasource_idx ON metric (datasource);
            CREATE INDEX location_idx ON metric (location);
            CREATE INDEX server_idx ON metric (server);
            CREATE TABLE metric_data (
                uid VARCHAR(40) NOT NULL DEFAULT '',
                rowid INTEGER NOT NULL DEFAULT 0,
                timestamp DATETIME NOT NULL,
                metric_value DOUBLE NOT NULL,
                raw_anomaly_score DOUBLE,
                anomaly_score DOUBLE,
                display_value INTEGER,
                multi_step_best_predictions TEXT,
                PRIMARY KEY (uid, rowid),
                CONSTRAINT metric_data_to_metric_fk FOREIGN KEY (uid) REFERENCES metric (uid)
                    ON DELETE CASCADE ON UPDATE CASCADE
            ) WITHOUT ROWID;
            CREATE INDEX timestamp_idx ON metric_data (timestamp);
            CREATE INDEX anomaly_score_idx ON metric_data (anomaly_score) WHERE anomaly_score IS NOT NULL;
            CREATE TABLE instance_status_history (
                server VARCHAR(100) NOT NULL DEFAULT '',
                timestamp DATETIME NOT NULL,
                status VARCHAR(32) NOT NULL DEFAULT '',
                PRIMARY KEY (server, timestamp)
            );
            """
        ),
        SQLMigration(
            .ours(1),
            "tables of this engine, index on names",
            """
            CREATE TABLE htmengine_schema (version INTEGER NOT NULL PRIMARY KEY);
            CREATE TABLE htmengine_setting (name VARCHAR(100) NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE htmengine_model (
                uid VARCHAR(40) NOT NULL PRIMARY KEY,
                generation BIGINT NOT NULL,
                scored_rowid BIGINT NOT NULL,
                published_rowid BIGINT NOT NULL,
                base_rowid BIGINT NOT NULL,
                checkpoint_rowid BIGINT NOT NULL,
                previous_checkpoint_rowid BIGINT NOT NULL,
                seen_status INTEGER NOT NULL,
                failures BIGINT NOT NULL,
                retry_at BIGINT,
                note TEXT,
                automatic INTEGER NOT NULL DEFAULT 0,
                FOREIGN KEY (uid) REFERENCES metric (uid) ON DELETE CASCADE ON UPDATE CASCADE
            ) WITHOUT ROWID;
            CREATE INDEX htmengine_name_idx ON metric (name);
            """
        ),
        annotations(2),
        alerts(3),
        partitions(4),
        anomalies(5),
        fewerIndexes(6, isMySQL: false),
    ]
}
