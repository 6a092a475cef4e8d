// SPDX-License-Identifier: Apache-2.0

/// The weights from cells to buckets for one prediction step, stored only where they can differ from 0.
///
/// Rows exist for cells that have learned. Columns exist for buckets from the lowest ever seen to the highest; all buckets
/// below share one column: they are never the target, so they get the same updates and keep equal weights. Encoders put
/// the first value into bucket 500, so that column stands for about four fifths of all buckets.
struct BucketWeights: Sendable {
    /// 1 + row of each cell, 0 for a cell without weights; as long as the highest cell with a row.
    private var rowNumbers: [UInt32] = []
    /// Cells in the order of their rows.
    private(set) var cells: [UInt16] = []
    /// The shared column, one weight per row.
    private var shared: [Double] = []
    /// Row after row, `stride` columns each; column c belongs to bucket `firstColumn + c`.
    private var columns: [Double] = []
    private var stride = 0
    private var firstColumn = 0
    /// Buckets with a column of their own.
    private(set) var buckets = 0..<0
    /// Column slots added beyond the ones needed, so that a slowly growing range doesn't move all weights each time.
    private static let slack = 16

    init() {}

    // MARK: Activation

    /// Sums of the weights from `activeCells`, for the shared column and for `buckets`.
    func sums(of activeCells: [UInt16]) -> BucketValues {
        var sums = BucketValues(shared: 0, own: Array(repeating: 0, count: buckets.count), buckets: buckets)
        let offset = buckets.lowerBound - firstColumn
        sums.own.withUnsafeMutableBufferPointer { own in
            columns.withUnsafeBufferPointer { columns in
                for cell in activeCells {
                    guard let row = row(of: cell) else { continue }
                    sums.shared += shared[row]
                    let start = row * stride + offset
                    for index in own.indices {
                        own[index] += columns[start + index]
                    }
                }
            }
        }
        return sums
    }

    private func row(of cell: UInt16) -> Int? {
        guard Int(cell) < rowNumbers.count else { return nil }
        let number = rowNumbers[Int(cell)]
        return number == 0 ? nil : Int(number) - 1
    }

    // MARK: Learning

    /// Gives every bucket of `wanted` a column of its own.
    ///
    /// - Parameter wanted: Contains `buckets`. A new bucket above starts with weights 0, one below with the shared weights.
    mutating func extend(to wanted: Range<Int>) {
        guard wanted != buckets else { return }
        if buckets.isEmpty {
            buckets = wanted.lowerBound..<wanted.lowerBound
            firstColumn = wanted.lowerBound
        }
        if wanted.lowerBound < firstColumn || wanted.upperBound > firstColumn + stride {
            layOut(for: wanted)
        }
        for row in cells.indices {
            for bucket in wanted.lowerBound..<buckets.lowerBound {
                columns[row * stride + bucket - firstColumn] = shared[row]
            }
            for bucket in buckets.upperBound..<wanted.upperBound {
                columns[row * stride + bucket - firstColumn] = 0
            }
        }
        buckets = wanted
    }

    private mutating func layOut(for wanted: Range<Int>) {
        let first = max(0, min(firstColumn, wanted.lowerBound - Self.slack))
        let end = max(firstColumn + stride, wanted.upperBound + Self.slack)
        var moved = [Double](repeating: 0, count: cells.count * (end - first))
        for row in cells.indices {
            for bucket in buckets {
                moved[row * (end - first) + bucket - first] = columns[row * stride + bucket - firstColumn]
            }
        }
        columns = moved
        firstColumn = first
        stride = end - first
    }

    /// Adds `rate` times `errors` to the weights from each of `activeCells`.
    ///
    /// - Parameter vanishing: Weights of at most this magnitude become 0; nil keeps them.
    mutating func add(_ errors: BucketValues, rate: Double, from activeCells: [UInt16], vanishing: Double?) {
        assert(errors.buckets == buckets, "errors of other buckets")
        // A negative bound is never reached, so that one loop serves both rules.
        let bound = vanishing ?? -1
        let offset = buckets.lowerBound - firstColumn
        let changes = errors.own.map { rate * $0 }
        let sharedChange = rate * errors.shared
        for cell in activeCells {
            let row = row(of: cell) ?? addRow(for: cell)
            let weight = shared[row] + sharedChange
            shared[row] = abs(weight) <= bound ? 0 : weight
            let start = row * stride + offset
            columns.withUnsafeMutableBufferPointer { columns in
                changes.withUnsafeBufferPointer { changes in
                    for index in changes.indices {
                        let weight = columns[start + index] + changes[index]
                        columns[start + index] = abs(weight) <= bound ? 0 : weight
                    }
                }
            }
        }
    }

    private mutating func addRow(for cell: UInt16) -> Int {
        if Int(cell) >= rowNumbers.count {
            rowNumbers.append(contentsOf: repeatElement(0, count: Int(cell) + 1 - rowNumbers.count))
        }
        cells.append(cell)
        rowNumbers[Int(cell)] = UInt32(cells.count)
        shared.append(0)
        columns.append(contentsOf: repeatElement(0, count: stride))
        return cells.count - 1
    }
}

/// One number for each bucket, the ones below the lowest bucket ever seen sharing theirs.
struct BucketValues: Sendable {
    /// The number of each bucket below `buckets`.
    var shared: Double
    /// The numbers of `buckets`.
    var own: [Double]
    let buckets: Range<Int>
}

// MARK: State

extension BucketWeights: StateCodable {
    func encode(into encoder: inout StateEncoder) {
        encoder.encodeVarint(buckets.lowerBound)
        encoder.encodeVarint(buckets.upperBound)
        encoder.encode(cells)
        encoder.encode(shared)
        for row in cells.indices {
            let start = row * stride + buckets.lowerBound - firstColumn
            encoder.append(columns[start..<start + buckets.count])
        }
    }

    /// Memory taken. Unit: bytes.
    var byteCount: Int {
        MemoryLayout<Double>.size * (columns.capacity + shared.capacity)
            + MemoryLayout<UInt32>.size * rowNumbers.capacity + MemoryLayout<UInt16>.size * cells.capacity
    }

    /// How long the weights are when encoded, about. Unit: bytes.
    var encodedSize: Int { cells.count * (MemoryLayout<Double>.size * (buckets.count + 1) + MemoryLayout<UInt16>.size) }

    init(from decoder: inout StateDecoder) throws(CheckpointError) {
        let lower = try decoder.decodeVarint(atMost: SDRClassifier.bucketLimit, "lowest bucket")
        let upper = try decoder.decodeVarint(atMost: SDRClassifier.bucketLimit, "highest bucket")
        let rows: [UInt16] = try decoder.decodeArray("cells of the classifier")
        let weights = try decoder.decodeDoubles("shared weights of the classifier")
        guard lower <= upper, weights.count == rows.count, rows.count * (upper - lower) <= decoder.remaining / 8 else {
            throw .damaged("classifier weights of \(rows.count) cells for buckets \(lower)..<\(upper)")
        }
        if lower < upper {
            extend(to: lower..<upper)
        }
        shared.reserveCapacity(rows.count)
        columns.reserveCapacity(rows.count * stride)
        for (row, cell) in rows.enumerated() {
            guard self.row(of: cell) == nil else {
                throw .damaged("cell \(cell) has weights twice")
            }
            _ = addRow(for: cell)
            shared[row] = weights[row]
            // Without buckets there are no columns to find a place in.
            guard lower < upper else { continue }
            let start = row * stride + lower - firstColumn
            try decoder.decodeDoubles(into: &columns, at: start..<start + (upper - lower))
        }
    }
}
