// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How unusual the average of the last ten raw scores is, in decimal orders of rarity.
///
/// As the original's likelihood it holds the average against a normal distribution of the averages before (up to 8640), with floors for
/// mean and variance, and lets only the first of a run of reds through. Unlike it, it is up to date with every record, needs no
/// waiting time (a weak prior stands in for records that aren't there yet), and only takes unusually *high* averages for anomalies.
struct TemporalEvidence: Sendable, Hashable {
    /// Records averaged.
    private static let window = 10
    /// Records at the start that never count: the model knows nothing yet.
    private static let learning = 144
    /// Records without evidence: a day at five minutes, what `ModelEnsemble` waits for too where the range isn't given.
    private static let silent = 288
    private static let historyLength = 8640
    /// The prior: as if so many averages of this mean and variance had been seen.
    private static let prior = (weight: 20.0, mean: 0.15, variance: 0.01)
    /// Floors of the original (spec htm.md 8.1).
    private static let floors = (mean: 0.03, variance: 0.0003)
    /// Beyond this the normal distribution says nothing about real data.
    private static let most = 10.0
    private static let red = 5.0
    private static let repeatedRed = 3.0

    /// One raw score, in units: exact integers, so that running sums never drift.
    private let unitsPerScore: Int
    private var recent: [UInt16] = []
    private var recentSum = 0
    /// Sums of the window after each record that counts, oldest overwritten.
    private var history: [UInt16] = []
    private var next = 0
    private var total = 0
    private var totalOfSquares = 0
    private var recordCount = 0
    private var wasRed = false

    /// - Parameter modelCount: Models whose scores, of 40 columns each, are averaged.
    init(modelCount: Int) {
        unitsPerScore = modelCount * 40
    }

    /// Takes the raw score of the next record, in units.
    mutating func add(units: Int) -> Double {
        precondition((0...unitsPerScore).contains(units), "\(units) of \(unitsPerScore) columns")
        if recent.count == Self.window { recentSum -= Int(recent.removeFirst()) }
        recent.append(UInt16(units))
        recentSum += units
        let rarity = rarity(of: Double(recentSum) / Double(recent.count * unitsPerScore))
        let evidence = recordCount >= Self.silent - 1 ? filtered(rarity) : 0
        if recordCount >= Self.learning { remember(recentSum) }
        recordCount += 1
        return evidence
    }

    private mutating func remember(_ sum: Int) {
        if history.count < Self.historyLength {
            history.append(UInt16(sum))
        } else {
            let oldest = Int(history[next])
            total -= oldest
            totalOfSquares -= oldest * oldest
            history[next] = UInt16(sum)
            next = (next + 1) % Self.historyLength
        }
        total += sum
        totalOfSquares += sum * sum
    }

    private func rarity(of average: Double) -> Double {
        let unit = Double(Self.window * unitsPerScore)
        let weight = Double(history.count) + Self.prior.weight
        let mean = (Double(total) / unit + Self.prior.weight * Self.prior.mean) / weight
        let priorSquare = Self.prior.variance + Self.prior.mean * Self.prior.mean
        let square = (Double(totalOfSquares) / (unit * unit) + Self.prior.weight * priorSquare) / weight
        let deviation = max(square - mean * mean, Self.floors.variance).squareRoot()
        let z = (average - max(mean, Self.floors.mean)) / deviation
        guard z > 0 else { return 0 }
        // Beyond five deviations the leading term of the tail is as good and can't underflow.
        let rarity = z < 5 ? -log10(0.5 * erfc(z / 1.4142)) : (z * z / 2 + log(z * 2.5066)) / 2.302585
        return min(rarity, Self.most)
    }

    private mutating func filtered(_ rarity: Double) -> Double {
        let isRed = rarity >= Self.red
        defer { wasRed = isRed }
        return isRed && wasRed ? Self.repeatedRed : rarity
    }
}

extension TemporalEvidence {
    func encode(into encoder: inout StateEncoder) {
        encoder.encode(recent)
        encoder.encode(history)
        encoder.encodeVarint(next)
        encoder.encodeVarint(recordCount)
        encoder.encode(wasRed)
    }

    init(modelCount: Int, from decoder: inout StateDecoder) throws(CheckpointError) {
        self.init(modelCount: modelCount)
        recent = try decoder.decodeArray("recent raw scores")
        history = try decoder.decodeArray("averages")
        next = try decoder.decodeVarint(atMost: max(0, history.count - 1), "position in the averages")
        recordCount = try decoder.decodeVarint(atMost: Int.max, "records")
        wasRed = try decoder.decodeBool()
        let most = Self.window * unitsPerScore
        guard recent.count <= Self.window, history.count <= Self.historyLength,
            recent.allSatisfy({ $0 <= unitsPerScore }), history.allSatisfy({ $0 <= most })
        else { throw .damaged("raw scores beyond their bounds") }
        recentSum = recent.reduce(0) { $0 + Int($1) }
        total = history.reduce(0) { $0 + Int($1) }
        totalOfSquares = history.reduce(0) { $0 + Int($1) * Int($1) }
    }
}
