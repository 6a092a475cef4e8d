// SPDX-License-Identifier: Apache-2.0

/// Where alerts are kept, so that each is told once however often processes die.
///
/// Blocking and thread-safe, as `MetricRepository`; throws `EngineError` with code `storageUnavailable` (may pass).
package protocol AlertStore: Sendable {
    /// What is remembered of each metric, by uid, as it was given in `AlertCommit.states`.
    func alertStates() throws -> [String: String]

    /// Stores one step as a whole: it has happened entirely or not at all. Events and deliveries that are there already stay as they are, but for
    /// end and peak of an event: so the same step may be stored twice.
    func commit(_ commit: AlertCommit) throws

    /// When each server was last told something. Unit: Unix seconds.
    func lastTold() throws -> [String: Int64]

    /// Deliveries to one sink whose time has come, oldest events first, at most `limit`; an end only when its start is no longer pending. They are
    /// lent to the caller until `lentUntil`: nobody else gets them before.
    func takeDueDeliveries(sink: String, now: Int64, lentUntil: Int64, limit: Int) throws -> [AlertDelivery]

    /// Notes that a sink has answered.
    func noteDelivered(_ delivery: AlertDelivery) throws
    /// Notes a failed try.
    /// - Parameter retryAt: Unix seconds; nil gives up.
    func noteFailed(_ delivery: AlertDelivery, reason: String, retryAt: Int64?) throws

    /// The newest events first.
    func alertEvents(limit: Int) throws -> [AlertEvent]
    func alertDeliveryCounts() throws -> AlertDeliveryCounts
    /// The reason of the newest failure of each sink that hasn't answered since.
    func alertFailures() throws -> [String: String]
    /// - Returns: False when there is no such event.
    func acknowledgeAlert(id: String, at time: Int64) throws -> Bool

    func alertMutes() throws -> [AlertMute]
    /// Replaces the mute of that pattern; one that has passed is removed.
    func setAlertMute(_ mute: AlertMute, now: Int64) throws

    /// Removes closed events that started before a time, with their deliveries.
    func removeAlertEvents(startedBefore time: Int64) throws
}

/// One atomic step of the alert service.
package struct AlertCommit: Sendable {
    /// New states, by uid; an empty one forgets the metric.
    package var states: [String: String] = [:]
    /// New and changed events.
    package var events: [AlertEvent] = []
    package var deliveries: [AlertDelivery] = []
    /// Servers that have just been told something, with the time.
    package var told: [String: Int64] = [:]

    package init() {}

    package var isEmpty: Bool { states.isEmpty && events.isEmpty && deliveries.isEmpty && told.isEmpty }
}
