// SPDX-License-Identifier: Apache-2.0

import CAllocator
import CSystem
import CZstd
import Glibc
import HTM

/// CPU time of this thread. Unit: seconds.
func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// CPU time of a piece of work. Unit: seconds.
func cpuTime(_ body: () throws -> Void) rethrows -> Double {
    let start = cpuSeconds()
    try body()
    return cpuSeconds() - start
}

/// Bytes the allocator has handed out and not got back.
func allocatedBytes() -> Int {
    Int(ca_allocated_bytes())
}

/// Memory of this process that no file is behind, without what the allocator would give back by itself within seconds. Unit: bytes.
func residentBytes() -> Int {
    cs_return_memory()
    return Int(cs_anonymous_bytes())
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
}

/// FNV-1a over the scores' bit patterns, so that two runs can be compared at a glance.
func hash(_ scores: [Double]) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for score in scores {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            hash = (hash ^ (score.bitPattern >> shift & 0xFF)) &* 0x100_0000_01B3
        }
    }
    return String(hash, radix: 16)
}

/// What zstd makes of a model's state, as checkpoints in a database have it, and how long both directions take.
func compress(_ bytes: [UInt8]) -> (compressed: [UInt8], seconds: Double) {
    var compressed = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let start = cpuSeconds()
    let count = czstd_compress_state(&compressed, compressed.count, bytes, bytes.count)
    let seconds = cpuSeconds() - start
    precondition(ZSTD_isError(count) == 0, "zstd can't compress")
    compressed.removeLast(compressed.count - count)
    return (compressed, seconds)
}

func decompress(_ bytes: [UInt8], count: Int) -> (bytes: [UInt8], seconds: Double) {
    var result = [UInt8](repeating: 0, count: count)
    let start = cpuSeconds()
    let size = ZSTD_decompress(&result, count, bytes, bytes.count)
    precondition(size == count, "zstd gives other bytes back")
    return (result, cpuSeconds() - start)
}

/// Nanoseconds per increment of a counter in a 43,000-byte table through lists of 16-bit numbers: the unit that the model's work
/// is mostly made of. Speeds of different runs and machines compare through it.
func calibration() -> Double {
    var random = RandomGenerator(seed: 9)
    let ids = (0..<60_000).map { _ in UInt16(random.uint32(below: 43_000)) }
    var counters = [UInt8](repeating: 0, count: 1 << 16)
    var times: [Double] = []
    for _ in 0..<200 {
        times.append(
            cpuTime {
                counters.withUnsafeMutableBufferPointer { counters in
                    for id in ids {
                        counters[Int(id)] &+= 1
                    }
                }
            }
        )
    }
    precondition(counters.contains { $0 > 0 })
    return median(times) / Double(ids.count) * 1e9
}

func text(_ value: Double, _ digits: Int = 1) -> String {
    let scale = pow(10, Double(digits))
    let rounded = (value * scale).rounded() / scale
    return digits == 0 ? "\(Int(rounded))" : "\(rounded)"
}
