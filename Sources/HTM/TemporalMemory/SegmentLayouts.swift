// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Two bytes per source cell, one per permanence, 24 per segment: for at most 65,536 cells and 127 synapses per segment.
enum CompactLayout: SegmentLayout {
    typealias Cell = UInt16
    typealias Small = UInt8
    typealias Counter = UInt8
    typealias Rule = CodedPermanence

    /// Whether parameters fit.
    static func fits(_ parameters: BacktrackingParameters) -> Bool {
        parameters.columnCount * parameters.cellsPerColumn <= 1 << 16
            && (parameters.maxSynapsesPerSegment ?? .max) <= 127
            && (parameters.maxSegmentsPerCell ?? .max) <= 255
            && min(parameters.minThreshold, parameters.activationThreshold) <= 127
            && CodedPermanence(parameters) != nil
    }

    @inline(__always)
    static func count(
        _ counters: UnsafeMutablePointer<UInt8>,
        heads: UnsafePointer<ck_list>,
        ids: UnsafePointer<UInt16>,
        positions: UnsafeBufferPointer<UInt32>
    ) {
        ck_count(counters, heads, ids, positions.baseAddress, Int32(truncatingIfNeeded: positions.count))
    }

    @inline(__always)
    static func connectedActivity(
        _ synapses: Synapses<CompactLayout>,
        rule: CodedPermanence,
        active: UnsafePointer<UInt32>,
        level: KernelLevel
    ) -> Int? {
        Int(
            ck_connected_activity(
                level.kernel,
                synapses.sources,
                synapses.permanences,
                Int32(truncatingIfNeeded: synapses.count),
                rule.firstConnected,
                active
            )
        )
    }

    @inline(__always)
    private static func kernelPattern(_ pattern: LearningPattern<CompactLayout>) -> ck_pattern {
        ck_pattern(
            cells: pattern.cells,
            ranks: pattern.ranks,
            count: Int32(truncatingIfNeeded: pattern.count),
            column_shift: Int32(truncatingIfNeeded: pattern.columnShift)
        )
    }

    @inline(__always)
    static func patternHits(
        _ synapses: Synapses<CompactLayout>,
        _ pattern: LearningPattern<CompactLayout>,
        level: KernelLevel
    ) -> UInt64? {
        var pattern = kernelPattern(pattern)
        return ck_pattern_hits(level.kernel, synapses.sources, Int32(truncatingIfNeeded: synapses.count), &pattern)
    }

    @inline(__always)
    static func reinforce(
        _ synapses: Synapses<CompactLayout>,
        _ pattern: LearningPattern<CompactLayout>,
        update: UInt64,
        rule: CodedPermanence,
        level: KernelLevel
    ) -> Reinforcement? {
        var pattern = kernelPattern(pattern)
        var connected: Int32 = 0
        var removed: Int32 = 0
        let hits = ck_reinforce(
            level.kernel,
            synapses.sources,
            synapses.permanences,
            Int32(truncatingIfNeeded: synapses.count),
            &pattern,
            update,
            rule.steps,
            rule.firstConnected,
            &connected,
            &removed
        )
        return Reinforcement(hits: hits, connected: Int(connected), removed: Int(removed))
    }

    @inline(__always)
    static func encode(
        _ sources: UnsafePointer<UInt16>,
        count: Int,
        _ shape: CellShape,
        columns: inout ByteStream,
        cells: inout ByteStream
    ) {
        guard shape.fitsKernels else {
            return encodeOneByOne(sources, count: count, shape, columns: &columns, cells: &cells)
        }
        let (size, shift) = (Int32(truncatingIfNeeded: count), Int32(truncatingIfNeeded: shape.columnShift))
        columns.append(atMost: 3 * count + 1) { ck_encode_columns(sources, size, shift, $0) }
        cells.append(atMost: count) { address in
            ck_encode_cells(sources, size, shift, address)
            return address + count
        }
    }

