// SPDX-License-Identifier: Apache-2.0

/// Detection mode "evidence": HTM models, and around them channels for what a sequence memory can't see, on one scale of rarity.
///
///     var detector = try EvidenceDetector(parameters: EvidenceParameters(), factory: ModelFactory())
///     let output = detector.process(ModelInput(timestamp: 1_420_070_400, value: 42))
///     if output.rarity >= EvidenceParameters.alarm { print(output.explanation?.text ?? "") }
///
/// Causal, single pass, fixed parameters; nothing about range or length of the data is known in advance. Every channel gives evidence in
/// decimal orders of rarity; together they count as the cube root of the sum of cubes, so that the strongest decides and agreement adds a
/// little. Evidence no stronger than that of the 71 records before belongs to the same event. There are no alarms in a metric's first
/// day, or first 288 records where these are less. Method and figures: docs/detection.md. A value with one owner; a copy goes on by
/// itself.
public struct EvidenceDetector: Sendable {
    /// How far outside all values seen a value must be, as a share of their range (spec htm.md 8.3).
    private static let rangeTolerance = 0.05
    /// The same for the distance from the hour's usual level.
    private static let dailyTolerance = 0.1
    /// The same while no day is over: dense samples say little about a day's range, but far outside is far outside.
    private static let firstDayTolerance = 1.0
    /// Values before the ranges mean anything: so many of a day and more, or a day's at five minutes.
    private static let warmUp = (ofDay: 144, ofAny: 288)
    /// Unit: seconds.
    private static let day: Int64 = 86_400
    /// Raw score from which a record is unusual by itself: most of its columns were not expected.
    private static let unusualScore = 0.5

    /// The parameters it was made from.
    public let parameters: EvidenceParameters
    private var ensemble: ModelEnsemble
    private var temporal: TemporalEvidence
    private var values = RecentExtremes()
    private var profile = DailyProfile()
    private var residuals = RecentExtremes()
    private var continuity = ContinuityEvidence()
    private var shape = ShapeEvidence()
    private var gate: EventGate
    private var firstTimestamp: Int64?
    private var hasSeenDay = false
    /// Samples processed.
    public private(set) var recordCount = 0

    /// A detector that has seen nothing.
    ///
    /// - Parameters:
    ///   - parameters: Usually the default ones.
    ///   - factory: Makes the models; one for the whole process saves memory.
    /// - Throws: `ParameterError`, naming the parameter and what was expected.
    public init(
        parameters: EvidenceParameters = EvidenceParameters(),
        factory: ModelFactory
    ) throws(ParameterError) {
        ensemble = try ModelEnsemble(parameters, factory: factory)
        self.parameters = parameters
        temporal = TemporalEvidence(modelCount: parameters.modelCount)
        gate = EventGate(length: parameters.eventRecords, goingOn: parameters.ongoingEvidence)
    }

    /// Memory beyond what all detectors share, roughly. Unit: bytes.
    public var memoryBytes: Int { 80_000 + ensemble.memoryBytes }

    /// Segments the models' temporal memories have grown, together.
    public var segmentCount: Int { ensemble.segmentCount }

    /// Synapses on them.
    public var synapseCount: Int { ensemble.synapseCount }

    /// Takes the next sample and learns from it.
    public mutating func process(_ input: ModelInput) -> EvidenceOutput {
        let value = input.value.flatMap { $0.isFinite ? $0 : nil }
        let input = ModelInput(timestamp: input.timestamp, value: value)
        var findings: [Finding] = []
        let rawScore = addTemporal(input, &findings)
        if let finding = continuity.add(timestamp: input.timestamp, value: value) {
            let usual = finding.channel == .gap ? 0...finding.usual : 1...max(1, finding.usual)
            findings.append(
                Finding(
                    channel: finding.channel,
                    evidence: parameters.continuityEvidence,
                    expected: usual,
                    actual: finding.actual
                )
            )
        }
        if let timestamp = input.timestamp, !hasSeenDay {
            if firstTimestamp == nil { firstTimestamp = timestamp }
            hasSeenDay = firstTimestamp.map { timestamp - $0 >= Self.day } ?? false
        }
        if let value { addValue(value, at: input.timestamp, &findings) }
        recordCount += 1
        return output(rawScore: rawScore, findings, at: input.timestamp)
    }

    private struct Finding {
        let channel: EvidenceChannel
        let evidence: Double
        let expected: ClosedRange<Double>?
        let actual: Double?
    }

    private mutating func addTemporal(_ input: ModelInput, _ findings: inout [Finding]) -> Double? {
        let units: Int
        var evidence = 0.0
        switch ensemble.process(input) {
        case .none: return nil
        case .next(let next):
            units = next
            evidence = temporal.add(units: next)
        case .fresh(let all):
            temporal = TemporalEvidence(modelCount: parameters.modelCount)
            for units in all { evidence = temporal.add(units: units) }
            units = all.last ?? 0
        }
        let range = expectedRange(at: input.timestamp)
        findings.append(Finding(channel: .temporal, evidence: evidence, expected: range, actual: input.value))
        return Double(units) / Double(parameters.modelCount * 40)
    }

