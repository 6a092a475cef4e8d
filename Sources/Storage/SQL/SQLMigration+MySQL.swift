// SPDX-License-Identifier: Apache-2.0

extension SQLMigration {
    /// The original's four revisions as its own migrations make them (spec engine.md 4.2), then ours.
    ///
    /// Every change of a table ends a transaction on these servers, so each step can be repeated from its start.
    static let mysql: [SQLMigration] = [
        SQLMigration(.original("57ab75d58038"), "tables of the original", originalTables),
        SQLMigration(.original("1d2eddc43366"), "times as DATETIME", timesAsDatetime),
        SQLMigration(
            .original("872a895b8e8"),
            "time of the status history without a default",
            "ALTER TABLE instance_status_history MODIFY `timestamp` DATETIME NOT NULL"
        ),
        SQLMigration(
            .original("315d6ad6c19f"),
            "predictions",
            unless(
                "information_schema.columns",
                "table_name = 'metric_data' AND column_name = 'multi_step_best_predictions'",
                "ALTER TABLE metric_data ADD COLUMN multi_step_best_predictions TEXT DEFAULT NULL"
            )
        ),
        SQLMigration(.ours(1), "tables of this engine, index on names", ourTables),
        SQLMigration(
            .ours(2),
            "notes on metrics",
            """
            CREATE TABLE IF NOT EXISTS htmengine_annotation (
                `id` VARCHAR(40) NOT NULL, `metric` VARCHAR(40) NOT NULL, `timestamp` DATETIME NOT NULL,
                `created` DATETIME NOT NULL, `user_name` VARCHAR(100), `message` TEXT NOT NULL, PRIMARY KEY (`id`),
                KEY htmengine_annotation_idx (`metric`, `timestamp`)
            ) \(tableOptions)
            """
        ),
        alerts(3, tableOptions: tableOptions),
        partitions(4, tableOptions: tableOptions),
        anomalies(5, tableOptions: tableOptions),
        fewerIndexes(6, isMySQL: true),
    ]

    private static let tableOptions = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"

    private static let originalTables = """
        CREATE TABLE IF NOT EXISTS alembic_version (
            version_num VARCHAR(32) NOT NULL, PRIMARY KEY (version_num)
        ) \(tableOptions);
        CREATE TABLE IF NOT EXISTS instance_status_history (
            `server` VARCHAR(100) NOT NULL DEFAULT '',
            `timestamp` TIMESTAMP NOT NULL,
            `status` VARCHAR(32) NOT NULL DEFAULT '',
            PRIMARY KEY (`server`, `timestamp`)
        ) \(tableOptions);
        CREATE TABLE IF NOT EXISTS `lock` (`name` VARCHAR(40) NOT NULL, PRIMARY KEY (`name`)) \(tableOptions);
        INSERT IGNORE INTO `lock` (`name`) VALUES ('metrics');
        CREATE TABLE IF NOT EXISTS metric (
            `uid` VARCHAR(40) NOT NULL,
            `datasource` VARCHAR(100) DEFAULT NULL,
            `name` VARCHAR(255) DEFAULT NULL,
            `description` VARCHAR(200) DEFAULT NULL,
            `server` VARCHAR(100) DEFAULT NULL,
            `location` VARCHAR(200) DEFAULT NULL,
            `parameters` TEXT DEFAULT NULL,
            `status` INTEGER DEFAULT 0,
            `message` TEXT DEFAULT NULL,
            `collector_error` TEXT DEFAULT NULL,
            `last_timestamp` TIMESTAMP NULL DEFAULT NULL,
            `poll_interval` INTEGER DEFAULT 60,
            `tag_name` VARCHAR(200) DEFAULT NULL,
            `model_params` TEXT DEFAULT NULL,
            `last_rowid` INTEGER DEFAULT NULL,
            PRIMARY KEY (`uid`),
            KEY `datasource_idx` (`datasource`),
            KEY `location_idx` (`location`),
            KEY `server_idx` (`server`)
        ) \(tableOptions);
        CREATE TABLE IF NOT EXISTS metric_data (
            `uid` VARCHAR(40) NOT NULL DEFAULT '',
            `rowid` INTEGER NOT NULL DEFAULT 0,
            `timestamp` TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP,
            `metric_value` DOUBLE NOT NULL,
            `raw_anomaly_score` DOUBLE DEFAULT NULL,
            `anomaly_score` DOUBLE DEFAULT NULL,
            `display_value` INTEGER DEFAULT NULL,
            PRIMARY KEY (`uid`, `rowid`),
            KEY `anomaly_score_idx` (`anomaly_score`),
            KEY `timestamp_idx` (`timestamp`),
            CONSTRAINT `metric_data_to_metric_fk` FOREIGN KEY (`uid`) REFERENCES metric (`uid`)
                ON DELETE CASCADE ON UPDATE CASCADE
        ) \(tableOptions)
        """

