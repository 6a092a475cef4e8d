// SPDX-License-Identifier: Apache-2.0

import EngineCore

// Every key there is, once. The names of the original come with the values of its sample where those don't carry its name.
extension ConfigurationKey {
    // MARK: application.conf

    static let profiling = ConfigurationKey(
        .application,
        "debugging",
        "profiling",
        .flag,
        default: "false",
        "Logs how long each batch took."
    )

    static let repositoryEngine = ConfigurationKey(
        .application,
        "repository",
        "engine",
        .choice(["", "sqlite", "mysql"]),
        default: "",
        "Where metrics and samples are kept. Left out: mysql when db or host is given, otherwise sqlite in the data directory."
    )
    static let repositoryDB = ConfigurationKey(
        .application,
        "repository",
        "db",
        .text,
        default: "htmengine",
        "Name of the database on the server."
    )
    static let repositoryHost = ConfigurationKey(
        .application,
        "repository",
        "host",
        .text,
        default: "127.0.0.1",
        "Host of the database server."
    )
    static let repositoryUser = ConfigurationKey(
        .application,
        "repository",
        "user",
        .text,
        default: "root",
        "User on the database server."
    )
    static let repositoryPassword = ConfigurationKey(
        .application,
        "repository",
        "passwd",
        .text,
        default: "",
        secret: true,
        "Password on the database server."
    )
    static let repositoryPort = ConfigurationKey(
        .application,
        "repository",
        "port",
        .integer(1...65535),
        default: "3306",
        "Port of the database server."
    )
    static let repositoryUnixSocket = ConfigurationKey(
        .application,
        "repository",
        "unix_socket",
        .text,
        default: "",
        "Path of the database server's unix socket; used instead of host and port."
    )
    static let repositoryTLS = ConfigurationKey(
        .application,
        "repository",
        "tls",
        .choice(["off", "required", "verified"]),
        default: "off",
        "Encryption to the database server; verified also checks its certificate against tls_ca."
    )
    static let repositoryTLSAuthority = ConfigurationKey(
        .application,
        "repository",
        "tls_ca",
        .text,
        default: "",
        "PEM file of the authority that signed the server's certificate."
    )
    static let repositorySynchronous = ConfigurationKey(
        .application,
        "repository",
        "synchronous",
        .choice(["full", "normal"]),
        default: "full",
        "SQLite only. full: what is acknowledged survives a power cut; normal: it survives the death of the process only."
    )

    static let busEngine = ConfigurationKey(
        .application,
        "bus",
        "engine",
        .choice(["", "memory", "rabbitmq"]),
        default: "",
        "How services talk. Left out: rabbitmq when the repository is mysql, otherwise memory."
    )

    static let resultsExchange = ConfigurationKey(
        .application,
        "metric_streamer",
        "results_exchange_name",
        .text,
        default: "htmengine.model.results",
        "Fanout exchange to which results are published."
    )
    static let chunkSize = ConfigurationKey(
        .application,
        "metric_streamer",
        "chunk_size",
        .integer(1...1_000_000),
        default: "1440",
        unit: "rows",
        "Most rows in one batch to a model and in one result message."
    )

    static let pollInterval = ConfigurationKey(
        .application,
        "metric_collector",
        "poll_interval",
        .integer(1...86_400),
        default: "60",
        unit: "s",
        "How often a polled source is asked, unless it says otherwise."
    )
    static let metricErrorGracePeriod = ConfigurationKey(
        .application,
        "metric_collector",
        "metric_error_grace_period",
        .integer(0...Int.max),
        default: "10800",
        unit: "s",
        "How long a polled source may fail before its metrics are marked as in error."
    )

