// SPDX-License-Identifier: Apache-2.0

/// Everything that fixes a spatial pooler but the width of its input.
///
/// The defaults are those of the anomaly model. Inhibition is global: of all columns the ones with the largest overlap win.
public struct SpatialPoolerParameters: Sendable, Equatable {
    /// Number of columns; 1...65,535.
    public var columnCount = 2048
    /// Share of the inputs within reach that a column may connect to; in (0, 1].
    public var potentialPct: Float = 0.8
    /// How far from its centre a column reaches, in inputs; `nil`: everywhere.
    public var potentialRadius: Int?
    /// Whether the input's ends meet.
    public var wrapAround = true
    /// Columns that win each record; ignored when `localAreaDensity` is positive.
    public var numActiveColumnsPerInhArea = 40
    /// Share of the columns that win each record, in (0, 0.5]; 0 or less: use `numActiveColumnsPerInhArea`.
    public var localAreaDensity: Float = -1
    /// Columns with fewer active connected synapses can't win.
    public var stimulusThreshold = 0
    /// Added to a winner's permanence where the input is on.
    public var synPermActiveInc: Float = 0.003
    /// Subtracted from a winner's permanence where the input is off.
    public var synPermInactiveDec: Float = 0.0005
    /// Permanence from which a synapse counts as connected.
    public var synPermConnected: Float = 0.2
    /// The least overlap duty cycle, as a share of the largest, below which a column is strengthened.
    public var minPctOverlapDutyCycle: Float = 0.001
    /// Records over which duty cycles average.
    public var dutyCyclePeriod = 1000
    /// How strongly rarely active columns are favoured; 0: not at all.
    public var boostStrength: Float = 0
    /// Share of the potential synapses that start connected.
    public var initConnectedPct: Float = 0.5
    /// Seed of the initial synapses.
    public var seed: UInt64 = 1956

    /// The anomaly model's defaults.
    public init() {}

    /// Trimmed to 0 below this: half an increment.
    var trimThreshold: Float { synPermActiveInc / 2 }
    /// Given to all of a weak column's potential synapses: a tenth of the connection threshold.
    var belowStimulusIncrement: Float { synPermConnected / 10 }
    /// Connectedness is decided with this much slack, as the original does.
    var connectedThreshold: Float { synPermConnected - 0.000_001 }

    /// The number of columns that win: the target density times the columns, rounded down as the original does.
    var winnerCount: Int {
        let columns = Float(columnCount)
        let density =
            localAreaDensity > 0 ? localAreaDensity : min(Float(numActiveColumnsPerInhArea) / columns, 0.5)
        return Int(density * columns)
    }

    func validate() throws(ParameterError) {
        try require((1...65_535).contains(columnCount), "SP columnCount is \(columnCount), expected 1...65535")
        try require(potentialPct > 0 && potentialPct <= 1, "SP potentialPct is \(potentialPct), expected (0, 1]")
        try require((potentialRadius ?? 0) >= 0, "SP potentialRadius is \(potentialRadius ?? 0), expected 0 or more")
        try require(localAreaDensity <= 0.5, "SP localAreaDensity is \(localAreaDensity), expected at most 0.5")
        try require(
            winnerCount >= 1,
            "SP numActiveColumnsPerInhArea \(numActiveColumnsPerInhArea) and localAreaDensity \(localAreaDensity) let no column win"
        )
        try require(
            (0...65_535).contains(stimulusThreshold),
            "SP stimulusThreshold is \(stimulusThreshold), expected 0...65535"
        )
        for (name, value) in [
            ("synPermActiveInc", synPermActiveInc), ("synPermInactiveDec", synPermInactiveDec),
            ("synPermConnected", synPermConnected), ("initConnectedPct", initConnectedPct),
            ("minPctOverlapDutyCycle", minPctOverlapDutyCycle),
        ] {
            try require(value >= 0 && value <= 1, "SP \(name) is \(value), expected 0...1")
        }
        try require(
            connectedThreshold >= trimThreshold,
            "SP synPermConnected is \(synPermConnected), expected more than half of synPermActiveInc"
        )
        try require(dutyCyclePeriod >= 1, "SP dutyCyclePeriod is \(dutyCyclePeriod), expected at least 1")
        try require(
            boostStrength >= 0 && boostStrength.isFinite,
            "SP boostStrength is \(boostStrength), expected 0 or more"
        )
        try require(seed != 0, "SP seed is 0, expected another number")
    }
}
