// SPDX-License-Identifier: Apache-2.0

extension PlainTemporalMemory {
    /// Sizes, thresholds and rates of a plain temporal memory; the defaults are those of `tm_cpp` (spec htm.md 1.3).
    public struct Parameters: Sendable, Hashable {
        /// Columns of the spatial pooler; with `cellsPerColumn` at most 65,536 cells.
        public var columnCount = 2048
        /// Cells in each column, one for each context the column's input can be seen in.
        public var cellsPerColumn = 32
        /// Connected active synapses that make a segment predict its cell.
        public var activationThreshold = 20
        /// Active synapses, connected or not, that make a segment worth learning on.
        public var minThreshold = 13
        /// Permanence of a new synapse, 0...1.
        public var initialPermanence: Float = 0.24
        /// Permanence from which a synapse is connected, 0...1.
        public var connectedPermanence: Float = 0.50
        /// Added to the permanence of synapses that predicted rightly, 0...1.
        public var permanenceIncrement: Float = 0.04
        /// Taken from the permanence of a learning segment's other synapses, 0...1.
        public var permanenceDecrement: Float = 0.008
        /// Taken from the active synapses of segments that predicted wrongly, 0...1.
        public var predictedSegmentDecrement: Float = 0.001
        /// Active synapses a learning segment is grown to.
        public var newSynapseCount = 31
        /// Synapses of a segment, at most 255.
        public var maxSynapsesPerSegment = 128
        /// Segments of a cell, at most 255; beyond, the one longest unused is given up.
        public var maxSegmentsPerCell = 128
        /// Seed of the random generator.
        public var seed: UInt64 = 1960

        /// The parameters of `tm_cpp`.
        public init() {}

        func validate() throws(ParameterError) {
            try require((1...65_535).contains(columnCount), "TM columnCount is \(columnCount), expected 1...65535")
            try require(
                cellsPerColumn >= 1 && columnCount * cellsPerColumn <= 65_536,
                "TM cellsPerColumn is \(cellsPerColumn), expected at least 1 and at most 65536 cells in all"
            )
            for (name, value, limit) in [
                ("minThreshold", minThreshold, 1...127), ("newSynapseCount", newSynapseCount, 0...255),
                ("activationThreshold", activationThreshold, min(minThreshold, 255)...255),
                ("maxSynapsesPerSegment", maxSynapsesPerSegment, 1...255),
                ("maxSegmentsPerCell", maxSegmentsPerCell, 1...255),
            ] {
                try require(limit.contains(value), "TM \(name) is \(value), expected \(limit)")
            }
            for (name, value) in [
                ("initialPerm", initialPermanence), ("connectedPerm", connectedPermanence),
                ("permanenceInc", permanenceIncrement), ("permanenceDec", permanenceDecrement),
                ("predictedSegmentDecrement", predictedSegmentDecrement),
            ] {
                try require(value >= 0 && value <= 1, "TM \(name) is \(value), expected 0...1")
            }
            try require(seed != 0, "TM seed is 0, expected another number")
        }
    }
}
