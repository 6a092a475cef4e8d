// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Two bytes per cell, one per permanence: for at most 65,536 cells and 127 synapses per segment.
enum CompactLayout: SegmentLayout {
    typealias Cell = UInt16
    typealias Small = UInt8
    typealias Counter = UInt8
    typealias Rule = CodedPermanence

    static let idleScratch = IdleScratch<CompactLayout>()

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
        _ setCounters: UnsafeMutablePointer<UInt8>,
        _ counters: UnsafeMutablePointer<UInt8>,
        _ cells: CellTable,
        _ places: UnsafeBufferPointer<UInt32>
    ) {
        let count = Int32(truncatingIfNeeded: places.count)
        ck_count(setCounters, counters, cells.entries.base, cells.lists.base, places.baseAddress, count)
    }

    @inline(__always)
    static func activeBits(
        _ cells: UnsafeBufferPointer<UInt16>,
        in active: ColumnCellSet,
        _ shape: CellShape,
        level: KernelLevel
    ) -> UInt64 {
        guard shape.cellsPerColumn == 32 else {
            return activeBitsOneByOne(cells, in: active, shape)
        }
        return ck_active_bits(
            level.kernel,
            cells.baseAddress,
            Int32(truncatingIfNeeded: cells.count),
            UnsafePointer(active.words.base)
        )
    }

    @inline(__always)
    static func activeRanks(
        _ cells: UnsafeBufferPointer<UInt16>,
        in active: ColumnCellSet,
        ranks: UnsafePointer<UInt16>,
        wanted: UInt64,
        _ shape: CellShape,
        level: KernelLevel
    ) -> (ranks: UInt64, cells: UInt64) {
        guard shape.cellsPerColumn == 32 else {
            return activeRanksOneByOne(cells, in: active, ranks: ranks, wanted: wanted, shape)
        }
        var lanes: UInt64 = 0
        let found = ck_active_ranks(
            level.kernel,
            cells.baseAddress,
            Int32(truncatingIfNeeded: cells.count),
            UnsafePointer(active.words.base),
            ranks,
            wanted,
            &lanes
        )
        return (found, lanes)
    }

    @inline(__always)
    static func step(
        _ permanences: UnsafeMutablePointer<UInt8>,
        count: Int,
        up: UInt64,
        rule: CodedPermanence,
        level: KernelLevel
    ) -> (removed: UInt64, connected: UInt64) {
        var connected: UInt64 = 0
        let removed = ck_step_codes(
            level.kernel,
            permanences,
            Int32(truncatingIfNeeded: count),
            up,
            rule.steps,
            rule.firstConnected,
            &connected
        )
        return (removed, connected)
    }

    @inline(__always)
    static func findActive(
        _ pool: SegmentPool<CompactLayout>,
        sets: UnsafeBufferPointer<UInt32>,
        counters: UnsafePointer<UInt8>,
        active: UnsafePointer<UInt32>,
        threshold: Int,
        level: KernelLevel,
        into found: inout GrowableBuffer<ck_active_segment>
    ) -> Bool {
        var next: Int32 = 0
        while next < sets.count {
            // Room for the next set's segments and one more, which is written before it is known whether it counts.
            let needed = Int(pool.sets.records[Int(sets[Int(next)])].segment_count) + 1
            found.reserve(found.count + max(needed, 128))
            let count = ck_find_active(
                level.kernel,
                sets.baseAddress,
                Int32(truncatingIfNeeded: sets.count),
                pool.sets.records.base,
                pool.sets.cells.base,
                active,
                pool.sources.base,
                counters,
                UInt32(truncatingIfNeeded: threshold),
                found.base + found.count,
                Int32(truncatingIfNeeded: found.capacity - found.count),
                &next
            )
            found.extend(by: Int(count))
        }
        return true
    }

    @inline(__always)
    static func connectedActivity(
        _ sources: ck_sources,
        setCells: UInt64,
        extras: UnsafePointer<UInt16>,
        permanences: UnsafePointer<UInt8>,
        active: UnsafePointer<UInt32>,
        rule: CodedPermanence,
        level: KernelLevel
    ) -> Int? {
        Int(
            ck_connected_activity(
                level.kernel,
                sources.mask,
                setCells,
                extras,
                Int32(sources.extras),
                active,
                permanences,
                rule.firstConnected
            )
        )
    }

    @inline(__always)
    static func decodePermanences(
        into permanences: UnsafeMutablePointer<UInt8>,
        count: Int,
        from reader: inout ByteStreamReader,
        rule: CodedPermanence,
        level: KernelLevel
    ) -> Int? {
        let codes = reader.unread
        guard count > 0, codes.count >= count, let first = codes.baseAddress else {
            return count == 0 ? 0 : nil
        }
        let connected = ck_take_codes(
            level.kernel,
            first,
            Int32(truncatingIfNeeded: count),
            rule.firstConnected,
            rule.codeCount,
            permanences
        )
        guard connected >= 0 else {
            return nil
        }
        reader.skip(count)
        return Int(connected)
    }

    @inline(__always)
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

    static let idleScratch = IdleScratch<WideLayout>()

    static func count(
        _ setCounters: UnsafeMutablePointer<UInt8>,
        _ counters: UnsafeMutablePointer<UInt16>,
        _ cells: CellTable,
        _ places: UnsafeBufferPointer<UInt32>
    ) {
        let count = Int32(truncatingIfNeeded: places.count)
        ck_count(setCounters, nil, cells.entries.base, cells.lists.base, places.baseAddress, count)
        for place in places {
            let entry = cells.entries[Int(place)]
            let segments = cells.extraList(entry)
            for index in 0..<Int(entry.extra_count) {
                counters[Int(segments[index])] += 1
            }
        }
    }

    static func activeBits(
        _ cells: UnsafeBufferPointer<UInt32>,
        in active: ColumnCellSet,
        _ shape: CellShape,
        level: KernelLevel
    ) -> UInt64 {
        activeBitsOneByOne(cells, in: active, shape)
    }

    static func activeRanks(
        _ cells: UnsafeBufferPointer<UInt32>,
        in active: ColumnCellSet,
        ranks: UnsafePointer<UInt16>,
        wanted: UInt64,
        _ shape: CellShape,
        level: KernelLevel
    ) -> (ranks: UInt64, cells: UInt64) {
        activeRanksOneByOne(cells, in: active, ranks: ranks, wanted: wanted, shape)
    }

    static func step(
        _ permanences: UnsafeMutablePointer<Float>,
        count: Int,
        up: UInt64,
        rule: FloatPermanence,
        level: KernelLevel
    ) -> (removed: UInt64, connected: UInt64) {
        var (removed, connected): (UInt64, UInt64) = (0, 0)
        for lane in 0..<count {
            let bit: UInt64 = 1 << UInt64(truncatingIfNeeded: lane)
            guard let stepped = up & bit != 0 ? rule.increased(permanences[lane]) : rule.decreased(permanences[lane])
            else {
                removed |= bit
                continue
            }
            permanences[lane] = stepped
            connected |= rule.isConnected(stepped) ? bit : 0
        }
        return (removed, connected)
    }

    static func findActive(
        _ pool: SegmentPool<WideLayout>,
        sets: UnsafeBufferPointer<UInt32>,
        counters: UnsafePointer<UInt16>,
        active: UnsafePointer<UInt32>,
        threshold: Int,
        level: KernelLevel,
        into found: inout GrowableBuffer<ck_active_segment>
    ) -> Bool {
        false
    }

    static func connectedActivity(
        _ sources: ck_sources,
        setCells: UInt64,
        extras: UnsafePointer<UInt32>,
        permanences: UnsafePointer<Float>,
        active: UnsafePointer<UInt32>,
        rule: FloatPermanence,
        level: KernelLevel
    ) -> Int? {
        nil
    }

    static func decodePermanences(
        into permanences: UnsafeMutablePointer<Float>,
        count: Int,
        from reader: inout ByteStreamReader,
        rule: FloatPermanence,
        level: KernelLevel
    ) -> Int? {
        var connected = 0
        for index in 0..<count {
            guard let stored = rule.decode(from: &reader) else {
                return nil
            }
            permanences[index] = stored
            connected += rule.isConnected(stored) ? 1 : 0
        }
        return reader.hasFailed ? nil : connected
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
