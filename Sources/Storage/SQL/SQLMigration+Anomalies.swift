// SPDX-License-Identifier: Apache-2.0

extension SQLMigration {
    /// Why rows were anomalous.
    ///
    /// - Parameter tableOptions: Of a server; nil for SQLite.
    static func anomalies(_ number: Int64, tableOptions: String? = nil) -> SQLMigration {
        let columns = """
            rowid BIGINT NOT NULL, timestamp DATETIME NOT NULL, channel VARCHAR(20) NOT NULL, expected_low DOUBLE,
            expected_high DOUBLE, actual DOUBLE, one_in DOUBLE, model_age BIGINT NOT NULL, PRIMARY KEY (uid, rowid)
            """
        let reference = "FOREIGN KEY (uid) REFERENCES metric (uid) ON DELETE CASCADE ON UPDATE CASCADE"
        let script: String
        if let tableOptions {
            // A key refers to `metric.uid` in whatever character set that column has, or the server refuses it.
            script = """
                SET @uid_type = (SELECT CONCAT(column_type, ' CHARACTER SET ', character_set_name, ' COLLATE ',
                    collation_name) FROM information_schema.columns
                    WHERE table_schema = DATABASE() AND table_name = 'metric' AND column_name = 'uid');
                SET @statement = CONCAT('CREATE TABLE IF NOT EXISTS htmengine_anomaly (uid ', @uid_type, ' NOT NULL,
                    \(columns), KEY htmengine_anomaly_time_idx (timestamp),
                    CONSTRAINT htmengine_anomaly_to_metric_fk \(reference)) \(tableOptions)');
                PREPARE htmengine_step FROM @statement;
                EXECUTE htmengine_step;
                DEALLOCATE PREPARE htmengine_step
                """
        } else {
            script = """
                CREATE TABLE htmengine_anomaly (uid VARCHAR(40) NOT NULL, \(columns), \(reference)) WITHOUT ROWID;
                CREATE INDEX htmengine_anomaly_time_idx ON htmengine_anomaly (timestamp)
                """
        }
        return SQLMigration(.ours(number), "why rows were anomalous", script)
    }
}