    static let plaintextPort = ConfigurationKey(
        .application,
        "metric_listener",
        "plaintext_port",
        .integer(0...65535),
        default: "2003",
        "Port for Graphite plaintext; 0 takes a free one."
    )
    static let plaintextHost = ConfigurationKey(
        .application,
        "metric_listener",
        "plaintext_host",
        .text,
        default: "localhost",
        "Address for Graphite plaintext: localhost (127.0.0.1 and ::1), * (all), or one address."
    )
    static let plaintextUDP = ConfigurationKey(
        .application,
        "metric_listener",
        "udp",
        .flag,
        default: "true",
        "Takes Graphite plaintext on UDP too, on the same port. UDP promises nothing."
    )
    static let customQueue = ConfigurationKey(
        .application,
        "metric_listener",
        "queue_name",
        .text,
        default: "htmengine.metric.custom.data",
        "AMQP queue from which samples are taken."
    )
    static let allowedSenders = ConfigurationKey(
        .application,
        "metric_listener",
        "allow",
        .list,
        default: "",
        "Addresses that may send Graphite plaintext, as 10.0.0.0/8 or ::1. Empty: all that can connect."
    )
    static let maximumMetrics = ConfigurationKey(
        .application,
        "metric_listener",
        "max_metrics",
        .integer(1...Int.max),
        default: "1000000",
        unit: "metrics",
        "New names are refused once there are so many, so that a flood of names can't fill the disk."
    )
    static let listenerConnections = ConfigurationKey(
        .application,
        "metric_listener",
        "connection_limit",
        .integer(1...100_000),
        default: "1000",
        unit: "connections",
        "Connections open at once on the Graphite port; more are closed at once."
    )
    static let listenerIdle = ConfigurationKey(
        .application,
        "metric_listener",
        "idle_timeout",
        .integer(0...Int.max),
        default: "0",
        unit: "s",
        "Closes a connection that has sent nothing for so long; 0 never does."
    )
    static let futureLimit = ConfigurationKey(
        .application,
        "metric_listener",
        "max_future",
        .integer(0...Int.max),
        default: "86400",
        unit: "s",
        "Samples further ahead of the clock are refused: one of them would block its metric until then."
    )
    package static let autoMonitor = ConfigurationKey(
        .application,
        "metric_listener",
        "auto_monitor",
        .list,
        default: "",
        "Patterns (* and ?) of new metrics that are monitored by themselves."
    )

    static let statisticsMinimum = ConfigurationKey(
        .application,
        "anomaly_likelihood",
        "statistics_min_sample_size",
        .integer(1...1_000_000),
        default: "100",
        unit: "rows",
        "Rows that score 0 before the likelihood starts."
    )
    static let statisticsRefresh = ConfigurationKey(
        .application,
        "anomaly_likelihood",
        "statistics_refresh_rate",
        .integer(1...1_000_000),
        default: "24",
        unit: "rows",
        "How often the distribution is estimated again."
    )
    static let statisticsSample = ConfigurationKey(
        .application,
        "anomaly_likelihood",
        "statistics_sample_size",
        .integer(1...10_000_000),
        default: "8640",
        unit: "rows",
        "How many of the latest rows the distribution is estimated from."
    )
    static let likelihoodTail = ConfigurationKey(
        .application,
        "anomaly_likelihood",
        "tail",
        .choice(["erfc", "table"]),
        default: "erfc",
        "Tail of the normal distribution: erfc as NuPIC 1.0, or the 71-entry table of NuPIC 0.3."
    )

    static let detectionMode = ConfigurationKey(
        .application,
        "model",
        "mode",
        .choice(DetectionMode.allCases.map(\.rawValue)),
        default: "parity",
        "How new models detect whose spec doesn't say: parity as NuPIC 1.0.5, or evidence (docs/detection.md)."
    )
    static let firstRows = ConfigurationKey(
        .application,
        "model",
        "first_rows",
        .integer(1...1_000_000),
        default: "288",
        unit: "rows",
        "Rows to wait for when no range is given; the range is estimated from them."
    )
    static let promoteAfter = ConfigurationKey(
        .application,
        "metric_maintenance",
        "promote_after",
        .integer(0...Int.max),
        default: "0",
        unit: "rows",
        "Metrics with so many rows are monitored by themselves with their next sample, unless somebody has monitored or unmonitored "
            + "them before; 0: none."
    )

