// SPDX-License-Identifier: Apache-2.0

/// The last values and raw scores of a metric, and the moments of the averaged raw scores among them.
///
/// Raw scores are held as integers in units of 2⁻⁴⁶. Every raw score a model can give (k/40 as a 32-bit float) is a whole
/// number of these units, so running sums are exact: they neither drift nor depend on when they were last recomputed, and
/// a re-estimate costs as much as the records that came since the last one, not as much as the window.
///
/// While all raw scores are multiples of 1/40 a record takes nine bytes.
struct ScoreHistory: Sendable {
    /// How many raw scores are averaged.
    static let averagingWindow = 10
    /// Raw scores are counted in this many units.
    static let unitsPerOne = 0x1p46
    /// Up to here n Σs² stays below 2¹²⁸.
    static let largestCapacity = 1 << 14
    /// Below this population variance of the metric's values a metric counts as flat.
    static let flatVariance = 1.5e-5

    /// Only this many records are looked at by an estimate; older ones are forgotten.
    let capacity: Int
    /// All records ever appended; record numbers are 0 ..< count.
    private(set) var count = 0

    /// Ring of the last `capacity` values; NaN where the value was missing.
    private var values: [Double] = []
    /// Ring of the last `rawCapacity` raw scores times 40; empty once `wide` is in use.
    private var codes: [UInt8] = []
    /// Ring of the last `rawCapacity` raw scores in units, as soon as one wasn't a multiple of 1/40.
    private var wide: [Int] = []
    private var isWide = false

    /// Sum, in units, of the last ten raw scores.
    private(set) var windowSum = 0

    /// Records whose full window sums are in `sum` and `sumOfSquares`.
    private var summed = 0..<0
    private var sum = 0
    private var sumOfSquares: UInt128 = 0

    /// How many raw scores are kept: enough more than `capacity` for the window sums of the records that leave the
    /// window from one estimate to the next.
    private let rawCapacity: Int

    /// - Parameters:
    ///   - capacity: At least the averaging window.
    ///   - estimatePeriod: Usual number of records between estimates. More is possible, but then costs a walk over all.
    init(capacity: Int, estimatePeriod: Int) {
        precondition(capacity >= Self.averagingWindow, "the history must hold at least one averaging window")
        precondition(capacity <= Self.largestCapacity, "the sums of squares would leave 128 bits")
        precondition(estimatePeriod > 0, "estimates are at least one record apart")
        self.capacity = capacity
        rawCapacity = capacity + Self.averagingWindow + estimatePeriod
    }

    /// Number of the oldest record an estimate looks at.
    var start: Int { max(0, count - capacity) }

    // MARK: Appending

    /// - Parameters:
    ///   - value: The metric's value; NaN when missing.
    ///   - rawScore: 0...1.
    mutating func append(value: Double, rawScore: Double) {
        let slot = count % capacity
        if values.count < capacity {
            values.append(value)
        } else {
            values[slot] = value
        }
        let leaving = count >= Self.averagingWindow ? units(at: count - Self.averagingWindow) : 0
        let entering = Self.units(of: rawScore)
        appendRaw(rawScore, units: entering)
        windowSum += entering - leaving
        count += 1
    }

    private mutating func appendRaw(_ rawScore: Double, units: Int) {
        if !isWide {
            if let code = Self.code(of: rawScore) {
                Self.store(code, in: &codes, at: count % rawCapacity, capacity: rawCapacity)
                return
            }
            wide = codes.map { Self.unitsOfCode[Int($0)] }
            codes = []
            isWide = true
        }
        Self.store(units, in: &wide, at: count % rawCapacity, capacity: rawCapacity)
    }

    private static func store<Element>(_ element: Element, in ring: inout [Element], at slot: Int, capacity: Int) {
        if ring.count < capacity {
            ring.append(element)
        } else {
            ring[slot] = element
        }
    }

    private static let unitsOfCode: [Int] = (0...40).map { units(of: Double(Float($0) / 40)) }

    private static func units(of rawScore: Double) -> Int {
        Int((rawScore * unitsPerOne).rounded())
    }

    private static func code(of rawScore: Double) -> UInt8? {
        let code = (rawScore * 40).rounded()
        return Double(Float(code) / 40) == rawScore ? UInt8(code) : nil
    }

    private func units(at record: Int) -> Int {
        let slot = record % rawCapacity
        return isWide ? wide[slot] : Self.unitsOfCode[Int(codes[slot])]
    }

    // MARK: Averages

    /// Average of the last ten raw scores (fewer at the start), were `rawScore` appended now.
    func average(appending rawScore: Double) -> Double {
        let leaving = count >= Self.averagingWindow ? units(at: count - Self.averagingWindow) : 0
        let length = min(count + 1, Self.averagingWindow)
        return Self.mean(units: windowSum - leaving + Self.units(of: rawScore), count: length)
    }

    /// The average at the newest record, the window starting no earlier than the history does.
    var newestAverage: Double {
        Self.mean(units: windowSum, count: min(count, Self.averagingWindow))
    }

    private static func mean(units: Int, count: Int) -> Double {
        Double(units) / unitsPerOne / Double(count)
    }

    private func windowSum(endingAt record: Int) -> Int {
        var sum = 0
        for index in (record - Self.averagingWindow + 1)...record {
            sum += units(at: index)
        }
        return sum
    }

