// SPDX-License-Identifier: Apache-2.0

/// The initial state of a spatial pooler: the same for every model of one shape, so it is made once and shared.
///
/// A model copies a column out of it when it first changes that column.
final class SpatialPoolerBlueprint: Sendable {
    let parameters: SpatialPoolerParameters
    /// Number of input bits.
    let inputCount: Int
    /// 64-bit words per column in the masks.
    let wordsPerColumn: Int
    /// The largest number of potential inputs a column has.
    let permanencesPerColumn: Int
    /// Bit per potential input; shape [columnCount, wordsPerColumn].
    let potential: [UInt64]
    /// Bit per initially connected input; shape [columnCount, wordsPerColumn].
    let connected: [UInt64]
    /// Initial permanences of the potential inputs in input order; column c begins at `permanencesPerColumn` · c.
    let permanences: [Float]
    /// How inputs that a column never sees on fade; `nil`: each has a permanence of its own from the column's first change on.
    let outsiders: OutsiderHistory?

    /// Draws the initial synapses; takes some milliseconds.
    init(parameters: SpatialPoolerParameters, inputCount: Int) throws(ParameterError) {
        try parameters.validate()
        try require((1...65_535).contains(inputCount), "encoders give \(inputCount) bits, expected 1...65535")
        self.parameters = parameters
        self.inputCount = inputCount
        wordsPerColumn = (inputCount + 63) / 64

        var random = RandomGenerator(seed: parameters.seed)
        // The original draws a tie-breaker per column and never uses it.
        for _ in 0..<parameters.columnCount {
            _ = random.real64()
        }
        var pools: [[Int]] = []
        var columns: [[Float]] = []
        for column in 0..<parameters.columnCount {
            let pool = Self.drawPotentialInputs(of: column, inputCount: inputCount, parameters, &random)
            columns.append(pool.map { _ in Self.drawPermanence(parameters, &random) })
            pools.append(pool)
        }
        let stride = pools.map(\.count).max() ?? 0
        var potential = [UInt64](repeating: 0, count: parameters.columnCount * wordsPerColumn)
        var connected = potential
        var permanences = [Float](repeating: 0, count: parameters.columnCount * stride)
        for column in 0..<parameters.columnCount {
            for (position, input) in pools[column].enumerated() {
                let word = column * wordsPerColumn + input / 64
                let permanence = columns[column][position]
                potential[word] |= 1 << UInt64(input % 64)
                if permanence >= parameters.connectedThreshold {
                    connected[word] |= 1 << UInt64(input % 64)
                }
                permanences[column * stride + position] = permanence < parameters.trimThreshold ? 0 : permanence
            }
        }
        self.permanencesPerColumn = stride
        self.potential = potential
        self.connected = connected
        self.permanences = permanences
        outsiders = OutsiderHistory(parameters)
    }

    /// Chooses a column's potential inputs; ascending.
    private static func drawPotentialInputs(
        of column: Int,
        inputCount: Int,
        _ parameters: SpatialPoolerParameters,
        _ random: inout RandomGenerator
    ) -> [Int] {
        let ratio = Float(inputCount) / Float(parameters.columnCount)
        let centre = Int(((Float(column) + 0.5) * ratio).rounded(.down))
        let radius = min(parameters.potentialRadius ?? inputCount, inputCount)
        let neighbours: [Int]
        if parameters.wrapAround {
            let count = min(2 * radius + 1, inputCount)
            neighbours = (0..<count).map { (centre - radius + $0 + inputCount) % inputCount }
        } else {
            neighbours = Array(max(centre - radius, 0)...min(centre + radius, inputCount - 1))
        }
        let count = Int((Float(neighbours.count) * parameters.potentialPct).rounded(.toNearestOrAwayFromZero))
        return random.sample(neighbours, count: count).sorted()
    }

    private static func drawPermanence(_ parameters: SpatialPoolerParameters, _ random: inout RandomGenerator) -> Float
    {
        let connected = parameters.synPermConnected
        let permanence: Float
        if random.real64() <= Double(parameters.initConnectedPct) {
            permanence = Float(Double(connected) + Double(1 - connected) * random.real64())
        } else {
            permanence = Float(Double(connected) * random.real64())
        }
        // Five decimals, as the original stores them.
        let truncated = Float(Double(Int32(permanence * 100_000)) / 100_000)
        return truncated < parameters.trimThreshold ? 0 : truncated
    }
}
