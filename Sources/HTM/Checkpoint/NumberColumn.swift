// SPDX-License-Identifier: Apache-2.0

// Columns of tables: so many numbers of one width, the smallest of 1, 2 and 4 bytes that holds all of them. They are written and read at
// the speed of memory, which numbers of varying width aren't. Layout: docs/formats/checkpoint.md, "column".

extension StateEncoder {
    /// Width, then the numbers; their count is for the reader to know.
    @inline(__always)
    mutating func encodeColumn(_ count: Int, _ number: (Int) -> UInt32) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count) { numbers in
            var bits: UInt32 = 0
            for index in 0..<count {
                let number = number(index)
                numbers.initializeElement(at: index, to: number)
                bits |= number
            }
            encodeColumn(UnsafePointer(numbers.baseAddress!), count: count, bits: bits)
        }
    }

    /// - Parameter bits: All numbers or'ed together: as wide as the widest.
    private mutating func encodeColumn(_ numbers: UnsafePointer<UInt32>, count: Int, bits: UInt32) {
        switch bits {
        case 0...0xFF: appendNarrowed(numbers, count: count, as: UInt8.self)
        case 0...0xFFFF: appendNarrowed(numbers, count: count, as: UInt16.self)
        default: appendNarrowed(numbers, count: count, as: UInt32.self)
        }
    }

    private mutating func appendNarrowed<Number: FixedWidthInteger & BitwiseCopyable>(
        _ numbers: UnsafePointer<UInt32>,
        count: Int,
        as type: Number.Type
    ) {
        encode(UInt8(MemoryLayout<Number>.size))
        withUnsafeTemporaryAllocation(of: Number.self, capacity: count) { narrowed in
            for index in 0..<count {
                narrowed.initializeElement(at: index, to: Number(truncatingIfNeeded: numbers[index]).littleEndian)
            }
            append(contentsOf: UnsafeRawBufferPointer(narrowed))
        }
    }
}

extension StateDecoder {
    /// Reads the numbers of a column.
    ///
    /// - Parameters:
    ///   - limit: The largest number that a sound model can have here.
    ///   - what: Names the numbers in the error.
    mutating func decodeColumn(_ count: Int, atMost limit: Int, _ what: String) throws(CheckpointError) -> [UInt32] {
        let width = Int(try decodeUInt8())
        let numbers: (all: [UInt32], largest: UInt32)
        switch width {
        case 1: numbers = try decodeWidened(count, from: UInt8.self)
        case 2: numbers = try decodeWidened(count, from: UInt16.self)
        case 4: numbers = try decodeWidened(count, from: UInt32.self)
        default: throw .damaged("\(what) have \(width) bytes each, expected 1, 2 or 4")
        }
        guard Int(numbers.largest) <= limit else {
            throw .damaged("\(what): \(numbers.largest), expected at most \(limit)")
        }
        return numbers.all
    }

    private mutating func decodeWidened<Number: FixedWidthInteger & BitwiseCopyable>(
        _ count: Int,
        from type: Number.Type
    ) throws(CheckpointError) -> (all: [UInt32], largest: UInt32) {
        guard count <= remaining / MemoryLayout<Number>.size else {
            throw .truncated(at: offset, needed: count * MemoryLayout<Number>.size)
        }
        return try withBytes(count * MemoryLayout<Number>.size) { bytes in
            guard count > 0, let source = UnsafeRawPointer(bytes.baseAddress) else {
                return ([], 0)
            }
            // Of the narrow numbers, which takes the fewest steps.
            var largest: Number = 0
            let numbers = [UInt32](unsafeUninitializedCapacity: count) { numbers, initialized in
                for index in 0..<count {
                    let offset = index * MemoryLayout<Number>.size
                    let number = Number(littleEndian: source.loadUnaligned(fromByteOffset: offset, as: Number.self))
                    numbers.initializeElement(at: index, to: UInt32(truncatingIfNeeded: number))
                    largest = max(largest, number)
                }
                initialized = count
            }
            return (numbers, UInt32(truncatingIfNeeded: largest))
        }
    }
}
