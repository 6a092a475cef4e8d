// SPDX-License-Identifier: Apache-2.0

/// Everything that fixes a backtracking temporal memory.
///
/// The defaults are those of the anomaly model.
public struct BacktrackingParameters: Sendable, Equatable {
    /// Number of columns; 1...65,535.
    public var columnCount = 2048
    /// Cells per column; cell 0 is the column's start cell.
    public var cellsPerColumn = 32
    /// Connected active synapses that make a segment predict its cell.
    public var activationThreshold = 13
    /// Active synapses, connected or not, that make a segment a match to learn on.
    public var minThreshold = 10
    /// Active synapses a learning segment is grown to.
    public var newSynapseCount = 20
    /// Most synapses of a segment; `nil`: no limit, together with `maxSegmentsPerCell`.
    public var maxSynapsesPerSegment: Int? = 32
    /// Most segments of a cell; `nil`: no limit.
    public var maxSegmentsPerCell: Int? = 128
    /// Permanence of a new synapse.
    public var initialPerm: Float = 0.21
    /// Permanence from which a synapse is connected.
    public var connectedPerm: Float = 0.5
    /// Added to active synapses of a reinforced segment.
    public var permanenceInc: Float = 0.1
    /// Subtracted from its inactive ones; at 0 they go.
    public var permanenceDec: Float = 0.1
    /// The largest permanence.
    public var permanenceMax: Float = 1
    /// Badly predicted records in a row after which learning starts over.
    public var pamLength = 3
    /// Permanence that segments unused for `maxAge` records lose; 0: off. Not with limits on segments and synapses.
    public var globalDecay: Float = 0
    /// How often and from which age `globalDecay` acts, in records; 0: never.
    public var maxAge = 0
    /// How many past records inference may replay to find its place again.
    public var maxInfBacktrack = 10
    /// The same for learning.
    public var maxLrnBacktrack = 5
    /// Records after which learning starts over; 0: never.
    public var maxSeqLength = 32
    /// Keeps unapplied updates of cells that stay predicted, for up to `segUpdateValidDuration` records.
    public var doPooling = false
    /// Records for which an update stays valid with pooling; without it is 1.
    public var segUpdateValidDuration = 5
    /// Seed of the choices of cells and synapses.
    public var seed: UInt64 = 1960
    /// Most segments in all, a bound on memory and time the original hasn't: beyond it those reinforced longest ago go.
    public var segmentLimit = 131_072

    /// The anomaly model's defaults.
    public init() {}

    /// Both limits given, as the original's fixed-size mode demands.
    var isFixedSize: Bool { maxSegmentsPerCell != nil && maxSynapsesPerSegment != nil }

    /// Records for which an update stays valid.
    var updateValidity: Int { doPooling ? segUpdateValidDuration : 1 }

    func validate() throws(ParameterError) {
        try require((1...65_535).contains(columnCount), "TM columnCount is \(columnCount), expected 1...65535")
        try require(
            cellsPerColumn >= 1 && cellsPerColumn <= 4096 && columnCount * cellsPerColumn < 1 << 31,
            "TM cellsPerColumn is \(cellsPerColumn), expected 1...4096 and fewer than 2^31 cells"
        )
        for (name, value) in [
            ("activationThreshold", activationThreshold), ("minThreshold", minThreshold),
            ("newSynapseCount", newSynapseCount), ("pamLength", pamLength),
        ] {
            try require((1...32_767).contains(value), "TM \(name) is \(value), expected 1...32767")
        }
        try require(
            (maxSegmentsPerCell == nil) == (maxSynapsesPerSegment == nil),
            "TM maxSegmentsPerCell and maxSynapsesPerSegment must both be given or both be unlimited"
        )
        if let maxSegmentsPerCell, let maxSynapsesPerSegment {
            try require(
                (1...32_767).contains(maxSegmentsPerCell),
                "TM maxSegmentsPerCell is \(maxSegmentsPerCell), expected 1...32767"
            )
            try require(
                maxSynapsesPerSegment >= newSynapseCount && maxSynapsesPerSegment <= 32_767,
                "TM maxSynapsesPerSegment is \(maxSynapsesPerSegment), expected at least newSynapseCount (\(newSynapseCount))"
            )
            try require(
                globalDecay == 0 && maxAge == 0,
                "TM globalDecay and maxAge need unlimited segments and synapses"
            )
            try require(cellsPerColumn > 1, "TM cellsPerColumn 1 needs unlimited segments and synapses")
        }
        for (name, value) in [
            ("initialPerm", initialPerm), ("connectedPerm", connectedPerm), ("permanenceInc", permanenceInc),
            ("permanenceDec", permanenceDec), ("permanenceMax", permanenceMax), ("globalDecay", globalDecay),
        ] {
            try require(value >= 0 && value <= 1, "TM \(name) is \(value), expected 0...1")
        }
        try require(initialPerm > 0, "TM initialPerm is 0, expected more")
        for (name, value) in [
            ("maxAge", maxAge), ("maxInfBacktrack", maxInfBacktrack), ("maxLrnBacktrack", maxLrnBacktrack),
            ("maxSeqLength", maxSeqLength), ("segUpdateValidDuration", segUpdateValidDuration),
        ] {
            try require((0...1_000_000).contains(value), "TM \(name) is \(value), expected 0...1000000")
        }
        try require(maxInfBacktrack <= 1000 && maxLrnBacktrack <= 1000, "TM backtracking is limited to 1000 records")
        try require(seed != 0, "TM seed is 0, expected another number")
        try require(
            (1000...16_000_000).contains(segmentLimit),
            "TM segmentLimit is \(segmentLimit), expected 1000...16000000"
        )
    }
}