    /// A TIMESTAMP shows the time its writer wrote only in the writer's time zone: the original used the server's, and so does
    /// this change.
    private static let timesAsDatetime = """
        SET SESSION time_zone = @@global.time_zone;
        ALTER TABLE instance_status_history MODIFY `timestamp` DATETIME NOT NULL;
        ALTER TABLE metric MODIFY last_timestamp DATETIME DEFAULT NULL;
        ALTER TABLE metric_data MODIFY `timestamp` DATETIME NOT NULL;
        SET SESSION time_zone = '+00:00'
        """

    /// Names are compared byte for byte, whatever the taken-over table said, and found by an index; a key refers to `metric.uid`
    /// in whatever character set that column has, or the server refuses it.
    private static let ourTables = """
        CREATE TABLE IF NOT EXISTS htmengine_schema (version INTEGER NOT NULL, PRIMARY KEY (version)) \(tableOptions);
        CREATE TABLE IF NOT EXISTS htmengine_setting (
            `name` VARCHAR(100) NOT NULL, `value` TEXT NOT NULL, PRIMARY KEY (`name`)
        ) \(tableOptions);
        SET @uid_type = (SELECT CONCAT(column_type, ' CHARACTER SET ', character_set_name, ' COLLATE ', collation_name)
            FROM information_schema.columns
            WHERE table_schema = DATABASE() AND table_name = 'metric' AND column_name = 'uid');
        SET @statement = CONCAT('CREATE TABLE IF NOT EXISTS htmengine_model (uid ', @uid_type, ' NOT NULL,
            generation BIGINT NOT NULL, scored_rowid BIGINT NOT NULL, published_rowid BIGINT NOT NULL,
            base_rowid BIGINT NOT NULL, checkpoint_rowid BIGINT NOT NULL, previous_checkpoint_rowid BIGINT NOT NULL,
            seen_status INTEGER NOT NULL, failures BIGINT NOT NULL, retry_at BIGINT DEFAULT NULL,
            note TEXT DEFAULT NULL, automatic INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (uid), CONSTRAINT htmengine_model_to_metric_fk FOREIGN KEY (uid)
            REFERENCES metric (uid) ON DELETE CASCADE ON UPDATE CASCADE) \(tableOptions)');
        PREPARE htmengine_step FROM @statement;
        EXECUTE htmengine_step;
        DEALLOCATE PREPARE htmengine_step;
        CREATE TABLE IF NOT EXISTS htmengine_checkpoint (
            uid VARCHAR(40) NOT NULL, generation BIGINT NOT NULL, checkpoint_rowid BIGINT NOT NULL,
            part INTEGER NOT NULL, content MEDIUMBLOB NOT NULL,
            PRIMARY KEY (uid, generation, checkpoint_rowid, part)
        ) \(tableOptions);
        \(unless(
            "information_schema.columns",
            "table_name = 'metric' AND column_name = 'name' AND collation_name = 'utf8mb4_bin'",
            "ALTER TABLE metric MODIFY `name` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL"
        ));
        \(unless(
            "information_schema.statistics",
            "table_name = 'metric' AND index_name = 'htmengine_name_idx'",
            "CREATE INDEX htmengine_name_idx ON metric (`name`(191))"
        ))
        """

    /// Runs `statement` unless `table` has a row of this database that fulfils `condition`; MySQL lacks MariaDB's
    /// `IF NOT EXISTS` for columns and indexes.
    private static func unless(_ table: String, _ condition: String, _ statement: String) -> String {
        """
        SET @statement = IF((SELECT COUNT(*) FROM \(table) WHERE table_schema = DATABASE() AND \(condition)) = 0,
            '\(statement)', 'DO 0');
        PREPARE htmengine_step FROM @statement;
        EXECUTE htmengine_step;
        DEALLOCATE PREPARE htmengine_step
        """
    }
}