    @inline(__always)
    static func decode(
        into synapses: Synapses<CompactLayout>,
        from readers: inout SynapseReaders,
        _ shape: CellShape,
        rule: CodedPermanence,
        counts: UnsafeMutablePointer<UInt16>
    ) -> Int? {
        guard shape.fitsKernels else {
            return decodeOneByOne(into: synapses, from: &readers, shape, rule: rule, counts: counts)
        }
        let (columns, cells, codes) = (readers.columns.unread, readers.cells.unread, readers.permanences.unread)
        guard let firstColumn = columns.baseAddress, let firstCell = cells.baseAddress,
            let firstCode = codes.baseAddress,
            codes.count >= synapses.count
        else {
            return nil
        }
        var streams = ck_source_streams(
            columns: firstColumn,
            columns_end: firstColumn + columns.count,
            cells: firstCell,
            cells_end: firstCell + cells.count
        )
        let size = Int32(truncatingIfNeeded: synapses.count)
        let isSound = ck_decode_sources(
            &streams,
            size,
            Int32(truncatingIfNeeded: shape.columnCount),
            Int32(truncatingIfNeeded: shape.columnShift),
            synapses.sources,
            counts
        )
        let connected = ck_count_codes(firstCode, size, rule.firstConnected, UInt8(truncatingIfNeeded: rule.codeCount))
        guard isSound != 0, connected >= 0 else {
            return nil
        }
        synapses.permanences.update(from: firstCode, count: synapses.count)
        readers.columns.skip(streams.columns - firstColumn)
        readers.cells.skip(synapses.count)
        readers.permanences.skip(synapses.count)
        return Int(connected)
    }

    @inline(__always)
    static func isRemoved(_ stored: UInt8) -> Bool {
        stored == CodedPermanence.removed
    }

    static func collect(
        _ counters: UnsafeMutablePointer<UInt8>,
        count: Int,
        threshold: Int,
        level: KernelLevel,
        into indices: inout GrowableBuffer<UInt32>
    ) {
        indices.removeAll()
        let chunk: Int32 = 256
        var start: Int32 = 0
        while start < count {
            indices.reserve(indices.count + Int(chunk))
            let found = ck_collect(
                level.kernel,
                counters,
                start,
                Int32(count),
                UInt8(threshold),
                indices.base + indices.count,
                chunk,
                &start
            )
            indices.extend(by: Int(found))
        }
    }
}

/// Four bytes per cell and permanence: whatever the parameters allow.
enum WideLayout: SegmentLayout {
    typealias Cell = UInt32
    typealias Small = UInt16
    typealias Counter = UInt16
    typealias Rule = FloatPermanence

    static func count(
        _ counters: UnsafeMutablePointer<UInt16>,
        heads: UnsafePointer<ck_list>,
        ids: UnsafePointer<UInt16>,
        positions: UnsafeBufferPointer<UInt32>
    ) {
        for position in positions {
            let head = heads[Int(position)]
            let list = ids + 4 * Int(head.start)
            for index in 0..<Int(head.count) {
                counters[Int(list[index])] &+= 1
            }
        }
    }

    static func connectedActivity(
        _ synapses: Synapses<WideLayout>,
        rule: FloatPermanence,
        active: UnsafePointer<UInt32>,
        level: KernelLevel
    ) -> Int? {
        nil
    }

    static func patternHits(
        _ synapses: Synapses<WideLayout>,
        _ pattern: LearningPattern<WideLayout>,
        level: KernelLevel
    ) -> UInt64? {
        nil
    }

    static func reinforce(
        _ synapses: Synapses<WideLayout>,
        _ pattern: LearningPattern<WideLayout>,
        update: UInt64,
        rule: FloatPermanence,
        level: KernelLevel
    ) -> Reinforcement? {
        nil
    }

    static func encode(
        _ sources: UnsafePointer<UInt32>,
        count: Int,
        _ shape: CellShape,
        columns: inout ByteStream,
        cells: inout ByteStream
    ) {
        encodeOneByOne(sources, count: count, shape, columns: &columns, cells: &cells)
    }

    static func decode(
        into synapses: Synapses<WideLayout>,
        from readers: inout SynapseReaders,
        _ shape: CellShape,
        rule: FloatPermanence,
        counts: UnsafeMutablePointer<UInt16>
    ) -> Int? {
        decodeOneByOne(into: synapses, from: &readers, shape, rule: rule, counts: counts)
    }

    static func isRemoved(_ stored: Float) -> Bool {
        false
    }

    static func collect(
        _ counters: UnsafeMutablePointer<UInt16>,
        count: Int,
        threshold: Int,
        level: KernelLevel,
        into indices: inout GrowableBuffer<UInt32>
    ) {
        indices.removeAll()
        for index in 0..<count where counters[index] >= threshold {
            indices.append(UInt32(index))
        }
    }
}
