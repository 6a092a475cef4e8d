// SPDX-License-Identifier: Apache-2.0
// Counting the active synapses of segments through presynaptic lists.
#include "kernels.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

void ck_increment(uint8_t *counters, const uint16_t *ids, int32_t count) {
    int32_t i = 0;
    // Four ids a load: the loop is bound by its loads and stores, so fewer of them is what counts.
    for (; i + 8 <= count; i += 8) {
        uint64_t a, b;
        memcpy(&a, ids + i, 8);
        memcpy(&b, ids + i + 4, 8);
        counters[a & 0xFFFF]++;
        counters[a >> 16 & 0xFFFF]++;
        counters[a >> 32 & 0xFFFF]++;
        counters[a >> 48]++;
        counters[b & 0xFFFF]++;
        counters[b >> 16 & 0xFFFF]++;
        counters[b >> 32 & 0xFFFF]++;
        counters[b >> 48]++;
    }
    for (; i < count; i++) {
        counters[ids[i]]++;
    }
}

static inline __attribute__((always_inline)) int32_t collect_tail(const uint8_t *counters, int32_t start, int32_t count,
                                                                  uint8_t threshold, uint32_t *indices, int32_t capacity,
                                                                  int32_t found, int32_t *next) {
    int32_t i = start;
    for (; i < count && found < capacity; i++) {
        if (counters[i] >= threshold) {
            indices[found++] = (uint32_t)i;
        }
    }
    *next = i;
    return found;
}

static int32_t collect_baseline(const uint8_t *counters, int32_t start, int32_t count, uint8_t threshold,
                                uint32_t *indices, int32_t capacity, int32_t *next) {
    const uint64_t high = 0x8080808080808080u;
    const uint64_t lift = 0x0101010101010101u * (uint64_t)(128 - threshold);
    int32_t found = 0;
    int32_t i = start;
    for (; i + 8 <= count && found + 8 <= capacity; i += 8) {
        uint64_t eight;
        memcpy(&eight, counters + i, 8);
        // A byte's top bit is set when its low seven bits reach the threshold, or when it was set to begin with.
        if ((((eight & ~high) + lift) | eight) & high) {
            for (int32_t k = i; k < i + 8; k++) {
                if (counters[k] >= threshold) {
                    indices[found++] = (uint32_t)k;
                }
            }
        }
    }
    if (i + 8 <= count) {
        *next = i;
        return found;
    }
    return collect_tail(counters, i, count, threshold, indices, capacity, found, next);
}

#if defined(__x86_64__)
CK_TARGET_AVX2
static int32_t collect_avx2(const uint8_t *counters, int32_t start, int32_t count, uint8_t threshold, uint32_t *indices,
                            int32_t capacity, int32_t *next) {
    const __m256i limit = _mm256_set1_epi8((char)threshold);
    int32_t found = 0;
    int32_t i = start;
    for (; i + 32 <= count && found + 32 <= capacity; i += 32) {
        __m256i values = _mm256_loadu_si256((const __m256i *)(counters + i));
        uint32_t mask = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(values, limit), values));
        while (mask != 0) {
            indices[found++] = (uint32_t)(i + __builtin_ctz(mask));
            mask &= mask - 1;
        }
    }
    if (i + 32 <= count) {
        *next = i;
        return found;
    }
    return collect_tail(counters, i, count, threshold, indices, capacity, found, next);
}

CK_TARGET_AVX512
static int32_t collect_avx512(const uint8_t *counters, int32_t start, int32_t count, uint8_t threshold,
                              uint32_t *indices, int32_t capacity, int32_t *next) {
    const __m512i limit = _mm512_set1_epi8((char)threshold);
    int32_t found = 0;
    int32_t i = start;
    for (; i + 64 <= count && found + 64 <= capacity; i += 64) {
        uint64_t mask = _mm512_cmpge_epu8_mask(_mm512_loadu_si512(counters + i), limit);
        while (mask != 0) {
            indices[found++] = (uint32_t)(i + __builtin_ctzll(mask));
            mask &= mask - 1;
        }
    }
    if (i + 64 <= count) {
        *next = i;
        return found;
    }
    return collect_tail(counters, i, count, threshold, indices, capacity, found, next);
}
#endif

int32_t ck_collect(ck_level level, const uint8_t *counters, int32_t start, int32_t count, uint8_t threshold,
                   uint32_t *indices, int32_t capacity, int32_t *next) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        return collect_avx512(counters, start, count, threshold, indices, capacity, next);
    }
    if (level == CK_AVX2) {
        return collect_avx2(counters, start, count, threshold, indices, capacity, next);
    }
#endif
    return collect_baseline(counters, start, count, threshold, indices, capacity, next);
}

int32_t ck_find(const uint16_t *ids, int32_t count, uint16_t id) {
    int32_t i = 0;
#if defined(__SSE2__)
    const __m128i wanted = _mm_set1_epi16((int16_t)id);
    for (; i + 8 <= count; i += 8) {
        int mask = _mm_movemask_epi8(_mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *)(ids + i)), wanted));
        if (mask != 0) {
            return i + __builtin_ctz((unsigned)mask) / 2;
        }
    }
#elif defined(__ARM_NEON)
    const uint16x8_t wanted = vdupq_n_u16(id);
    for (; i + 8 <= count; i += 8) {
        uint16x8_t equal = vceqq_u16(vld1q_u16(ids + i), wanted);
        if (vmaxvq_u16(equal) != 0) {
            break;
        }
    }
#endif
    for (; i < count; i++) {
        if (ids[i] == id) {
            return i;
        }
    }
    return -1;
}
