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
    static func increment(_ counters: UnsafeMutablePointer<UInt8>, _ ids: UnsafePointer<UInt16>, _ count: Int) {
        ck_increment(counters, ids, Int32(truncatingIfNeeded: count))
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

    static func increment(_ counters: UnsafeMutablePointer<UInt16>, _ ids: UnsafePointer<UInt16>, _ count: Int) {
        for index in 0..<count {
            counters[Int(ids[index])] &+= 1
        }
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