    private mutating func addValue(_ value: Double, at timestamp: Int64?, _ findings: inout [Finding]) {
        let isWarm = values.count >= (hasSeenDay ? Self.warmUp.ofDay : Self.warmUp.ofAny)
        // Without times the records alone tell when a day is over.
        let isFirstDay = !hasSeenDay && firstTimestamp != nil
        let tolerance = isFirstDay ? Self.firstDayTolerance : Self.rangeTolerance
        if isWarm, values.isOutside(value, tolerance: tolerance) {
            findings.append(
                Finding(channel: .range, evidence: parameters.rangeEvidence, expected: values.range, actual: value)
            )
        }
        if let timestamp {
            if let level = profile.level(at: timestamp) {
                let residual = value - level
                if isWarm, residuals.count >= Self.warmUp.ofDay,
                    residuals.isOutside(residual, tolerance: Self.dailyTolerance)
                {
                    let range = expectedRange(at: timestamp)
                    findings.append(
                        Finding(channel: .daily, evidence: parameters.dailyEvidence, expected: range, actual: value)
                    )
                }
                residuals.add(residual, at: timestamp)
            }
            profile.add(value, at: timestamp)
        }
        if let finding = shape.add(value, at: timestamp) {
            findings.append(
                Finding(
                    channel: .shape,
                    evidence: parameters.shapeEvidence,
                    expected: 0...finding.usual,
                    actual: finding.actual
                )
            )
        }
        values.add(value, at: timestamp)
    }

    /// The range a value has had around the hour's level, or, on the first day, at all.
    private func expectedRange(at timestamp: Int64?) -> ClosedRange<Double>? {
        guard let timestamp, let level = profile.level(at: timestamp), let around = residuals.range else {
            return values.range
        }
        return (level + around.lowerBound)...(level + around.upperBound)
    }

    private mutating func output(
        rawScore: Double?,
        _ findings: [Finding],
        at timestamp: Int64?
    ) -> EvidenceOutput {
        let sum = findings.reduce(0) { $0 + $1.evidence * $1.evidence * $1.evidence }
        let isUnusual =
            (rawScore ?? 0) >= Self.unusualScore || findings.contains { $0.channel == .range || $0.channel == .daily }
        let rarity = gate.pass(power(sum, 1 / 3.0), isUnusual: isUnusual, at: timestamp)
        var output = EvidenceOutput(rawScore: rawScore, rarity: rarity)
        if rarity >= EvidenceParameters.notable,
            let strongest = findings.max(by: { $0.evidence < $1.evidence })
        {
            output.explanation = AnomalyExplanation(
                channel: strongest.channel,
                expected: strongest.expected,
                actual: strongest.actual,
                oneIn: power(10, rarity),
                modelAge: recordCount
            )
        }
        return output
    }
}

extension EvidenceDetector {
    /// "HTMe", little-endian: the first four bytes of a detector's state.
    private static let magic: UInt32 = 0x654D_5448
    private static let version: UInt32 = 2

    /// The whole state but the parameters. Layout: docs/formats/checkpoint.md.
    public func encoded() -> [UInt8] {
        var state = StateEncoder()
        state.encode(Self.magic)
        state.encode(Self.version)
        state.encodeVarint(parameters.modelCount)
        state.encodeVarint(recordCount)
        state.encode(firstTimestamp)
        state.encode(hasSeenDay)
        values.encode(into: &state)
        profile.encode(into: &state)
        residuals.encode(into: &state)
        continuity.encode(into: &state)
        shape.encode(into: &state)
        gate.encode(into: &state)
        temporal.encode(into: &state)
        ensemble.encode(into: &state)
        return state.bytes
    }

    /// The detector that `encoded()` gave; it goes on with the same bits. States of version 1 are read too: no event
    /// goes on after them, and the course of values is learned anew.
    ///
    /// - Throws: `ParameterError` for wrong parameters, `CheckpointError` for damaged bytes or those of another kind of detector.
    public init(parameters: EvidenceParameters, factory: ModelFactory, restoring bytes: [UInt8]) throws {
        try parameters.validate()
        var state = StateDecoder(bytes)
        guard try state.decodeUInt32() == Self.magic else {
            throw CheckpointError.damaged("it doesn't begin with a detector's mark")
        }
        let version = try state.decodeUInt32()
        guard (1...Self.version).contains(version) else { throw CheckpointError.unsupportedVersion(version) }
        let modelCount = try state.decodeVarint(atMost: 4, "models")
        guard modelCount == parameters.modelCount else {
            throw CheckpointError.parametersDiffer("\(modelCount) models, expected \(parameters.modelCount)")
        }
        self.parameters = parameters
        recordCount = try state.decodeVarint(atMost: Int.max, "records")
        if version > 1 {
            firstTimestamp = try state.decodeOptionalTimestamp()
            hasSeenDay = try state.decodeBool()
        } else {
            hasSeenDay = recordCount >= Self.warmUp.ofAny
        }
        values = try RecentExtremes(from: &state, version: version)
        profile = try DailyProfile(from: &state)
        residuals = try RecentExtremes(from: &state, version: version)
        continuity = try ContinuityEvidence(from: &state, version: version)
        if version > 1 { shape = try ShapeEvidence(from: &state, version: version) }
        let (length, goingOn) = (parameters.eventRecords, parameters.ongoingEvidence)
        gate =
            version > 1
            ? try EventGate(length: length, goingOn: goingOn, from: &state)
            : try EventGate(length: length, goingOn: goingOn, version1: &state)
        temporal = try TemporalEvidence(modelCount: modelCount, from: &state)
        ensemble = try ModelEnsemble(parameters, factory: factory, from: &state)
        try state.requireEnd()
    }
}
