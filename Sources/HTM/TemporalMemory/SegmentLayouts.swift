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
