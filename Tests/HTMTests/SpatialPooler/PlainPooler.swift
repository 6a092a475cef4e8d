// SPDX-License-Identifier: Apache-2.0

import HTM

/// The spatial pooler as its rules are written down: every potential input has its permanence, every record looks at every column.
///
/// Without boosting, and for learning only.
struct PlainPooler {
    struct Synapse {
        let input: Int
        var permanence: Float
        var isConnected: Bool
    }

    private let parameters: SpatialPoolerParameters
    private(set) var columns: [[Synapse]]
    private var overlapDutyCycles: [Float]
    private var minimumOverlapDutyCycle: Float = 0
    private var iteration = 0
    /// Added to all of a weak column's permanences.
    private let bump: Float
    /// How often a weak column was strengthened, and how often a winner up to the stimulus threshold.
    private(set) var bumpCount = 0
    private(set) var raiseCount = 0

    /// Begins with the synapses of a pooler that hasn't learned.
    init(_ pooler: SpatialPooler, parameters: SpatialPoolerParameters) {
        self.parameters = parameters
        bump = parameters.synPermConnected / 10
        columns = (0..<parameters.columnCount).map { column in
            pooler.synapses(of: column).map {
                Synapse(input: $0.input, permanence: $0.permanence, isConnected: $0.isConnected)
            }
        }
        overlapDutyCycles = [Float](repeating: 0, count: parameters.columnCount)
    }

    mutating func learn(_ input: InputBits) -> [UInt16] {
        iteration += 1
        let overlaps = columns.map { $0.count { $0.isConnected && input[$0.input] } }
        let ranked = overlaps.indices.filter { overlaps[$0] >= parameters.stimulusThreshold }
            .sorted { overlaps[$0] != overlaps[$1] ? overlaps[$0] > overlaps[$1] : $0 > $1 }
        let winners = ranked.prefix(parameters.numActiveColumnsPerInhArea).sorted()
        for column in winners {
            adapt(column, to: input)
        }
        let period = Float(min(parameters.dutyCyclePeriod, iteration))
        for column in overlaps.indices {
            let hit: Float = overlaps[column] > 0 ? 1 : 0
            overlapDutyCycles[column] = (overlapDutyCycles[column] * (period - 1) + hit) / period
        }
        for column in overlaps.indices where overlapDutyCycles[column] < minimumOverlapDutyCycle {
            bumpCount += 1
            let bump = bump
            store(column) { $0.permanence + bump }
        }
        if iteration % 50 == 0 {
            minimumOverlapDutyCycle = parameters.minPctOverlapDutyCycle * overlapDutyCycles.max()!
        }
        return winners.map { UInt16($0) }
    }

    private mutating func adapt(_ column: Int, to input: InputBits) {
        let (increment, decrement) = (parameters.synPermActiveInc, parameters.synPermInactiveDec)
        store(column) {
            min(max(input[$0.input] ? $0.permanence + increment : $0.permanence - decrement, 0), 1)
        }
        let needed = min(parameters.stimulusThreshold, columns[column].count)
        while columns[column].count(where: \.isConnected) < needed {
            raiseCount += 1
            let bump = bump
            store(column) { min($0.permanence + bump, 1) }
        }
    }

    /// Gives a column new permanences; connected is decided before they are trimmed.
    private mutating func store(_ column: Int, _ permanence: (Synapse) -> Float) {
        for place in columns[column].indices {
            let value = permanence(columns[column][place])
            columns[column][place].isConnected = value >= parameters.synPermConnected - 0.000_001
            columns[column][place].permanence = value < parameters.synPermActiveInc / 2 ? 0 : min(value, 1)
        }
    }
}
