// SPDX-License-Identifier: Apache-2.0
// Shared by the kernels' files; not visible to Swift.
#ifndef HTMENGINE_KERNELS_H
#define HTMENGINE_KERNELS_H

#include <math.h>
#include <string.h>

#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define CK_TARGET_AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt")))
#define CK_TARGET_AVX512 __attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi,bmi2,popcnt,lzcnt")))
#endif

#endif
