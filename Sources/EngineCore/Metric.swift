// SPDX-License-Identifier: Apache-2.0

/// The life-cycle status of a metric, stored as a number in `metric.status` (the numbers are part of the original's contract).
package enum MetricStatus: Int, Sendable, Hashable, CaseIterable {
    /// Samples are stored only.
    case unmonitored = 0
    /// A model exists and scores every sample.
    case active = 1
    /// The model is defined and about to be created.
    case createPending = 2
    /// A command or an inference failed; the reason is in `metric.message`. Samples are stored all the same.
    case error = 4
    /// Monitored, waiting for enough samples to estimate the value range.
    case pendingData = 8

    /// Whether a model exists or is wanted: every status but `unmonitored`.
    package var isMonitored: Bool { self != .unmonitored }

    /// The word printed for people.
    package var word: String {
        switch self {
        case .unmonitored: "unmonitored"
        case .active: "active"
        case .createPending: "create-pending"
        case .error: "error"
        case .pendingData: "pending-data"
        }
    }
}

/// One row of table `metric`: a named stream of scalar samples.
package struct Metric: Sendable, Hashable {
    /// 32 lower-case hexadecimal digits; also the id of the metric's model.
    package var uid: String
    /// `custom` for everything that came in by name.
    package var datasource: String?
    /// At most 255 characters; compared byte for byte.
    package var name: String?
    /// For custom metrics `Custom metric <name>`.
    package var description: String?
    /// The "resource": the first 100 characters of the name, or `metricSpec.resource`.
    package var server: String?
    /// The empty string for custom metrics.
    package var location: String?
    /// The modelSpec as JSON text while monitored, else nil.
    package var parameters: String?
    package var status: MetricStatus
    /// Error text of status `error`, else usually nil.
    package var message: String?
    package var collectorError: String?
    /// Time of the newest sample, Unix seconds UTC; nil in databases of the original that never maintained it.
    package var lastTimestamp: Int64?
    /// Unit: seconds; 300 for custom metrics.
    package var pollInterval: Int?
    package var tagName: String?
    /// The model's definition (the original's "swarmParams") as JSON text, once it is known.
    package var modelParams: String?
    /// Row id of the newest stored sample, 0 when there is none; never goes back.
    package var lastRowid: Int64

    package init(
        uid: String,
        datasource: String? = "custom",
        name: String?,
        description: String? = nil,
        server: String? = nil,
        location: String? = "",
        parameters: String? = nil,
        status: MetricStatus = .unmonitored,
        message: String? = nil,
        collectorError: String? = nil,
        lastTimestamp: Int64? = nil,
        pollInterval: Int? = 300,
        tagName: String? = nil,
        modelParams: String? = nil,
        lastRowid: Int64 = 0
    ) {
        self.uid = uid
        self.datasource = datasource
        self.name = name
        self.description = description
        self.server = server
        self.location = location
        self.parameters = parameters
        self.status = status
        self.message = message
        self.collectorError = collectorError
        self.lastTimestamp = lastTimestamp
        self.pollInterval = pollInterval
        self.tagName = tagName
        self.modelParams = modelParams
        self.lastRowid = lastRowid
    }

    /// A custom metric as the original's storer creates it on first sight of `name`.
    package static func custom(uid: String = Metric.makeUID(), name: String) -> Metric {
        Metric(
            uid: uid,
            name: name,
            description: String("Custom metric \(name)".prefix(200)),
            server: String(name.prefix(100))
        )
    }

    /// A fresh random id (version 4 UUID without hyphens).
    package static func makeUID() -> String {
        var generator = SystemRandomNumberGenerator()
        return makeUID(using: &generator)
    }

    /// A fresh id drawn from `generator`, so that simulations repeat.
    package static func makeUID(using generator: inout some RandomNumberGenerator) -> String {
        var high: UInt64 = generator.next()
        var low: UInt64 = generator.next()
        high = (high & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000
        low = (low & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: 32) { buffer in
            for index in 0..<16 {
                buffer[index] = digits[Int((high >> UInt64(60 - 4 * index)) & 15)]
                buffer[16 + index] = digits[Int((low >> UInt64(60 - 4 * index)) & 15)]
            }
            return 32
        }
    }

    /// The longest name a metric may have.
    ///
    /// Unit: characters (the column is VARCHAR(255)).
    package static let longestName = 255

    /// Why `name` can't be a metric's name, or nil when it can.
    package static func refusal(ofName name: String) -> SampleRefusal? {
        if name.isEmpty { return .emptyName }
        if name.utf8.count > longestName && name.unicodeScalars.count > longestName { return .nameTooLong }
        for scalar in name.unicodeScalars
        where scalar.value <= 0x20 || scalar.value == 0x7F
            || (scalar.value > 0x7F
                && (scalar.properties.isWhitespace || scalar.properties.generalCategory == .control))
        {
            return .nameHasBlanks
        }
        return nil
    }
}