    // MARK: Estimating

    /// The distribution of the averages of records `first...`, the first average window starting at the oldest record.
    ///
    /// - Parameter first: `start` ... ; at or beyond `count` gives the null distribution, and so does a metric whose
    ///   values have hardly any variance.
    mutating func estimate(from first: Int) -> LikelihoodDistribution {
        guard first < count, !isFlat(from: first) else {
            return .null
        }
        // The first nine averages are of shorter windows: left out of the running sums, added one by one.
        let firstFull = max(first, start + Self.averagingWindow - 1)
        moveSums(to: min(firstFull, count)..<count)
        var (mean, squares) = momentsOfSums()
        var samples = Double(summed.count)
        var partial = 0
        for record in start..<min(firstFull, count) {
            partial += units(at: record)
            guard record >= first else { continue }
            let average = Self.mean(units: partial, count: record - start + 1)
            samples += 1
            let difference = average - mean
            mean += difference / samples
            squares += difference * (average - mean)
        }
        return LikelihoodDistribution(sampleMean: mean, sampleVariance: squares / samples)
    }

    /// Mean of the summed averages, and the sum of their squared differences from it.
    private func momentsOfSums() -> (mean: Double, squares: Double) {
        guard !summed.isEmpty else {
            return (0, 0)
        }
        let samples = UInt128(summed.count)
        let scale = Double(Self.averagingWindow) * Self.unitsPerOne
        // n Σs² − (Σs)² in integers: no cancellation. It stays in range: see `largestCapacity`.
        let spread = samples * sumOfSquares - UInt128(sum) * UInt128(sum)
        return (Double(sum) / scale / Double(samples), Double(spread) / Double(samples) / scale / scale)
    }

    private mutating func moveSums(to target: Range<Int>) {
        let oldestWindow = max(0, count - rawCapacity) + Self.averagingWindow - 1
        if target.lowerBound >= summed.upperBound || target.lowerBound < summed.lowerBound
            || summed.lowerBound < oldestWindow
        {
            summed = target.lowerBound..<target.lowerBound
            sum = 0
            sumOfSquares = 0
        }
        for record in summed.lowerBound..<target.lowerBound {
            let leaving = windowSum(endingAt: record)
            sum -= leaving
            sumOfSquares -= UInt128(leaving) * UInt128(leaving)
        }
        for record in summed.upperBound..<target.upperBound {
            let entering = windowSum(endingAt: record)
            sum += entering
            sumOfSquares += UInt128(entering) * UInt128(entering)
        }
        summed = target
    }

    /// Whether the values of records `first...` have a population variance below 1.5e-5.
    ///
    /// Missing values don't count.
    /// Squared differences from the mean of a part never exceed those of the whole, so the walk stops at the first part
    /// that varies enough: after a few records, unless the metric really is flat.
    private func isFlat(from first: Int) -> Bool {
        let enough = Self.flatVariance * Double(count - first)
        var origin = Double.nan
        var present = 0.0
        var sum = 0.0
        var squares = 0.0
        var record = count - 1
        while record >= first {
            let partEnd = max(first, record - 63)
            while record >= partEnd {
                let value = values[record % capacity]
                record -= 1
                guard !value.isNaN else { continue }
                if origin.isNaN {
                    origin = value
                }
                let difference = value - origin
                present += 1
                sum += difference
                squares += difference * difference
            }
            if present > 0, squares - sum * sum / present >= enough {
                return false
            }
        }
        return present == 0 || (squares - sum * sum / present) / present < Self.flatVariance
    }
}

// MARK: State

extension ScoreHistory: StateCodable {
    /// Sums are left out: they are exact, so those of a decoded history are the same.
    func encode(into encoder: inout StateEncoder) {
        encoder.encode(capacity)
        encoder.encode(rawCapacity)
        encoder.encode(count)
        encoder.encode(values)
        encoder.encode(isWide)
        if isWide {
            encoder.encode(wide.map { UInt64(bitPattern: Int64($0)) })
        } else {
            encoder.encode(codes)
        }
    }

    init(from decoder: inout StateDecoder) throws(CheckpointError) {
        capacity = try decoder.decodeInt()
        rawCapacity = try decoder.decodeInt()
        count = try decoder.decodeInt()
        guard (Self.averagingWindow...Self.largestCapacity).contains(capacity),
            (capacity...1 << 20).contains(rawCapacity),
            count >= 0
        else {
            throw .damaged("likelihood history: capacity \(capacity), count \(count)")
        }
        values = try decoder.decodeDoubles("values of the likelihood history")
        isWide = try decoder.decodeBool()
        if isWide {
            let stored: [UInt64] = try decoder.decodeArray("raw scores of the likelihood history")
            wide = stored.map { Int(Int64(bitPattern: $0)) }
        } else {
            codes = try decoder.decodeArray("raw scores of the likelihood history")
        }
        let scores = isWide ? wide.count : codes.count
        guard values.count == min(count, capacity), scores == min(count, rawCapacity),
            codes.allSatisfy({ $0 <= 40 }), wide.allSatisfy({ (0...Int(Self.unitsPerOne)).contains($0) })
        else {
            throw .damaged("likelihood history: \(values.count) values and \(scores) scores of \(count) records")
        }
        for record in max(0, count - Self.averagingWindow)..<count {
            windowSum += units(at: record)
        }
    }
}
