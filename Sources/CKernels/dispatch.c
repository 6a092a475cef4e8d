// SPDX-License-Identifier: Apache-2.0
#include "kernels.h"

ck_level ck_best_level(void) {
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2")) {
        return CK_BASELINE;
    }
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vpopcntdq")) {
        return CK_AVX512;
    }
    return CK_AVX2;
#else
    return CK_BASELINE;
#endif
}
