// SPDX-License-Identifier: Apache-2.0

/// Where the broker is, and what our entities on it are called.
package struct RabbitMQConfiguration: Sendable {
    package struct TLS: Sendable {
        /// Certificates of the authorities to trust, a PEM file.
        package var authorityFile: String?
        package var certificateFile: String?
        package var keyFile: String?
        /// Whether the broker's certificate must be trusted and name the host we asked for.
        package var verifiesServer = true

        package init(authorityFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
            self.authorityFile = authorityFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    package var host = "localhost"
    package var port: UInt16 = 5672
    package var virtualHost = "/"
    package var user = "guest"
    package var password = "guest"
    package var tls: TLS?
    /// RabbitMQ looks once in each of these and drops a client that has been silent for two whole ones: after 14 to 21 s.
    ///
    /// Unit: seconds.
    package var heartbeat: Int32 = 7
    /// Unit: seconds.
    package var connectTimeout = 5

    /// `[metric_streamer] results_exchange_name`.
    package var resultsExchange: String
    /// `[metric_listener] queue_name`.
    package var customMetricQueue: String
    /// `[interface_bus] model_input_queue_prefix`.
    package var modelInputQueuePrefix: String
    /// `[interface_bus] scheduler_notification_queue`.
    package var notificationQueue: String

    package init(
        resultsExchange: String,
        customMetricQueue: String,
        modelInputQueuePrefix: String,
        notificationQueue: String
    ) {
        self.resultsExchange = resultsExchange
        self.customMetricQueue = customMetricQueue
        self.modelInputQueuePrefix = modelInputQueuePrefix
        self.notificationQueue = notificationQueue
    }

    /// Messages of the custom-metric queue that can't be read.
    package var deadLetterQueue: String { customMetricQueue + ".dead" }
    package func partitionQueue(_ partition: Int) -> String { "\(modelInputQueuePrefix)\(partition)" }
    /// Every live runner consumes from it, so that its number of consumers is the number of runners.
    package var runnersQueue: String { "\(modelInputQueuePrefix)runners" }

    /// Where the broker is, for people.
    package var place: String { "\(host):\(port), virtual host \(virtualHost), user \(user)" }
}
