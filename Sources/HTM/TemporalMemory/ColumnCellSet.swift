// SPDX-License-Identifier: Apache-2.0

/// A set of cells as bits by column, with the columns that have any: cheap to clear, to test and to walk.
struct ColumnCellSet {
    let cellsPerColumn: Int
    let wordsPerColumn: Int
    /// Shape [columns, wordsPerColumn].
    private(set) var words: GrowableBuffer<UInt32>
    /// Columns with at least one cell, in order of insertion.
    private(set) var columns = GrowableBuffer<UInt16>()

    init(columnCount: Int, cellsPerColumn: Int) {
        self.cellsPerColumn = cellsPerColumn
        wordsPerColumn = (cellsPerColumn + 31) / 32
        words = GrowableBuffer(repeating: 0, count: columnCount * wordsPerColumn)
    }

    mutating func deallocate() {
        words.deallocate()
        columns.deallocate()
    }

    func copy() -> ColumnCellSet {
        var other = self
        other.words = words.copy()
        other.columns = columns.copy()
        return other
    }

    mutating func removeAll() {
        for index in 0..<columns.count {
            forEachWord(ofColumn: Int(columns[index])) { words[$0] = 0 }
        }
        columns.removeAll()
    }

    /// Nearly always it is one word, for which a loop would become a call to clear or copy memory.
    @inline(__always)
    private func forEachWord(ofColumn column: Int, _ visit: (Int) -> Void) {
        if wordsPerColumn == 1 {
            visit(column)
            return
        }
        for word in column * wordsPerColumn..<(column + 1) * wordsPerColumn {
            visit(word)
        }
    }

    @inline(__always)
    func hasCells(_ column: Int) -> Bool {
        if wordsPerColumn == 1 {
            return words[column] != 0
        }
        for word in column * wordsPerColumn..<(column + 1) * wordsPerColumn where words[word] != 0 {
            return true
        }
        return false
    }

    @inline(__always)
    func contains(column: Int, cell: Int) -> Bool {
        words[column * wordsPerColumn + cell >> 5] >> UInt32(truncatingIfNeeded: cell & 31) & 1 == 1
    }

    @inline(__always)
    mutating func insert(column: Int, cell: Int) {
        if !hasCells(column) {
            columns.append(UInt16(truncatingIfNeeded: column))
        }
        words[column * wordsPerColumn + cell >> 5] |= 1 << UInt32(truncatingIfNeeded: cell & 31)
    }

    /// Inserts all cells of a column that has none yet.
    mutating func insertAll(column: Int) {
        columns.append(UInt16(truncatingIfNeeded: column))
        for cell in stride(from: 0, to: cellsPerColumn, by: 32) {
            let left = cellsPerColumn - cell
            words[column * wordsPerColumn + cell >> 5] = left >= 32 ? .max : (1 << UInt32(left)) - 1
        }
    }

    /// Inserts the cells a column has in another set, into a column that has none yet here.
    @inline(__always)
    mutating func insert(column: Int, from other: ColumnCellSet) {
        columns.append(UInt16(truncatingIfNeeded: column))
        forEachWord(ofColumn: column) { words[$0] = other.words[$0] }
    }

    /// All cells as column and number within it, ascending.
    var sortedCells: [(column: Int, cell: Int)] {
        columns.elements.sorted().flatMap { column in
            (0..<cellsPerColumn).filter { contains(column: Int(column), cell: $0) }.map { (Int(column), $0) }
        }
    }
}
