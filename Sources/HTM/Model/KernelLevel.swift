// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Which instructions the C kernels may use. All levels give the same bits; a model takes the best by default.
package enum KernelLevel: Sendable, CaseIterable {
    /// What every machine of the architecture has.
    case baseline
    /// x86-64 with AVX2 and BMI2.
    case avx2
    /// x86-64 with AVX-512 F, BW, VL and VPOPCNTDQ.
    case avx512

    /// The best level of this processor.
    package static var best: KernelLevel {
        switch ck_best_level() {
        case CK_AVX512: .avx512
        case CK_AVX2: .avx2
        default: .baseline
        }
    }

    /// The levels this processor can run.
    package static var available: [KernelLevel] {
        switch best {
        case .avx512: [.baseline, .avx2, .avx512]
        case .avx2: [.baseline, .avx2]
        case .baseline: [.baseline]
        }
    }

    /// The bits of a mask in new places: from where `source` has its n-th bit to where `target` has its n-th.
    @inline(__always)
    func move(_ bits: UInt64, from source: UInt64, to target: UInt64) -> UInt64 {
        ck_move_bits(kernel, bits, source, target)
    }

    var kernel: ck_level {
        switch self {
        case .baseline: CK_BASELINE
        case .avx2: CK_AVX2
        case .avx512: CK_AVX512
        }
    }
}
