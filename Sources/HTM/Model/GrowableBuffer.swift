// SPDX-License-Identifier: Apache-2.0

import CKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A growable run of plain values without an owner: the part that holds it frees and copies it by hand.
///
/// Unlike an array it grows by an eighth or less, because a model's memory is mostly such buffers, and reaches its elements without
/// uniqueness and bounds checks. Whoever holds one keeps value semantics by copying before a shared write.
struct GrowableBuffer<Element: BitwiseCopyable> {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private(set) var capacity = 0

    /// No elements, no memory.
    init() {
        // Never dereferenced while empty; a fixed, aligned, non-null address.
        base = UnsafeMutablePointer(bitPattern: MemoryLayout<Element>.alignment)!
    }

    /// `count` copies of `element`.
    init(repeating element: Element, count: Int) {
        self.init()
        resize(to: count, filling: element)
    }

    @inline(__always)
    subscript(index: Int) -> Element {
        get {
            assert(index >= 0 && index < count, "index outside the buffer")
            return base[index]
        }
        nonmutating set {
            assert(index >= 0 && index < count, "index outside the buffer")
            base[index] = newValue
        }
    }

    @inline(__always)
    var isEmpty: Bool { count == 0 }

    /// Bytes taken from the allocator.
    var byteCount: Int { capacity * MemoryLayout<Element>.stride }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity {
            grow(to: count + 1)
        }
        base[count] = element
        count += 1
    }

    mutating func append(contentsOf elements: UnsafePointer<Element>, count added: Int) {
        reserve(count + added)
        (base + count).update(from: elements, count: added)
        count += added
    }

    /// Makes room for `wanted` elements in all.
    @inline(__always)
    mutating func reserve(_ wanted: Int) {
        if wanted > capacity {
            grow(to: wanted)
        }
    }

    @inline(never)
    private mutating func grow(to wanted: Int) {
        // A model's memory is mostly its larger buffers: small steps cost them little time and save more than they take.
        let step = capacity / (byteCount > 1 << 17 ? 32 : byteCount > 1 << 14 ? 16 : 8)
        reallocate(max(wanted, capacity + step, 8))
    }

    /// Takes as much as the allocator gives: its sizes are further apart than our steps.
    private mutating func reallocate(_ newCapacity: Int) {
        base = resized(capacity == 0 ? nil : base, from: byteCount, to: newCapacity * MemoryLayout<Element>.stride)
            .assumingMemoryBound(to: Element.self)
        capacity = ck_usable_size(base) / MemoryLayout<Element>.stride
    }

    /// Lengthens with `element`, or cuts.
    mutating func resize(to newCount: Int, filling element: Element) {
        reserve(newCount)
        if newCount > count {
            (base + count).update(repeating: element, count: newCount - count)
        }
        count = newCount
    }

    /// Replaces everything by `count` copies of `element`.
    @inline(__always)
    mutating func refill(with element: Element, count newCount: Int) {
        reserve(newCount)
        count = newCount
        for index in 0..<newCount {
            base[index] = element
        }
    }

    /// Counts elements as appended that were written behind the last one, within the reserved room.
    mutating func extend(by added: Int) {
        assert(count + added <= capacity, "elements beyond the reserved room")
        count += added
    }

    @inline(__always)
    mutating func removeAll() {
        count = 0
    }

    /// Removes and returns the last element.
    @inline(__always)
    mutating func removeLast() -> Element {
        assert(count > 0, "nothing to remove")
        count -= 1
        return base[count]
    }

    /// A buffer of the same elements and just their size.
    func copy() -> GrowableBuffer {
        var other = GrowableBuffer()
        if count > 0 {
            other.reallocate(count)
            other.base.update(from: base, count: count)
            other.count = count
        }
        return other
    }

    mutating func deallocate() {
        if capacity > 0 {
            free(base)
        }
        self = GrowableBuffer()
    }

    var elements: UnsafeBufferPointer<Element> {
        UnsafeBufferPointer(start: UnsafePointer(base), count: count)
    }
}

/// `realloc`, but faster for small blocks: the C library hands those out from a list of the thread's own, which its `realloc` passes by.
///
/// - Parameters:
///   - block: `nil` if there is none yet.
///   - newSize: Above 0. Unit: bytes.
func resized(_ block: UnsafeMutableRawPointer?, from size: Int, to newSize: Int) -> UnsafeMutableRawPointer {
    guard let block, newSize <= 1024 else {
        guard let memory = realloc(block, newSize) else {
            fatalError("out of memory: a model needs \(newSize) bytes")
        }
        return memory
    }
    guard let memory = malloc(newSize) else {
        fatalError("out of memory: a model needs \(newSize) bytes")
    }
    memory.copyMemory(from: block, byteCount: min(size, newSize))
    free(block)
    return memory
}
