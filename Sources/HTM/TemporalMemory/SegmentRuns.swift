// SPDX-License-Identifier: Apache-2.0

import CKernels

/// The runs of reinforced segments, in one arena.
///
/// A run begins with a header; then come the permanences of the segment's lanes, then the sources of its extras. It is named by where it
/// begins, in units of four bytes.
struct SegmentRuns<Layout: SegmentLayout> {
    typealias Cell = Layout.Cell
    typealias Stored = Layout.Rule.Stored

    struct Header: BitwiseCopyable {
        var lastActiveIteration: UInt32
        /// Synapses whose permanence is connected.
        var connected: Layout.Small
        /// Of the run.
        fileprivate var units: Layout.Small
    }

    private static var bytesPerUnit: Int { 4 }
    /// Kernels read so many units beyond the last.
    private static var margin: Int { 4 }

    private var arena = GrowableBuffer<UInt32>()
    private var allocator = BlockAllocator()

    mutating func deallocate() { arena.deallocate() }

    func copy() -> SegmentRuns {
        var other = self
        other.arena = arena.copy()
        other.arena.reserve(arena.count + Self.margin)
        return other
    }

    var byteCount: Int { arena.byteCount }

    // MARK: Parts of a run

    @inline(__always)
    private func base(_ run: UInt32) -> UnsafeMutableRawPointer { UnsafeMutableRawPointer(arena.base + Int(run)) }

    @inline(__always)
    func header(_ run: UInt32) -> UnsafeMutablePointer<Header> { base(run).assumingMemoryBound(to: Header.self) }

    @inline(__always)
    func permanences(_ run: UInt32) -> UnsafeMutablePointer<Stored> {
        base(run).advanced(by: Self.permanencesOffset).assumingMemoryBound(to: Stored.self)
    }

    /// Where the sources of the extras are, behind the permanences of all lanes.
    @inline(__always)
    func extras(_ run: UInt32, lanes: Int) -> UnsafeMutablePointer<Cell> {
        base(run).advanced(by: Self.extrasOffset(lanes: lanes)).assumingMemoryBound(to: Cell.self)
    }

    /// Asks for the beginning of a run.
    @inline(__always)
    func prefetch(_ run: UInt32) { ck_prefetch(arena.base + Int(run)) }

    @inline(__always)
    private static var permanencesOffset: Int {
        let alignment = MemoryLayout<Stored>.alignment
        return (MemoryLayout<Header>.size + alignment - 1) & ~(alignment - 1)
    }

    @inline(__always)
    private static func extrasOffset(lanes: Int) -> Int {
        let alignment = MemoryLayout<Cell>.alignment
        return (permanencesOffset + lanes * MemoryLayout<Stored>.stride + alignment - 1) & ~(alignment - 1)
    }

    @inline(__always)
    private static func unitsNeeded(lanes: Int, extras: Int) -> Int {
        (extrasOffset(lanes: lanes) + extras * MemoryLayout<Cell>.stride + bytesPerUnit - 1) / bytesPerUnit
    }

    // MARK: Room

    /// Makes room for runs, in an arena without any.
    ///
    /// - Parameters:
    ///   - permanences: Of all runs together.
    ///   - extras: Of all runs together.
    mutating func reserve(_ count: Int, permanences: Int, extras: Int) {
        // Runs are rounded up to a unit.
        let bytes =
            permanences * MemoryLayout<Stored>.stride + extras * MemoryLayout<Cell>.stride
            + count * (Self.permanencesOffset + 2)
        arena.reserve(bytes / Self.bytesPerUnit + Self.margin)
    }

    /// A new run, none of whose synapses counts as connected yet.
    mutating func open(lanes: Int, extras: Int, lastActiveIteration: UInt32) -> UInt32 {
        allocate(
            Self.unitsNeeded(lanes: lanes, extras: extras),
            Header(lastActiveIteration: lastActiveIteration, connected: 0, units: 0)
        )
    }

    /// Sees to room for so much and little more; what is behind the header is lost when the run moves.
    ///
    /// - Returns: The run, or the one in its place.
    mutating func fit(_ run: UInt32, lanes: Int, extras: Int) -> UInt32 {
        let needed = Self.unitsNeeded(lanes: lanes, extras: extras)
        let header = header(run).pointee
        guard Int(header.units) < needed || Int(header.units) > needed + 1 else {
            return run
        }
        free(run)
        return allocate(needed, header)
    }

    mutating func free(_ run: UInt32) { allocator.free(run, units: Int(header(run).pointee.units)) }

    private mutating func allocate(_ needed: Int, _ header: Header) -> UInt32 {
        let (run, units) = allocator.allocate(needed)
        if arena.count < allocator.end {
            arena.reserve(allocator.end + Self.margin)
            arena.extend(by: allocator.end - arena.count)
        }
        var header = header
        header.units = Layout.Small(units)
        self.header(run).initialize(to: header)
        return run
    }
}