    static let eventStart = ConfigurationKey(
        .application,
        "anomaly_events",
        "start_above",
        .number(0.5...0.9999999999),
        default: "0.9999",
        "An anomaly event of the dashboard and /_events begins at the first row whose score is above this."
    )
    static let eventEnd = ConfigurationKey(
        .application,
        "anomaly_events",
        "end_below",
        .number(0.5...0.9999999999),
        default: "0.99",
        "Rows at or below this are quiet; not above start_above."
    )
    static let eventQuietRows = ConfigurationKey(
        .application,
        "anomaly_events",
        "quiet_rows",
        .integer(1...10_000),
        default: "12",
        unit: "rows",
        "So many quiet rows in a row end an event; it ends with the last row before them."
    )

    static let httpHost = ConfigurationKey(
        .application,
        "http",
        "host",
        .text,
        default: "localhost",
        "Address for HTTP: localhost (127.0.0.1 and ::1), * (all), or one address."
    )
    static let httpPort = ConfigurationKey(
        .application,
        "http",
        "port",
        .integer(0...65535),
        default: "8080",
        "Port for HTTP; 0 takes a free one."
    )
    static let httpConnections = ConfigurationKey(
        .application,
        "http",
        "connection_limit",
        .integer(1...100_000),
        default: "1000",
        unit: "connections",
        "Connections open at once on each address; more are closed at once."
    )
    static let httpIdle = ConfigurationKey(
        .application,
        "http",
        "idle_timeout",
        .integer(1...86_400),
        default: "60",
        unit: "s",
        "Closes a connection on which nothing has happened for so long."
    )
    static let httpBody = ConfigurationKey(
        .application,
        "http",
        "max_body",
        .memory,
        default: "64MB",
        unit: "bytes",
        "Longest request body."
    )

    static let retentionDays = ConfigurationKey(
        .application,
        "retention",
        "days",
        .integer(0...1_000_000),
        default: "0",
        unit: "days",
        "Rows older than this are removed once a checkpoint covers them; 0 keeps all."
    )

    package static let logLevel = ConfigurationKey(
        .application,
        "logging",
        "level",
        .choice(["debug", "info", "warning", "error"]),
        default: "info",
        "Messages below this level are dropped."
    )
    package static let logFormat = ConfigurationKey(
        .application,
        "logging",
        "format",
        .choice(["text", "json"]),
        default: "text",
        "Form of the log lines on standard error."
    )

    // MARK: model-checkpoint.conf

    static let checkpointRoot = ConfigurationKey(
        .modelCheckpoint,
        "storage",
        "root",
        .text,
        default: "",
        "Directory of the checkpoints, absolute once $VARIABLE and ~ are replaced, or sql: for the database. "
            + "Left out: checkpoints in the data directory."
    )

    // MARK: model-swapper.conf

    static let swapperProfiling = ConfigurationKey(
        .modelSwapper,
        "debugging",
        "profiling",
        .flag,
        default: "false",
        "Logs how long the models of a batch took."
    )
    static let swapperResultsQueue = ConfigurationKey(
        .modelSwapper,
        "interface_bus",
        "results_queue",
        .text,
        default: "htmengine.mswapper.results",
        "Accepted from the original's file; results are written by the runners themselves."
    )
    static let modelInputPrefix = ConfigurationKey(
        .modelSwapper,
        "interface_bus",
        "model_input_queue_prefix",
        .text,
        default: "htmengine.mswapper.model.input.",
        "Prefix of the partition queues on the broker."
    )
    static let schedulerQueue = ConfigurationKey(
        .modelSwapper,
        "interface_bus",
        "scheduler_notification_queue",
        .text,
        default: "htmengine.mswapper.scheduler.notification",
        "Declared and drained, so that programs using the original's library can publish to it."
    )
    static let requestsPerCheckpoint = ConfigurationKey(
        .modelSwapper,
        "model_runner",
        "target_requests_per_checkpoint",
        .integer(1...1_000_000),
        default: "500",
        unit: "rows",
        "Rows a model takes between two checkpoints; under load up to twice as many."
    )
    static let memoryBudget = ConfigurationKey(
        .modelSwapper,
        "model_runner",
        "memory_budget",
        .memory,
        default: "25%",
        unit: "bytes",
        "Memory for live models and the process around them; models used least recently are checkpointed and dropped beyond it."
    )
    static let partitions = ConfigurationKey(
        .modelSwapper,
        "model_runner",
        "partitions",
        .integer(1...1024),
        default: "64",
        unit: "partitions",
        "Partitions of the metrics on servers; fixed when the database is made."
    )
    static let runnerThreads = ConfigurationKey(
        .modelSwapper,
        "model_runner",
        "threads",
        .integer(0...1024),
        default: "0",
        unit: "threads",
        "Threads that run models; 0: one per core."
    )

    // MARK: rabbitmq.conf

    static let brokerHost = ConfigurationKey(
        .rabbitmq,
        "connection",
        "host",
        .text,
        default: "localhost",
        "Host of the AMQP broker."
    )
    static let brokerPort = ConfigurationKey(
        .rabbitmq,
        "connection",
        "port",
        .integer(1...65535),
        default: "5672",
        "Port of the AMQP broker."
    )
    static let brokerVirtualHost = ConfigurationKey(
        .rabbitmq,
        "connection",
        "virtual_host",
        .text,
        default: "/",
        "Virtual host on the broker."
    )
    static let brokerTLS = ConfigurationKey(
        .rabbitmq,
        "connection",
        "tls",
        .choice(["off", "required", "verified"]),
        default: "off",
        "Encryption to the broker; verified also checks its certificate against tls_ca."
    )
    static let brokerTLSAuthority = ConfigurationKey(
        .rabbitmq,
        "connection",
        "tls_ca",
        .text,
        default: "",
        "PEM file of the authority that signed the broker's certificate."
    )
    static let brokerUser = ConfigurationKey(
        .rabbitmq,
        "credentials",
        "user",
        .text,
        default: "guest",
        "User on the broker."
    )
    static let brokerPassword = ConfigurationKey(
        .rabbitmq,
        "credentials",
        "password",
        .text,
        default: "guest",
        secret: true,
        "Password on the broker."
    )
    static let brokerManagementPort = ConfigurationKey(
        .rabbitmq,
        "management",
        "port",
        .integer(1...65535),
        default: "15672",
        "Port of the broker's management API."
    )

    /// In the order of the files, as the reference shows them.
    ///
    /// A key that isn't here can't be read.
    package static let all: [ConfigurationKey] =
        [
            profiling,
            repositoryEngine, repositoryDB, repositoryHost, repositoryUser, repositoryPassword, repositoryPort,
            repositoryUnixSocket, repositoryTLS, repositoryTLSAuthority, repositorySynchronous,
            busEngine,
            resultsExchange, chunkSize,
            pollInterval, metricErrorGracePeriod,
            plaintextPort, plaintextHost, plaintextUDP, customQueue, allowedSenders, maximumMetrics,
            listenerConnections,
            listenerIdle, futureLimit, autoMonitor,
            statisticsMinimum, statisticsRefresh, statisticsSample, likelihoodTail,
            detectionMode, firstRows, promoteAfter,
            eventStart, eventEnd, eventQuietRows,
            httpHost, httpPort, httpConnections, httpIdle, httpBody,
            retentionDays,
            logLevel, logFormat,
        ] + prometheusKeys + alerts + security + [
            checkpointRoot,
            swapperProfiling,
            swapperResultsQueue, modelInputPrefix, schedulerQueue,
            requestsPerCheckpoint, memoryBudget, partitions, runnerThreads,
            brokerHost, brokerPort, brokerVirtualHost, brokerTLS, brokerTLSAuthority,
            brokerUser, brokerPassword, brokerManagementPort,
        ]
}
